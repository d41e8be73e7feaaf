import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { GuardedBy } from '../outgoing/guarded-by.ts';
import { DispatcherGuard } from './dispatcher-guard.ts';
import { guardFetchWhile } from './guard-fetch.ts';

/** Where the copies of undici have their global dispatchers: the one of Node.js and those up to 7, and 8. */
const GLOBAL_DISPATCHERS = [Symbol.for('undici.globalDispatcher.1'), Symbol.for('undici.globalDispatcher.2')];

/** Each copy tells of a connection before it makes it. */
const BEFORE_CONNECT = 'undici:client:beforeConnect';

const installed = new Map<GuardedBy, () => void>();

/**
 * Puts breakers around the global `fetch`, and around all dispatchers of the copy of undici that holds the global one, which is its
 * first in the process: the one of Node.js or the package. So `request` and `stream` by the global dispatcher are guarded; agents,
 * pools and clients of the package are where it holds that, or once `installUndiciGuard` has it. The holder is looked
 * for now and whenever a copy connects: where it changes later, its first request is not guarded. Nor is a
 * `fetch` that somebody took out of `globalThis` before.
 * Returns what takes it off again. The same `by` is installed once.
 * @example const takeOff = installFetchGuard(createBreaker('stock'));
 */
export function installFetchGuard(by: GuardedBy): () => void {
  const known = installed.get(by);
  if (known) return known;
  const original = globalThis.fetch;
  let isOn = true;
  const guarded = guardFetchWhile(() => isOn, original, by);
  globalThis.fetch = guarded;
  const dispatchers = new DispatcherGuard(by);
  const look = () => {
    for (const name of GLOBAL_DISPATCHERS) dispatchers.guardCopyOf((globalThis as Record<symbol, unknown>)[name]);
  };
  look();
  subscribe(BEFORE_CONNECT, look);
  const takeOff = () => {
    if (!isOn) return;
    isOn = false;
    installed.delete(by);
    unsubscribe(BEFORE_CONNECT, look);
    dispatchers.takeOff();
    // Somebody may have put something around it since.
    if (globalThis.fetch === guarded) globalThis.fetch = original;
  };
  installed.set(by, takeOff);
  return takeOff;
}
