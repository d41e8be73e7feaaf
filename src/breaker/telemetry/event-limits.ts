import { type EventKey, LIMITED_EVENTS } from '@switchgear/conventions';
import type { BreakerReadings } from './observer.ts';
import { RateLimit } from './rate-limit.ts';

/** Made at a breaker's first event of a kind; gone with the breaker. About 100 bytes each. */
const limits = new WeakMap<BreakerReadings, Map<EventKey, RateLimit>>();

/**
 * Whether an event may be emitted: those of `LIMITED_EVENTS` have a rate limit per breaker, or per group of breakers, which
 * counts what it holds back.
 * @param at wall time, ms
 */
export function mayEmit(breaker: BreakerReadings, key: EventKey, at: number): boolean {
  return !isLimited(key) || limitOf(breaker.group ?? breaker, key, at).allows(at);
}

/** How many events of a kind a breaker's rate limit has held back. */
export function suppressedEvents(breaker: BreakerReadings, key: EventKey): number {
  return limits.get(breaker.group ?? breaker)?.get(key)?.suppressed ?? 0;
}

function isLimited(key: EventKey): boolean {
  return (LIMITED_EVENTS as readonly EventKey[]).includes(key);
}

function limitOf(breaker: BreakerReadings, key: EventKey, at: number): RateLimit {
  const own = limits.get(breaker) ?? new Map<EventKey, RateLimit>();
  const limit = own.get(key) ?? new RateLimit(at);
  own.set(key, limit);
  limits.set(breaker, own);
  return limit;
}
