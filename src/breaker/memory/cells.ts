/** Looks at a wide cell that has just wrapped before its carry is taken for missing: the writer is one instruction behind. */
const LOOKS = 64;

/** A double and its two words, to pass one through integer cells without loss. */
const double = new Float64Array(1);
const halves = new Int32Array(double.buffer);

/**
 * All numbers of a breaker, in one Int32Array. Memory that threads share is touched with Atomics only; in memory of its own
 * a thread cannot be interrupted between two words, so the counts of every call are plain there, at a third of the cost. A
 * wide cell is two words, low and high, and counts on past 2^53.
 */
export class Cells {
  /** Replaced where the breaker comes to be shared: never keep it. */
  words: Int32Array;
  /** First word of the ring of a count window, which stands last. */
  ring: number;
  /** Whether other threads may write to them: in memory of its own, a thread knows what it wrote without looking. */
  isShared: boolean;

  constructor(words: Int32Array, ring: number) {
    this.words = words;
    this.ring = ring;
    this.isShared = words.buffer instanceof SharedArrayBuffer;
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
    const { words } = this;
    if (!this.isShared) {
      const before = words[cell]!;
      words[cell] = before + 1;
      if (before === -1) words[cell + 1]! += 1;
      return;
    }
    // The low word wraps from all ones to zero: exactly one writer sees it and carries.
    if (Atomics.add(words, cell, 1) === -1) Atomics.add(words, cell + 1, 1);
  }

  /** Adds a whole number from 0 to 2^53 to a wide cell. */
  addWide(cell: number, amount: number): void {
    const { words } = this;
    const low = amount >>> 0;
    const before = (this.isShared ? Atomics.add(words, cell, low | 0) : addPlain(words, cell, low)) >>> 0;
    let carry = before + low >= 2 ** 32 ? 1 : 0;
    if (amount >= 2 ** 32) carry += Math.floor(amount / 2 ** 32);
    if (carry > 0) Atomics.add(words, cell + 1, carry);
  }

  getWide(cell: number): number {
    for (let looks = 0; ; looks++) {
      const high = Atomics.load(this.words, cell + 1);
      const low = Atomics.load(this.words, cell) >>> 0;
      // A carry between the two loads, or one that is still to come, would tear the value by 2^32.
      const mayBeTorn = Atomics.load(this.words, cell + 1) !== high || (low < LOOKS && high + low > 0);
      if (!mayBeTorn || looks >= LOOKS) return high * 2 ** 32 + low;
    }
  }

  /** A double in two words. Not atomic: a reader that must not see half of it needs a check of its own. */
  getDouble(cell: number): number {
    halves[0] = Atomics.load(this.words, cell);
    halves[1] = Atomics.load(this.words, cell + 1);
    return double[0]!;
  }

  setDouble(cell: number, value: number): void {
    double[0] = value;
    Atomics.store(this.words, cell, halves[0]!);
    Atomics.store(this.words, cell + 1, halves[1]!);
  }
}

/** As Atomics.add: returns what was there. */
function addPlain(words: Int32Array, cell: number, amount: number): number {
  const before = words[cell]!;
  words[cell] = before + amount;
  return before;
}
