import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Breaker } from '@switchgear/breaker';
import { HttpAnswer } from '../http-calls/http-answer.ts';
import { problemOf, retryAfterSeconds, sendProblem } from './breaker-problem.ts';
import { findBreakerError } from './find-breaker-error.ts';
import type { Handler, Next } from './middleware.ts';

export interface GuardRouteOptions {
  /** Which answers say that the route is unwell. Default: a status of 500 or above, which is what becomes of thrown errors. */
  readonly isFailure?: (response: ServerResponse) => boolean;
}

/**
 * Puts a breaker around the work of a route: what follows it in the chain. The call is over with the head of the answer, so a stream
 * goes on as it would. A client that leaves before that has cancelled it. While the breaker is open a request is answered at once: by
 * a neutral wire with `httpAnswer`, or with a problem document as by `breakerErrors`. The breaker's `timeoutMs` counts a call as timed
 * out and ends nothing: only the route itself knows how.
 * @example app.get('/report', guardRoute(createBreaker('report')), (request, response) => response.send(makeReport()));
 */
export function guardRoute(breaker: Breaker, { isFailure = isServerError }: GuardRouteOptions = {}): Handler {
  return (request, response, next) => {
    if (response.headersSent) {
      next();
      return;
    }
    const client = new AbortController();
    const onClose = () => client.abort(new Error('The client has left'));
    response.once('close', onClose);
    let isOn = false;
    const work = () => {
      isOn = true;
      // Taken off in that same moment: a short answer is closed before any promise hears of it.
      const head = headOf(response, isFailure, () => response.off('close', onClose));
      next();
      return head;
    };
    breaker.execute(work, { signal: client.signal, input: request }).then(
      (value) => !isOn && answer(breaker, response, value, next),
      (error) => !isOn && !client.signal.aborted && refuse(response, error, next),
    );
  };
}

function isServerError({ statusCode }: ServerResponse): boolean {
  return statusCode >= 500;
}

/** Settles as the head of the answer is sent. */
function headOf(
  response: ServerResponse,
  isFailure: (response: ServerResponse) => boolean,
  onHead: () => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const { writeHead } = response;
    response.writeHead = function (this: ServerResponse, ...head: never[]) {
      const returned = Reflect.apply(writeHead, this, head) as ServerResponse;
      onHead();
      if (isFailure(response)) reject(new RouteFailedError(response));
      else resolve();
      return returned;
    } as typeof writeHead;
  });
}

/** What the breaker is told of an answer that says that the route is unwell. */
class RouteFailedError extends Error {
  readonly code = 'ROUTE_FAILED';
  readonly status: number;

  constructor({ statusCode, req }: ServerResponse) {
    super(`${req.method} answered with status ${statusCode}`);
    this.name = 'RouteFailedError';
    this.status = statusCode;
  }
}

function answer(breaker: Breaker, response: ServerResponse, value: unknown, next: Next): void {
  if (response.headersSent || response.destroyed) return;
  if (!(value instanceof HttpAnswer)) {
    next(new TypeError(`A neutral wire of breaker "${breaker.name}" must answer a route with httpAnswer(…)`));
    return;
  }
  response.statusCode = value.status;
  for (const [name, text] of Object.entries(value.headers)) response.setHeader(name, text);
  response.end(hasBody(response.req, value) ? value.body : undefined);
}

function hasBody({ method }: IncomingMessage, { status }: HttpAnswer): boolean {
  return method !== 'HEAD' && status !== 204 && status !== 304;
}

function refuse(response: ServerResponse, error: unknown, next: Next): void {
  const found = findBreakerError(error);
  if (found && !response.headersSent) sendProblem(response, problemOf(found), retryAfterSeconds(found));
  else next(error);
}
