import { isTimeoutReason } from '../http-calls/timeout-reason.ts';

/** What clients on top of node:http destroy a request with whose time is up: got, axios, request and its heirs. */
const TIMEOUT_CODES = new Set<unknown>(['ETIMEDOUT', 'ESOCKETTIMEDOUT', 'ECONNABORTED']);

/** Whether a caller destroyed its request because the other side did not answer in time, which is a failure like any other. */
export function isTimeout(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false;
  if ('code' in error && TIMEOUT_CODES.has(error.code)) return true;
  // `AbortSignal.timeout` is told as the cause of an AbortError.
  return isTimeoutReason(error) || ('cause' in error && isTimeoutReason(error.cause));
}

/** For a caller that destroyed its request without a word after its `timeout` event. */
export function timeoutError(): Error {
  return Object.assign(new Error('The request had no answer in time'), { code: 'ETIMEDOUT' });
}
