import type { Metadata } from '@grpc/grpc-js';
import { BreakerLimitError, BreakerOpenError, CallTimeoutError } from '@switchgear/breaker';
import { GRPC_STATUSES } from '@switchgear/conventions';
import { DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, type Status, UNAVAILABLE } from './grpc-types.ts';

/** A status as the breaker judges it: like the error that the caller gets. */
export function statusError(status: Status): Error {
  const { code, details } = status;
  return Object.assign(new Error(`${code} ${GRPC_STATUSES[code] ?? code}: ${details}`), status);
}

/** What the caller of a call gets that the breaker ended or never let through. What stands beside the status comes to be on its error. */
export function refusalStatus(breaker: string, error: unknown, metadata: Metadata): Status {
  const cause = error instanceof Error ? error : new BreakerOpenError(breaker, null);
  const refusal = { code: codeOf(cause), details: cause.message, metadata, cause, breaker };
  return refusal;
}

function codeOf(error: Error): number {
  if (error instanceof CallTimeoutError) return DEADLINE_EXCEEDED;
  return error instanceof BreakerLimitError ? RESOURCE_EXHAUSTED : UNAVAILABLE;
}
