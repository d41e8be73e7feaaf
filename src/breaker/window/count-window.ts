import type { RingCounts, WindowMemory } from './window-counts.ts';

/** Four bits a call: that there is one, whether it failed, whether it was slow; one bit is spare. */
const CALLS_PER_WORD = 8;
const BITS_PER_CALL = 4;
const PRESENT = 1;
const FAILED = 2;
const SLOW = 4;
const ALL = 15;
/** The same bit of each call of a word. */
const EACH = 0x11111111;

/**
 * Calls that a ring has room for, whatever the size of its window: a call keeps its place when the size changes, and a power
 * of two lets the number of the call wrap without a step in the ring. 512 bytes.
 */
const RING_CALLS = 1_024;
/** Words of a ring. */
export const RING_WORDS = RING_CALLS / CALLS_PER_WORD;
/** Words of a count window beside its ring: how many calls it has seen. */
export const COUNT_WINDOW_WORDS = 1;

/**
 * A window over the last so many executed calls, whatever their age, as a ring of four bits a call. What it holds is counted
 * in the ring itself when somebody asks, so that no running total can drift from it.
 */
export class CountWindow {
  readonly #memory: WindowMemory;
  readonly #seen: number;
  #size: number;

  /**
   * @param seen the word that counts the calls
   * @param size calls the window holds, at most RING_CALLS
   */
  constructor(memory: WindowMemory, seen: number, size: number) {
    this.#memory = memory;
    this.#seen = seen;
    this.#size = size;
  }

  /** Counts one executed call. Returns the mark to tell of its failure by, should that come later. */
  record(failed: boolean, slow: boolean): number {
    const call = Atomics.add(this.#memory.words, this.#seen, 1);
    this.#write(call, ALL, PRESENT | (failed ? FAILED : 0) | (slow ? SLOW : 0));
    return call;
  }

  /** Counts the failure of a call that was recorded as slow while it was in flight, if the ring still holds it. */
  recordFailureOfOverdue(mark: number): void {
    const age = (Atomics.load(this.#memory.words, this.#seen) - mark) >>> 0;
    if (age <= RING_CALLS) this.#write(mark, FAILED, FAILED);
  }

  counts(): RingCounts {
    const { words, ring } = this.#memory;
    let executed = 0;
    let failed = 0;
    let slow = 0;
    let slot = (Atomics.load(words, this.#seen) - this.#size) & (RING_CALLS - 1);
    for (let left = this.#size; left > 0; ) {
      const first = slot % CALLS_PER_WORD;
      const count = Math.min(CALLS_PER_WORD - first, left);
      const word = Atomics.load(words, ring + Math.floor(slot / CALLS_PER_WORD));
      const present = word & bitsOf(first, count) & EACH;
      executed += countBits(present);
      failed += countBits(word & (present * FAILED));
      slow += countBits(word & (present * SLOW));
      slot = (slot + count) & (RING_CALLS - 1);
      left -= count;
    }
    return { executed, failed, slow };
  }

  clear(): void {
    const { words, ring } = this.#memory;
    for (let index = 0; index < RING_WORDS; index++) Atomics.store(words, ring + index, 0);
  }

  /** Changes how many of the latest calls it holds. What it had forgotten does not come back. */
  resize(size: number): void {
    const seen = Atomics.load(this.#memory.words, this.#seen);
    for (let back = this.#size + 1; back <= size; back++) this.#write(seen - back, ALL, 0);
    this.#size = size;
  }

  /** Takes counts in; which calls they were is not known any more. Of more than it can hold, it keeps their shares. */
  restore({ executed, failed, slow }: RingCounts): void {
    const count = Math.min(this.#size, executed);
    // Spread evenly, so that what falls out of the window first is like what stays.
    const isOneOf = (part: number, call: number) =>
      Math.floor(((call + 1) * part) / executed) > Math.floor((call * part) / executed);
    for (let call = 0; call < count; call++) this.record(isOneOf(failed, call), isOneOf(slow, call));
  }

  /** Replaces the bits under `mask` of a call. */
  #write(call: number, mask: number, bits: number): void {
    const { words, ring } = this.#memory;
    const slot = call & (RING_CALLS - 1);
    const word = ring + Math.floor(slot / CALLS_PER_WORD);
    const shift = (slot % CALLS_PER_WORD) * BITS_PER_CALL;
    for (;;) {
      const found = Atomics.load(words, word);
      const next = (found & ~(mask << shift)) | (bits << shift);
      if (Atomics.compareExchange(words, word, found, next) === found) return;
    }
  }
}

/** The bits of `count` calls of a word, from the one at `first` on. */
function bitsOf(first: number, count: number): number {
  const bits = count === CALLS_PER_WORD ? -1 : (1 << (count * BITS_PER_CALL)) - 1;
  return bits << (first * BITS_PER_CALL);
}

/** Bits set in a word. https://graphics.stanford.edu/~seander/bithacks.html#CountBitsSetParallel */
function countBits(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
