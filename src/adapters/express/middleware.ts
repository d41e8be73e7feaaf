import type { IncomingMessage, ServerResponse } from 'node:http';

/** What Express hands the next handler in its chain. */
export type Next = (error?: unknown) => void;

/** A handler of Express 4 and 5, and of Connect: it needs nothing of theirs but what node:http has. */
export type Handler = (request: IncomingMessage, response: ServerResponse, next: Next) => void;

/** Express knows it from a handler by its four parameters. */
export type ErrorHandler = (error: unknown, request: IncomingMessage, response: ServerResponse, next: Next) => void;
