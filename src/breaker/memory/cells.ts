/**
 * All numbers of a breaker, in one Int32Array that is touched with Atomics only, so that the same code serves an
 * ArrayBuffer and a SharedArrayBuffer. A wide cell is two words, low and high, and counts to 2^53.
 */
export class Cells {
  readonly words: Int32Array;

  constructor(words: Int32Array) {
    this.words = words;
  }

  get(cell: number): number {
    return Atomics.load(this.words, cell);
  }

  set(cell: number, value: number): void {
    Atomics.store(this.words, cell, value);
  }

  /** Adds to a single word and returns its new value. */
  add(cell: number, amount: number): number {
    return Atomics.add(this.words, cell, amount) + amount;
  }

  /** Adds 1 to a wide cell. */
  increment(cell: number): void {
    // The low word wraps from all ones to zero: exactly one writer sees it and carries.
    if (Atomics.add(this.words, cell, 1) === -1) Atomics.add(this.words, cell + 1, 1);
  }

  getWide(cell: number): number {
    for (;;) {
      const high = Atomics.load(this.words, cell + 1);
      const low = Atomics.load(this.words, cell);
      // A carry between the two loads would tear the value.
      if (Atomics.load(this.words, cell + 1) === high) return high * 2 ** 32 + (low >>> 0);
    }
  }

  /** Writes a whole number up to 2^53 to a wide cell. */
  setWide(cell: number, value: number): void {
    const whole = Math.max(0, Math.round(value));
    Atomics.store(this.words, cell, whole | 0);
    Atomics.store(this.words, cell + 1, Math.floor(whole / 2 ** 32));
  }
}
