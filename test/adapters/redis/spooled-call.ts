import type { SpooledCall } from '@switchgear/breaker/spool';

/** A held call with what a test is about; the rest is the same in all. */
export function call(id: string, parts: Partial<SpooledCall> = {}): SpooledCall {
  return {
    id,
    operation: 'send',
    input: { id },
    key: undefined,
    idempotencyKey: `key-of-${id}`,
    divertedAt: 1_000,
    expiresAt: 3_601_000,
    sizeBytes: 10,
    attempts: 0,
    ...parts,
  };
}

export const OWNER = { breaker: 'mail', wire: 'buffer' } as const;
