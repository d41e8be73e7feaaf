import type { SpooledCall } from '../../../../src/breaker/neutral/spool/spool.ts';

export const OWNER = { breaker: 'payments', wire: 'buffer' };
/** Wall time, ms. */
export const NOW = 1_800_000_000_000;

export function spooledCall(id: string, fields: Partial<SpooledCall> = {}): SpooledCall {
  return {
    id,
    operation: 'charge',
    input: { order: id },
    key: undefined,
    idempotencyKey: `key of ${id}`,
    divertedAt: NOW,
    expiresAt: NOW + 3_600_000,
    sizeBytes: 8,
    attempts: 0,
    ...fields,
  };
}
