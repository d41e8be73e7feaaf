const CACHED = Symbol.for('switchgear.cached');

/** What a caller gets whose call a cache wire answered: a result of the past, so named that nobody takes it for a fresh one. */
export interface CachedAnswer<Value = unknown> {
  readonly [CACHED]: true;
  /** The last good result, the very object that its caller had. */
  readonly value: Value;
  /** Milliseconds since that call ended. */
  readonly ageMs: number;
  readonly stale: true;
  /** When that call ended: wall time, ms since the epoch. */
  readonly cachedAt: number;
}

export function createCachedAnswer<Value>(value: Value, ageMs: number, cachedAt: number): CachedAnswer<Value> {
  return Object.freeze({ [CACHED]: true as const, value, ageMs, stale: true as const, cachedAt });
}

/** Tells a cache wire's answer from the function's own result. */
export function isCached(answer: unknown): answer is CachedAnswer {
  return typeof answer === 'object' && answer !== null && (answer as Partial<CachedAnswer>)[CACHED] === true;
}
