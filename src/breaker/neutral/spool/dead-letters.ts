import type { DeadLetter } from './spool.ts';

const MOST_BYTES = 16 * 1024 * 1024;

/** The latest dead letters of a spool in memory, of at most 16 MiB together. */
export class DeadLetters {
  readonly #most: number;
  #letters: DeadLetter[] = [];
  #bytes = 0;

  constructor(most: number) {
    this.#most = most;
  }

  keep(letter: DeadLetter): void {
    this.#letters.push(letter);
    this.#bytes += letter.sizeBytes;
    let first = 0;
    while (this.#letters.length - first > this.#most || this.#bytes > MOST_BYTES) {
      this.#bytes -= this.#letters[first++]!.sizeBytes;
    }
    if (first > 0) this.#letters = this.#letters.slice(first);
  }

  /** Newest first. */
  latest(limit: number): DeadLetter[] {
    return this.#letters.slice(Math.max(0, this.#letters.length - limit)).reverse();
  }

  /** Returns how many there were. */
  purge(): number {
    const { length } = this.#letters;
    this.#letters = [];
    this.#bytes = 0;
    return length;
  }
}
