import type { MachineState } from '../machine/state.ts';
import type { Cells } from './cells.ts';
import { LAYOUT, recordAt, SHARED_RECORDS } from './layout.ts';
import { readState, writeState } from './state-record.ts';

/** Bits of the state word that say which record is in force; the rest is a sequence that rises with each change. */
const RECORD_BITS = 5;
const RECORD_MASK = (1 << RECORD_BITS) - 1;
/** Looks for a free record. All are taken only for as long as other threads are in the middle of a decision. */
const LOOKS = 10_000;
/** How long no record must have come free, in ms, before the threads that hold them are taken for dead. */
const DEAD_AFTER_MS = 20;

/**
 * The state of a breaker's machine in its array. A new state is written to a record that nobody reads, and the word that
 * names the record in force is swapped if it is still the one the decision was made on: of several threads that decide at
 * once, one wins and the others decide again. A thread that ends in the middle of this blocks nobody.
 */
export class StateCell {
  readonly #cells: Cells;
  #word: number;
  #state: MachineState;

  private constructor(cells: Cells, word: number, state: MachineState) {
    this.#cells = cells;
    this.#word = word;
    this.#state = state;
  }

  /** Starts an array with its first state. */
  static create(cells: Cells, state: MachineState): StateCell {
    cells.set(LAYOUT.claims, 1);
    writeState(cells, recordAt(0), state);
    cells.set(LAYOUT.state, 0);
    return new StateCell(cells, 0, state);
  }

  /** Takes up the state of an array that another thread started. */
  static attach(cells: Cells): StateCell {
    const { word, state } = load(cells);
    return new StateCell(cells, word, state);
  }

  /** The state in force. The same object until it changes. */
  read(): MachineState {
    const cells = this.#cells;
    if (cells.isShared && Atomics.load(cells.words, LAYOUT.state) !== this.#word) {
      const { word, state } = load(cells);
      this.#word = word;
      this.#state = state;
    }
    return this.#state;
  }

  /** Has every thread read the state anew, and with it look anew at what else may have changed. */
  touch(): void {
    while (!this.replace({ ...this.read() }));
  }

  /** Puts `next` in force if the state last read still is. */
  replace(next: MachineState): boolean {
    const cells = this.#cells;
    const before = this.#word;
    // In memory of its own nobody reads while this thread writes.
    const record = cells.isShared ? claim(cells) : before & RECORD_MASK;
    writeState(cells, recordAt(record), next);
    const sequence = ((before >>> RECORD_BITS) + 1) << RECORD_BITS;
    const after = sequence | record | 0;
    if (Atomics.compareExchange(cells.words, LAYOUT.state, before, after) !== before) {
      release(cells, record);
      return false;
    }
    if (cells.isShared) release(cells, before & RECORD_MASK);
    this.#word = after;
    this.#state = next;
    return true;
  }
}

function load(cells: Cells): { word: number; state: MachineState } {
  for (;;) {
    const word = Atomics.load(cells.words, LAYOUT.state);
    const state = readState(cells, recordAt(word & RECORD_MASK));
    // A record is written again only after another one came in force: unchanged, the word vouches for what was read.
    if (Atomics.load(cells.words, LAYOUT.state) === word) return { word, state };
  }
}

function claim(cells: Cells): number {
  const { words } = cells;
  for (let looks = 0; ; looks++) {
    const claims = Atomics.load(words, LAYOUT.claims);
    const record = lowestFree(claims);
    if (record >= SHARED_RECORDS) {
      if (looks >= LOOKS) freeThoseOfTheDead(words, claims);
      continue;
    }
    if (Atomics.compareExchange(words, LAYOUT.claims, claims, claims | (1 << record)) === claims) return record;
  }
}

/** Threads that were ended in the middle of a decision left their claims behind. A living one needs a microsecond. */
function freeThoseOfTheDead(words: Int32Array, claims: number): void {
  const state = Atomics.load(words, LAYOUT.state);
  Atomics.wait(words, LAYOUT.claims, claims, DEAD_AFTER_MS);
  // Whoever lives and decides meanwhile wins, or loses to one that does: the state is another one then.
  if (Atomics.load(words, LAYOUT.state) !== state) return;
  Atomics.compareExchange(words, LAYOUT.claims, claims, 1 << (state & RECORD_MASK));
}

function release(cells: Cells, record: number): void {
  Atomics.and(cells.words, LAYOUT.claims, ~(1 << record));
}

/** The lowest bit that is not set; 32 where all are. */
function lowestFree(claims: number): number {
  const free = ~claims;
  return 31 - Math.clz32(free & -free) + (free === 0 ? 33 : 0);
}
