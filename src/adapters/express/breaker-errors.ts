import { problemOf, retryAfterSeconds, sendProblem } from './breaker-problem.ts';
import { type BreakerError, findBreakerError } from './find-breaker-error.ts';
import type { ErrorHandler } from './middleware.ts';

export interface BreakerErrorsOptions {
  /** The `type` of a problem, a URI. Default: `urn:switchgear:problem:breaker-open`, `…:breaker-limited`, `…:breaker-timeout`. */
  readonly typeOf?: (error: BreakerError) => string;
}

/**
 * Error middleware that answers with a problem document (RFC 9457) where a breaker did not let a call through: 503 with `Retry-After`
 * in seconds where the breaker is open, unless an operator holds it open, or where its concurrency limit is full; 504 where a
 * call took longer than `timeoutMs`. It finds the breaker's error behind those of clients, by `cause` and `errors`. Everything else is for
 * the next handler, as is an error after the head of the answer was sent.
 * @example app.use(breakerErrors());
 */
export function breakerErrors({ typeOf }: BreakerErrorsOptions = {}): ErrorHandler {
  return (error, _request, response, next) => {
    const found = response.headersSent ? undefined : findBreakerError(error);
    if (!found) {
      next(error);
      return;
    }
    const problem = problemOf(found);
    sendProblem(response, typeOf ? { ...problem, type: typeOf(found) } : problem, retryAfterSeconds(found));
  };
}
