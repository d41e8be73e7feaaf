import type { ServerResponse } from 'node:http';
import type { BreakerError } from './find-breaker-error.ts';

/** RFC 9457. */
export interface BreakerProblem {
  /** A URI that says which of them it is. */
  readonly type: string;
  readonly title: string;
  readonly status: 503 | 504;
  readonly detail: string;
  readonly breaker: string;
}

/** What an answer says that was not given because of a breaker. */
export function problemOf(error: BreakerError): BreakerProblem {
  const { breaker } = error;
  switch (error.code) {
    case 'BREAKER_OPEN':
      return {
        type: 'urn:switchgear:problem:breaker-open',
        title: 'A dependency is unwell',
        status: 503,
        detail: `What this needs of "${breaker}" is not asked for now, since it has failed too often.`,
        breaker,
      };
    case 'BREAKER_LIMITED':
      return {
        type: 'urn:switchgear:problem:breaker-limited',
        title: 'A dependency is busy',
        status: 503,
        detail: `As many calls of "${breaker}" as may be are under way already.`,
        breaker,
      };
    case 'BREAKER_TIMEOUT':
      return {
        type: 'urn:switchgear:problem:breaker-timeout',
        title: 'A dependency did not answer in time',
        status: 504,
        detail: `A call of "${breaker}" took longer than ${error.timeoutMs} ms.`,
        breaker,
      };
  }
}

/** Whole seconds after which to try again; undefined where nobody can say. */
export function retryAfterSeconds(error: BreakerError): number | undefined {
  if (error.code === 'BREAKER_LIMITED') return 1;
  if (error.code === 'BREAKER_TIMEOUT' || error.retryAfterMs === null) return undefined;
  // In its last moment it is 0, which would have all callers try again at once.
  return Math.max(1, Math.ceil(error.retryAfterMs / 1_000));
}

export function sendProblem(response: ServerResponse, problem: BreakerProblem, retryAfter: number | undefined): void {
  const body = Buffer.from(JSON.stringify(problem));
  response.statusCode = problem.status;
  response.setHeader('content-type', 'application/problem+json; charset=utf-8');
  response.setHeader('content-length', body.byteLength);
  response.setHeader('cache-control', 'no-store');
  if (retryAfter !== undefined) response.setHeader('retry-after', String(retryAfter));
  response.end(response.req.method === 'HEAD' ? undefined : body);
}
