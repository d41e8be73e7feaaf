import type { RingCounts, WindowMemory } from './window-counts.ts';

/** Buckets of a window: what it holds is exact to a tenth of its length. */
const BUCKETS = 10;

const EPOCH = 0;
const EXECUTED = 1;
const FAILED = 2;
const SLOW = 3;
const WORDS_PER_BUCKET = 4;

/** The window's length in ms. It stands with the buckets, so that no thread goes by a length they are not of. */
const LENGTH = BUCKETS * WORDS_PER_BUCKET;
/** Words a time window takes in the breaker's array. */
export const TIME_WINDOW_WORDS = LENGTH + 1;

/** Epochs are of 30 bits, so that what is no epoch has values of its own. */
const EPOCH_MASK = 2 ** 30 - 1;
/** The bucket holds nothing. */
const EMPTY = -1;
/** A thread is emptying the bucket for its new epoch. */
const TURNING = -2;
/** Epochs by which a bucket may be ahead of a thread that was held up; one that seems further ahead is out of date. */
const MOST_AHEAD = 2 * BUCKETS;
/** Looks at a turning bucket before its thread is taken for dead and the turn is finished in its place. */
const LOOKS = 1_000;

/**
 * A sliding time window over executed calls, as a ring of buckets in a typed array. The bucket of an instant is its time
 * divided by the bucket's length; a bucket whose epoch is not the one expected is out of date, whoever finds it. So old
 * failures are forgotten by elapsed time alone: no timer, and an idle hour costs nothing. A count that races a `clear` of
 * another thread may fall on either side of it.
 */
export class TimeWindow {
  readonly #memory: WindowMemory;
  readonly #offset: number;
  #windowMs: number;
  #bucketMs: number;
  /** The bucket used last, and the times it is for. */
  #bucket = 0;
  #from = 0;
  #to = 0;

  /**
   * @param offset first word of this window's TIME_WINDOW_WORDS
   * @param windowMs its length, where the memory does not have one yet
   */
  constructor(memory: WindowMemory, offset: number, windowMs: number) {
    this.#memory = memory;
    this.#offset = offset;
    const found = Atomics.compareExchange(memory.words, offset + LENGTH, 0, windowMs);
    this.#windowMs = found || windowMs;
    this.#bucketMs = this.#windowMs / BUCKETS;
    // New memory is all 0, which is an epoch.
    if (found === 0) this.clear();
  }

  /** Counts one executed call at `now` (ms, monotonic, from 0 on). */
  record(now: number, failed: boolean, slow: boolean): void {
    const bucket = this.#bucketAt(now);
    if (bucket < 0) return;
    const { words, isShared } = this.#memory;
    if (isShared) Atomics.add(words, bucket + EXECUTED, 1);
    else words[bucket + EXECUTED]! += 1;
    if (failed) Atomics.add(words, bucket + FAILED, 1);
    if (slow) Atomics.add(words, bucket + SLOW, 1);
  }

