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

/** Words that a ring takes for each call it holds. */
export const RING_WORDS_PER_CALL = 1 / CALLS_PER_WORD;
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
   * @param size calls the window holds
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

  /** Counts the failure of a call that was recorded as slow while it was in flight, if the window still holds it. */
  recordFailureOfOverdue(mark: number): void {
    const age = (Atomics.load(this.#memory.words, this.#seen) - mark) >>> 0;
    if (age <= this.#size) this.#write(mark, FAILED, FAILED);
  }

  counts(): RingCounts {
    const { words } = this.#memory;
    const ring = this.#memory.ring;
    let executed = 0;
    let failed = 0;
    let slow = 0;
    for (let index = 0; index < Math.ceil(this.#size * RING_WORDS_PER_CALL); index++) {
      const word = Atomics.load(words, ring + index);
      executed += countBits(word & (EACH * PRESENT));
      failed += countBits(word & (EACH * FAILED));
      slow += countBits(word & (EACH * SLOW));
    }
    return { executed, failed, slow };
  }

  clear(): void {
    const ring = this.#memory.ring;
    for (let index = 0; index < Math.ceil(this.#size * RING_WORDS_PER_CALL); index++) {
      Atomics.store(this.#memory.words, ring + index, 0);
    }
  }

  /** Changes how many calls it holds and keeps the latest. The array must have room for them. */
  resize(size: number): void {
    if (size === this.#size) return;
    const kept = this.#latest(Math.min(size, this.#size));
    this.clear();
    this.#size = size;
    for (const call of kept) this.record((call & FAILED) !== 0, (call & SLOW) !== 0);
  }

  /** Takes counts in, as far as they fit; which calls they were is not known any more. */
  restore({ executed, failed, slow }: RingCounts): void {
    const count = Math.min(this.#size, executed);
    for (let call = 0; call < count; call++) this.record(call < failed, call < slow);
  }

  /** The latest calls' bits, oldest first. */
  #latest(most: number): number[] {
    const seen = Atomics.load(this.#memory.words, this.#seen) >>> 0;
    const calls: number[] = [];
    for (let back = Math.min(most, this.#size, seen); back > 0; back--) {
      const { word, shift } = this.#placeOf((seen - back) >>> 0);
      const bits = (Atomics.load(this.#memory.words, word) >>> shift) & ALL;
      if (bits & PRESENT) calls.push(bits);
    }
    return calls;
  }

  /** Replaces the bits under `mask` of a call. */
  #write(call: number, mask: number, bits: number): void {
    const { words } = this.#memory;
    const { word, shift } = this.#placeOf(call >>> 0);
    for (;;) {
      const found = Atomics.load(words, word);
      const next = (found & ~(mask << shift)) | (bits << shift);
      if (Atomics.compareExchange(words, word, found, next) === found) return;
    }
  }

  #placeOf(call: number): { readonly word: number; readonly shift: number } {
    const slot = call % this.#size;
    return {
      word: this.#memory.ring + Math.floor(slot * RING_WORDS_PER_CALL),
      shift: (slot % CALLS_PER_WORD) * BITS_PER_CALL,
    };
  }
}

/** Bits set in a word. https://graphics.stanford.edu/~seander/bithacks.html#CountBitsSetParallel */
function countBits(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
