import {
  type BreakerState,
  type CallOutcome,
  METRICS,
  TIMED_OUTCOMES,
  type TimedOutcome,
  type TransitionReason,
} from '@switchgear/conventions';
import { POSSIBLE_TRANSITIONS } from '../machine/transition.ts';
import { WINDOW_WORDS } from '../window/call-window.ts';
import { RING_WORDS_PER_CALL } from '../window/count-window.ts';
import { Cells } from './cells.ts';
import { RECORD_WORDS } from './state-record.ts';

/** Words of a wide cell, and of a double. */
const WIDE = 2;
/** Buckets of a duration histogram: one more than it has bounds. */
export const DURATION_BUCKETS = METRICS.callDuration.bounds.length + 1;
const HISTOGRAM_WORDS = WIDE * (DURATION_BUCKETS + 1);

/** Outcomes with a counter of their own; the timed ones are counted by their histogram. */
const COUNTED_OUTCOMES = ['ignored', 'cancelled', 'rejected', 'limited', 'diverted'] as const;
export type CountedOutcome = (typeof COUNTED_OUTCOMES)[number];

/** State records of a breaker of one thread: the one in force, and the one being written. */
const OWN_RECORDS = 2;
/** Of one that threads share: as many can be in the middle of a decision. */
const SHARED_RECORDS = 32;
/** Most calls of a count window, for which a shared array keeps room: it cannot grow. */
const MOST_RING_CALLS = 1_000;

/** Where each number of a breaker stands, in words. The state records follow, then the ring of a count window. */
export const LAYOUT = (() => {
  let next = 0;
  const take = (words: number) => {
    const at = next;
    next += words;
    return at;
  };
  return {
    /** Sequence and number of the state record in force: what decisions compare and swap. */
    state: take(1),
    /** A bit for each state record that is in force or being written. */
    claims: take(1),
    /** How many state records there are. */
    records: take(1),
    /** Calls let through: less those that ended, they are in flight. */
    started: take(WIDE),
    /** Calls in flight that a concurrency limit counts. */
    limited: take(1),
    slowCalls: take(WIDE),
    calls: take(WIDE * COUNTED_OUTCOMES.length),
    transitions: take(POSSIBLE_TRANSITIONS.length),
    durations: take(HISTOGRAM_WORDS * TIMED_OUTCOMES.length),
    /** When it last left closed, monotonic ms, and what had been diverted and rejected by then. Doubles. */
    openedAt: take(WIDE),
    divertedBefore: take(WIDE),
    rejectedBefore: take(WIDE),
    window: take(WINDOW_WORDS),
    total: next,
  };
})();

/** One breaker's numbers: about 1 KiB. */
export function createCells(windowCalls: number | null): Cells {
  const words = new Int32Array(ringAfter(OWN_RECORDS) + ringWords(windowCalls ?? 0));
  const cells = new Cells(words, ringAfter(OWN_RECORDS));
  cells.set(LAYOUT.records, OWN_RECORDS);
  return cells;
}

/** The numbers of a breaker that another thread shares. */
export function sharedCells(buffer: SharedArrayBuffer): Cells {
  return new Cells(new Int32Array(buffer), ringAfter(SHARED_RECORDS));
}

/** Makes room for a longer count window. Shared numbers have room for the longest. */
export function growRing(cells: Cells, windowCalls: number): void {
  const length = cells.ring + ringWords(windowCalls);
  if (length <= cells.words.length) return;
  const grown = new Int32Array(length);
  grown.set(cells.words);
  cells.words = grown;
}

/** Moves the numbers to memory that threads share. Until this is done, no other thread has them. */
export function moveToSharedMemory(cells: Cells): SharedArrayBuffer {
  const ring = ringAfter(SHARED_RECORDS);
  const buffer = new SharedArrayBuffer((ring + ringWords(MOST_RING_CALLS)) * Int32Array.BYTES_PER_ELEMENT);
  const shared = new Int32Array(buffer);
  shared.set(cells.words.subarray(0, cells.ring));
  shared.set(cells.words.subarray(cells.ring), ring);
  shared[LAYOUT.records] = SHARED_RECORDS;
  cells.words = shared;
  cells.ring = ring;
  cells.isShared = true;
  return buffer;
}

function ringAfter(records: number): number {
  return LAYOUT.total + records * RECORD_WORDS;
}

function ringWords(calls: number): number {
  return Math.ceil(calls * RING_WORDS_PER_CALL);
}

const CALLS_CELLS: ReadonlyMap<CallOutcome, number> = new Map(
  COUNTED_OUTCOMES.map((outcome, index) => [outcome, LAYOUT.calls + WIDE * index]),
);

/** The cell of an outcome that is not timed. */
export function callsCell(outcome: CountedOutcome): number {
  return CALLS_CELLS.get(outcome) as number;
}

export function isTimed(outcome: CallOutcome): outcome is TimedOutcome {
  return outcome === 'success' || outcome === 'failure' || outcome === 'timeout';
}

/** First cell of the histogram of an outcome's durations: its buckets, then its sum in nanoseconds, all wide. */
export function durationsCell(outcome: TimedOutcome): number {
  return LAYOUT.durations + HISTOGRAM_WORDS * (outcome === 'success' ? 0 : outcome === 'failure' ? 1 : 2);
}

/** The word that counts a transition; undefined for one that cannot be. */
export function transitionsCell(state: BreakerState, reason: TransitionReason): number | undefined {
  const index = POSSIBLE_TRANSITIONS.findIndex(([to, why]) => to === state && why === reason);
  return index < 0 ? undefined : LAYOUT.transitions + index;
}
