import { breakerName, type Check, InvalidInputError, integer, object } from '@switchgear/conventions';
import { WireRefusedError } from '../errors.ts';
import { type CachedAnswer, createCachedAnswer, isCached } from './cached-answer.ts';
import { callName, LONGEST_CALL_NAME } from './call-name.ts';
import { isReceipt } from './receipt.ts';
import { RecentlyUsed } from './recently-used.ts';
import { isThenable } from './thenable.ts';
import type { DivertedCall, GoodCall, NeutralWire, WireAnswer } from './wire.ts';

export interface CacheWireOptions {
  /** Default `cache`. */
  readonly name?: string;
  /** Most results kept, 1 to 1,000,000; default 1,000. Beyond it the one goes that was used least recently. */
  readonly maxEntries?: number;
  /** Milliseconds after which a result is too old to answer with, 1 to 86,400,000; default 300,000 (five minutes). */
  readonly maxAgeMs?: number;
  /**
   * What a call asks, at most 1,024 characters: calls for which it is the same have one answer. `undefined` leaves a call alone. Default: its `key`
   * and its input as JSON.
   */
  readonly keyOf?: (call: Pick<DivertedCall, 'input' | 'key'>) => string | undefined;
}

const isFunction: Check = (value, field) =>
  typeof value === 'function' ? [] : [{ field, rule: 'must be a function', value }];
const checkOptions = object(
  {},
  {
    name: breakerName,
    maxEntries: integer(1, 1_000_000),
    maxAgeMs: integer(1, 86_400_000),
    keyOf: isFunction,
  },
);

/**
 * A wire that answers diverted calls with the last good result for what they ask. Results are kept by reference, apart
 * for each function of `protect`. Memory: `maxEntries` times what a result takes and at most about 2.5 KB for its key;
 * a result that nobody asks for stays until others have taken its place, or the breaker is closed.
 * @throws InvalidInputError for an option out of its range
 */
export function cacheWire(options: CacheWireOptions = {}): NeutralWire<CachedAnswer> {
  const problems = checkOptions(options, '');
  if (problems.length > 0) throw new InvalidInputError(problems);
  return new CacheWire(options);
}

interface Result {
  readonly value: unknown;
  /** Monotonic ms. */
  readonly endedAt: number;
  readonly endedAtWallMs: number;
}

class CacheWire implements NeutralWire<CachedAnswer> {
  readonly name: string;
  readonly kind = 'cache';
  readonly #maxAgeMs: number;
  readonly #keyOf: CacheWireOptions['keyOf'];
  readonly #results: RecentlyUsed<Result>;
  readonly #functions = new WeakMap<object, number>();
  #numbered = 0;
  #closed = false;

  constructor({ name = 'cache', maxEntries = 1_000, maxAgeMs = 300_000, keyOf }: CacheWireOptions) {
    this.name = name;
    this.#results = new RecentlyUsed(maxEntries);
    this.#maxAgeMs = maxAgeMs;
    this.#keyOf = keyOf;
  }

  learn(call: GoodCall, result: unknown): void {
    // A promise of `executeSync` may yet be rejected; the answers of another breaker's wires are no results.
    if (this.#closed || isThenable(result) || isReceipt(result) || isCached(result)) return;
    const name = this.#nameOf(call);
    if (name === undefined) return;
    this.#results.set(name, { value: result, endedAt: call.endedAt, endedAtWallMs: call.endedAtWallMs });
  }

  take(call: DivertedCall): WireAnswer<CachedAnswer> {
    const name = this.#nameOf(call);
    if (name === undefined) throw this.#miss('neither its key nor its input says what it asks');
    const result = this.#results.get(name);
    if (!result) throw this.#miss('there is no good result for it');
    const ageMs = Math.max(0, call.divertedAt - result.endedAt);
    if (ageMs > this.#maxAgeMs) {
      this.#results.delete(name);
      throw this.#miss(`its last good result is ${Math.round(ageMs)} ms old`);
    }
    return { outcome: 'served', value: createCachedAnswer(result.value, ageMs, result.endedAtWallMs) };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#results.clear();
  }

  #nameOf({ input, key, fn }: Pick<DivertedCall, 'input' | 'key' | 'fn'>): string | undefined {
    const asked = this.#keyOf ? checkedKey(this.#keyOf({ input, key })) : callName(key, input);
    // A function that takes no input has one answer.
    const asksNothing = fn !== undefined && key === undefined && input === undefined && !this.#keyOf;
    if (asked === undefined && !asksNothing) return undefined;
    // Functions of one breaker may take the same input for different questions.
    // Joined, it is a text of its own: one that was cut out of a long one would keep that alive.
    return [fn ? this.#numberOf(fn) : 0, asked].join(' ');
  }

  #numberOf(fn: object): number {
    const known = this.#functions.get(fn);
    if (known !== undefined) return known;
    this.#functions.set(fn, ++this.#numbered);
    return this.#numbered;
  }

  #miss(why: string): WireRefusedError {
    return new WireRefusedError(this.name, why, true);
  }
}

function checkedKey(key: unknown): string | undefined {
  if (key === undefined) return undefined;
  if (typeof key !== 'string') throw new TypeError(`keyOf returned ${typeof key}, and a key is a string`);
  return key.length > LONGEST_CALL_NAME ? undefined : key;
}
