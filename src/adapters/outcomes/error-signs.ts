/** What an error and its causes say of how the call ended. */
export interface ErrorSigns {
  /** HTTP statuses. */
  readonly statuses: number[];
  /** Numbers of gRPC statuses. */
  readonly grpc: number[];
  /** Codes and names: `ECONNRESET`, an SQLSTATE, the first word of a reply of Redis, a class. */
  readonly words: string[];
  /** The other side answered. */
  readonly isAnswer: boolean;
}

/** Most causes one below the other that are looked at, and most errors in all: either may go on for ever. */
const MOST_DEPTH = 6;
const MOST_ERRORS = 32;

/** No code of Node.js or of the system is like it: those begin with E. */
const SQLSTATE = /^[0-9FHPX][0-9A-Z]{4}$/;
/** Names of the errors that `ioredis` and `redis` make of a reply. */
const REPLIES = new Set(['ReplyError', 'ErrorReply', 'SimpleError', 'BlobError', 'MultiErrorReply']);
const FIRST_WORD = /^[A-Z][A-Z0-9_]*(?![A-Za-z0-9_])/;
/** The codes of a DOMException that `AbortSignal` gives as its reason, and the names of the constants for them. */
const ABORTS: ReadonlyMap<unknown, string> = new Map([
  [20, 'ABORT_ERR'],
  [23, 'TIMEOUT_ERR'],
]);

interface Found extends ErrorSigns {
  isAnswer: boolean;
  seen: number;
}

interface Readable {
  readonly code?: unknown;
  readonly name?: unknown;
  readonly message?: unknown;
  readonly details?: unknown;
  readonly status?: unknown;
  readonly statusCode?: unknown;
  readonly response?: { readonly status?: unknown; readonly statusCode?: unknown } | null;
  readonly cause?: unknown;
  readonly errors?: unknown;
  readonly constructor?: { readonly name?: unknown };
}

/** Looks along `cause` and `errors`, to a bounded depth. */
export function readErrorSigns(error: unknown): ErrorSigns {
  const found: Found = { statuses: [], grpc: [], words: [], isAnswer: false, seen: 0 };
  look(error, MOST_DEPTH, found);
  return found;
}

function look(error: unknown, depth: number, found: Found): void {
  if (typeof error !== 'object' || error === null || depth === 0 || found.seen === MOST_ERRORS) return;
  found.seen += 1;
  readOne(error as Readable, found);
  const { cause, errors } = error as Readable;
  if (cause !== undefined) look(cause, depth - 1, found);
  if (Array.isArray(errors)) for (const inner of errors) look(inner, depth - 1, found);
}

function readOne(error: Readable, found: Found): void {
  const { code, response } = error;
  const status = error.status ?? error.statusCode ?? response?.status ?? response?.statusCode;
  if (isHttpStatus(status)) {
    found.statuses.push(status);
    found.isAnswer = true;
  }
  if (typeof code === 'string') {
    found.words.push(code);
    if (SQLSTATE.test(code)) found.isAnswer = true;
  } else if (isGrpcStatus(code) && 'details' in error) {
    found.grpc.push(code);
    found.isAnswer = true;
  } else if (ABORTS.has(code)) {
    found.words.push(ABORTS.get(code)!);
  }
  readName(error, found);
}

function readName(error: Readable, found: Found): void {
  // Some classes keep the name of Error; that of the class is the better one then.
  const name = error.name === 'Error' ? error.constructor?.name : error.name;
  if (typeof name !== 'string' || name === 'Error') return;
  found.words.push(name);
  if (!REPLIES.has(name)) return;
  found.isAnswer = true;
  const word = FIRST_WORD.exec(String(error.message))?.[0];
  if (word !== undefined) found.words.push(word);
}

/** The status of an answer that has one. */
export function statusOf(result: unknown): number | undefined {
  if (typeof result !== 'object' || result === null) return undefined;
  const { status, statusCode } = result as Readable;
  if (isHttpStatus(status)) return status;
  return isHttpStatus(statusCode) ? statusCode : undefined;
}

function isHttpStatus(value: unknown): value is number {
  return typeof value === 'number' && value >= 100 && value <= 599;
}

function isGrpcStatus(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 16;
}