  /** Counts the failure of a call that was recorded as slow while it was in flight. */
  recordFailureOfOverdue(now: number): void {
    const bucket = this.#bucketAt(now);
    if (bucket >= 0) Atomics.add(this.#memory.words, bucket + FAILED, 1);
  }

  /** What the window holds at `now`. */
  counts(now: number): RingCounts {
    this.#followLength();
    const { words } = this.#memory;
    const newest = this.#epochAt(now);
    let executed = 0;
    let failed = 0;
    let slow = 0;
    for (let index = 0; index < BUCKETS; index++) {
      const bucket = this.#placeOf(index);
      const epoch = Atomics.load(words, bucket + EPOCH);
      if (epoch < 0 || ((newest - epoch) & EPOCH_MASK) >= BUCKETS) continue;
      executed += Atomics.load(words, bucket + EXECUTED);
      failed += Atomics.load(words, bucket + FAILED);
      slow += Atomics.load(words, bucket + SLOW);
    }
    // A call that was slow in flight may fail in a later bucket than it was counted in.
    return { executed: Math.max(executed, failed), failed, slow };
  }

  /** Forgets everything: after a reset, the failures that tripped the breaker must not trip it again. */
  clear(): void {
    for (let index = 0; index < BUCKETS; index++) {
      Atomics.store(this.#memory.words, this.#placeOf(index) + EPOCH, EMPTY);
    }
    this.lookAgain();
  }

  /** Takes note that another thread may have cleared it or changed its length: it is told, since a look costs each call. */
  lookAgain(): void {
    this.#to = 0;
  }

  /** Changes the length and keeps what is in it: each bucket's calls go to the new bucket of the time they began in. */
  resize(windowMs: number, now: number): void {
    if (windowMs === this.#windowMs) return;
    const held = this.#buckets(now);
    Atomics.store(this.#memory.words, this.#offset + LENGTH, windowMs);
    this.#followLength();
    this.clear();
    for (const { ageMs, executed, failed, slow } of held) {
      if (ageMs < windowMs) this.#put(Math.max(0, now - ageMs), { executed, failed, slow });
    }
  }

  /** Takes counts in as if they had been recorded at `now`. */
  restore({ executed, failed, slow }: RingCounts, now: number): void {
    this.#put(now, { executed, failed, slow });
  }

  #buckets(now: number): (RingCounts & { readonly ageMs: number })[] {
    const { words } = this.#memory;
    const newest = this.#epochAt(now);
    const held: (RingCounts & { readonly ageMs: number })[] = [];
    for (let index = 0; index < BUCKETS; index++) {
      const bucket = this.#placeOf(index);
      const epoch = Atomics.load(words, bucket + EPOCH);
      const age = (newest - epoch) & EPOCH_MASK;
      if (epoch < 0 || age >= BUCKETS) continue;
      held.push({
        ageMs: age * this.#bucketMs,
        executed: Atomics.load(words, bucket + EXECUTED),
        failed: Atomics.load(words, bucket + FAILED),
        slow: Atomics.load(words, bucket + SLOW),
      });
    }
    return held;
  }

  #put(at: number, { executed, failed, slow }: RingCounts): void {
    const bucket = this.#bucketAt(at);
    if (bucket < 0) return;
    const { words } = this.#memory;
    Atomics.add(words, bucket + EXECUTED, executed);
    Atomics.add(words, bucket + FAILED, failed);
    Atomics.add(words, bucket + SLOW, slow);
  }

  /** Takes note of a length that another thread has set. */
  #followLength(): void {
    const windowMs = Atomics.load(this.#memory.words, this.#offset + LENGTH);
    if (windowMs === this.#windowMs) return;
    this.#windowMs = windowMs;
    this.#bucketMs = windowMs / BUCKETS;
    this.lookAgain();
  }

  #placeOf(index: number): number {
    return this.#offset + index * WORDS_PER_BUCKET;
  }

  #epochAt(now: number): number {
    // Not by bits alone: they would cut what is above 2^32 in another place than the mask does.
    return Math.floor(now / this.#bucketMs) % (EPOCH_MASK + 1);
  }

  /** The place of the bucket for `now`, emptied if it held an older time; -1 where it holds a newer one. */
  #bucketAt(now: number): number {
    if (now >= this.#from && now < this.#to) return this.#bucket;
    const { words } = this.#memory;
    this.#followLength();
    const count = Math.floor(now / this.#bucketMs);
    const epoch = count % (EPOCH_MASK + 1);
    // Of the whole number: the epochs' range is no multiple of BUCKETS, so an epoch would step back in the ring.
    const bucket = this.#placeOf(count % BUCKETS);
    if (!turnTo(words, bucket, epoch)) return -1;
    this.#bucket = bucket;
    this.#from = count * this.#bucketMs;
    this.#to = this.#from + this.#bucketMs;
    return bucket;
  }
}

/** Empties a bucket for an epoch, unless it is there already; false where the bucket has gone on to a newer one. */
function turnTo(words: Int32Array, bucket: number, epoch: number): boolean {
  for (let looks = 0; ; looks++) {
    const found = Atomics.load(words, bucket + EPOCH);
    if (found === epoch) return true;
    if (found === TURNING && looks < LOOKS) continue;
    if (found >= 0 && ((found - epoch) & EPOCH_MASK) < MOST_AHEAD) return false;
    // Nobody reads or counts into a bucket while it turns: neither old counts in a new time, nor new ones lost.
    if (Atomics.compareExchange(words, bucket + EPOCH, found, TURNING) !== found) continue;
    Atomics.store(words, bucket + EXECUTED, 0);
    Atomics.store(words, bucket + FAILED, 0);
    Atomics.store(words, bucket + SLOW, 0);
    Atomics.store(words, bucket + EPOCH, epoch);
    return true;
  }
}
