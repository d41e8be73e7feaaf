import type { SpooledCall } from './spool.ts';

/** A copy with nothing but what a spool keeps of a call. */
export function plainCall(call: SpooledCall): SpooledCall {
  const { id, operation, input, key, idempotencyKey, divertedAt, expiresAt, sizeBytes, attempts } = call;
  return { id, operation, input, key, idempotencyKey, divertedAt, expiresAt, sizeBytes, attempts };
}
