import express, { type Request, type RequestHandler } from 'express';
import { HttpProblem } from './problem.ts';

/** Largest body of an API request, in bytes, before and after decompression. */
export const MAX_JSON_BYTES = 64 * 1024;

/** Reads a JSON body into `request.body`; where there is none, it stays undefined. Anything but JSON gets 415. */
export function jsonBody(): RequestHandler {
  const parse = express.json({ limit: MAX_JSON_BYTES, strict: false, type: () => true });
  return (request, response, next) => {
    if (!hasBody(request)) return next();
    const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
    if (type !== 'application/json') {
      const problem = { field: 'Content-Type', rule: 'must be application/json', value: type };
      return next(new HttpProblem(415, 'The body must be application/json.', [problem]));
    }
    parse(request, response, (error?: unknown) => next(error && explain(error)));
  };
}

function hasBody(request: Request): boolean {
  const length = request.headers['content-length'];
  return request.headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

function explain(error: unknown): unknown {
  const { type, message } = error as { type?: string; message: string };
  if (type === 'entity.too.large') {
    return new HttpProblem(413, `The body must be at most ${MAX_JSON_BYTES} bytes.`, [
      { field: 'body', rule: `must be at most ${MAX_JSON_BYTES} bytes`, value: undefined },
    ]);
  }
  if (type !== 'entity.parse.failed') return error;
  return new HttpProblem(400, `\`body\` must be JSON (${message})`, [
    { field: 'body', rule: `must be JSON (${message})`, value: undefined },
  ]);
}
