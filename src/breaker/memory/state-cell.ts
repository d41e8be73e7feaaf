import type { MachineState } from '../machine/state.ts';
import type { Cells } from './cells.ts';
import { LAYOUT } from './layout.ts';
import { RECORD_WORDS, readState, writeState } from './state-record.ts';

/** Bits of the state word that say which record is in force; the rest is a sequence that rises with each change. */
const RECORD_BITS = 5;
const RECORD_MASK = (1 << RECORD_BITS) - 1;
/** Tries to find a free record. All are taken only for as long as other threads are in the middle of a decision. */
const TRIES = 10_000;

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
    writeState(cells, LAYOUT.total, state);
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

  /** Puts `next` in force if the state last read still is. */
  replace(next: MachineState): boolean {
    const cells = this.#cells;
    const before = this.#word;
    const record = claim(cells, before & RECORD_MASK);
    writeState(cells, recordAt(record), next);
    const sequence = ((before >>> RECORD_BITS) + 1) << RECORD_BITS;
    const after = sequence | record | 0;
    if (Atomics.compareExchange(cells.words, LAYOUT.state, before, after) !== before) {
      release(cells, record);
      return false;
    }
    release(cells, before & RECORD_MASK);
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

function recordAt(record: number): number {
  return LAYOUT.total + record * RECORD_WORDS;
}

function claim(cells: Cells, inForce: number): number {
  const records = cells.get(LAYOUT.records);
  for (let tries = 0; tries < TRIES; tries++) {
    const claims = Atomics.load(cells.words, LAYOUT.claims);
    const record = lowestFree(claims);
    if (record >= records) continue;
    const claimed = claims | (1 << record);
    if (Atomics.compareExchange(cells.words, LAYOUT.claims, claims, claimed) === claims) return record;
  }
  // Threads that were ended in mid-decision left their claims behind.
  return (inForce + 1) % records;
}

function release(cells: Cells, record: number): void {
  Atomics.and(cells.words, LAYOUT.claims, ~(1 << record));
}

/** The lowest bit that is not set; 32 where all are. */
function lowestFree(claims: number): number {
  const free = ~claims;
  return 31 - Math.clz32(free & -free) + (free === 0 ? 33 : 0);
}
