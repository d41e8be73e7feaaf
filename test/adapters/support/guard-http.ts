import { onTestFinished } from 'vitest';
import { installHttpGuard } from '../../../src/adapters/http/index.ts';
import type { GuardedBy } from '../../../src/adapters/outgoing/guarded-by.ts';

/** Has all requests of node:http guarded until the test is over. Returns what takes the guard off before that. */
export function guardHttp(by: GuardedBy): () => void {
  const takeOff = installHttpGuard(by);
  onTestFinished(takeOff);
  return takeOff;
}
