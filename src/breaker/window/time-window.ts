/** Buckets of a window: what it holds is exact to a tenth of its length. */
const BUCKETS = 10;

const EPOCH = 0;
const EXECUTED = 1;
const FAILED = 2;
const WORDS_PER_BUCKET = 3;

/** Words a window takes in the breaker's array. */
export const WINDOW_WORDS = BUCKETS * WORDS_PER_BUCKET;

export interface WindowCounts {
  /** Calls that were executed and judged: successes, failures and timeouts. */
  readonly executed: number;
  /** Failures and timeouts. */
  readonly failed: number;
}

/**
 * A sliding time window over executed calls, as a ring of buckets in a typed array. The bucket of an instant is its time
 * divided by the bucket's length; a bucket whose epoch is not the one expected is out of date, whoever finds it. So old
 * failures are forgotten by elapsed time alone: no timer, and an idle hour costs nothing.
 */
export class TimeWindow {
  readonly #words: Int32Array;
  readonly #offset: number;
  #bucketMs: number;

  /** @param offset first word of this window's WINDOW_WORDS in `words` */
  constructor(words: Int32Array, offset: number, windowMs: number) {
    this.#words = words;
    this.#offset = offset;
    this.#bucketMs = windowMs / BUCKETS;
    this.clear();
  }

  /** Counts one executed call at `now` (ms, monotonic, from 0 on). */
  record(now: number, failed: boolean): void {
    const bucket = this.#currentBucket(now);
    Atomics.add(this.#words, bucket + EXECUTED, 1);
    if (failed) Atomics.add(this.#words, bucket + FAILED, 1);
  }

  /** What the window holds at `now`. */
  counts(now: number): WindowCounts {
    const newest = this.#epoch(now);
    let executed = 0;
    let failed = 0;
    for (let index = 0; index < BUCKETS; index++) {
      const bucket = this.#offset + index * WORDS_PER_BUCKET;
      // Epochs wrap at 2^32, so their distance is compared, not their order.
      const age = (newest - Atomics.load(this.#words, bucket + EPOCH)) | 0;
      if (age < 0 || age >= BUCKETS) continue;
      executed += Atomics.load(this.#words, bucket + EXECUTED);
      failed += Atomics.load(this.#words, bucket + FAILED);
    }
    return { executed, failed };
  }

  /** Forgets everything: after a reset, the failures that tripped the breaker must not trip it again. */
  clear(): void {
    for (let index = 0; index < BUCKETS; index++) {
      const bucket = this.#offset + index * WORDS_PER_BUCKET;
      Atomics.store(this.#words, bucket + EPOCH, -1);
      Atomics.store(this.#words, bucket + EXECUTED, 0);
      Atomics.store(this.#words, bucket + FAILED, 0);
    }
  }

  /** Changes the length. The buckets of another length cannot be read in this one: the window starts empty. */
  resize(windowMs: number): void {
    const bucketMs = windowMs / BUCKETS;
    if (bucketMs === this.#bucketMs) return;
    this.#bucketMs = bucketMs;
    this.clear();
  }

  #epoch(now: number): number {
    return Math.floor(now / this.#bucketMs) | 0;
  }

  #currentBucket(now: number): number {
    const epoch = this.#epoch(now);
    // Of the whole number: 2^32 is no multiple of BUCKETS, so the wrapped one would step back in the ring.
    const bucket = this.#offset + (Math.floor(now / this.#bucketMs) % BUCKETS) * WORDS_PER_BUCKET;
    const found = Atomics.load(this.#words, bucket + EPOCH);
    if (found !== epoch && Atomics.compareExchange(this.#words, bucket + EPOCH, found, epoch) === found) {
      Atomics.store(this.#words, bucket + EXECUTED, 0);
      Atomics.store(this.#words, bucket + FAILED, 0);
    }
    return bucket;
  }
}
