/** Half of the numbers of a word, and all of them. */
const HALF = 2 ** 31;
const WAY = 2 ** 32;
const LAST_OF_FIRST_HALF = HALF - 1;
const LAST_OF_SECOND_HALF = -1;

/** A double and its two words, to pass one through integer cells without loss. */
const double = new Float64Array(1);
const halves = new Int32Array(double.buffer);

/** First words of the parts that not every breaker has; undefined until one is needed. */
export interface Sections {
  /** The histograms of failed calls. */
  readonly failures: number | undefined;
  /** The ring of a count window. */
  readonly ring: number | undefined;
}

/**
 * All numbers of a breaker, in one Int32Array. Memory that threads share is touched with Atomics only; in memory of its own
 * a thread cannot be interrupted between two words, so the counts of every call are plain there, at a third of the cost. A
 * wide cell is two words, and counts on past 2^53: the low word counts as far as it can and starts again, the high word
 * counts the halves of its way that it has gone.
 */
export class Cells {
  /** Replaced where the breaker comes to be shared: never keep it. */
  words: Int32Array;
  /** Replaced where one is added. */
  sections: Sections;
  /** Whether other threads may write to them: in memory of its own, a thread knows what it wrote without looking. */
  isShared: boolean;

  constructor(words: Int32Array, sections: Sections) {
    this.words = words;
    this.sections = sections;
    this.isShared = words.buffer instanceof SharedArrayBuffer;
  }

  /** First word of the ring of a count window; there must be one. */
  get ring(): number {
    return this.sections.ring as number;
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
    let before: number;
    if (this.isShared) before = Atomics.add(words, cell, 1);
    else {
      before = words[cell]!;
      words[cell] = before + 1;
    }
    // Exactly one writer sees the end of a half, and carries.
    if (before === LAST_OF_FIRST_HALF || before === LAST_OF_SECOND_HALF) Atomics.add(words, cell + 1, 1);
  }

  /** Adds a whole number from 0 to 2^53 to a wide cell. */
  addWide(cell: number, amount: number): void {
    if (amount < HALF) {
      this.#addStep(cell, amount);
      return;
    }
    // In steps of less than a half, so that one crossing at most is still to be carried; whole ways need no step.
    const ways = Math.floor(amount / WAY);
    if (ways > 0) Atomics.add(this.words, cell + 1, 2 * ways);
    const rest = amount - ways * WAY;
    if (rest < HALF) this.#addStep(cell, rest);
    else {
      this.#addStep(cell, HALF - 1);
      this.#addStep(cell, rest - (HALF - 1));
    }
  }

  getWide(cell: number): number {
    const { words } = this;
    if (!this.isShared) return readHalves(words[cell + 1]! >>> 0, words[cell]! >>> 0);
    for (;;) {
      const halves = Atomics.load(words, cell + 1);
      const low = Atomics.load(words, cell) >>> 0;
      if (Atomics.load(words, cell + 1) === halves) return readHalves(halves >>> 0, low);
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

  /** @param amount less than a half */
  #addStep(cell: number, amount: number): void {
    const { words } = this;
    const before = this.isShared ? Atomics.add(words, cell, amount) : addPlain(words, cell, amount);
    if ((before & LAST_OF_FIRST_HALF) + amount >= HALF) Atomics.add(words, cell + 1, 1);
  }
}

/**
 * What the halves gone and the low word make. A low word in a half of another parity has crossed into it, and its carry is
 * still to come: it is counted already, so that no reader sees the number step back.
 */
function readHalves(halves: number, low: number): number {
  const half = low >= HALF ? 1 : 0;
  const gone = halves % 2 === half ? halves : halves + 1;
  return gone * HALF + (low - half * HALF);
}

/** As Atomics.add: returns what was there. */
function addPlain(words: Int32Array, cell: number, amount: number): number {
  const before = words[cell]!;
  words[cell] = before + amount;
  return before;
}
