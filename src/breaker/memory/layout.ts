import {
  type BreakerState,
  type CallOutcome,
  METRICS,
  type TimedOutcome,
  type TransitionReason,
} from '@switchgear/conventions';
import { POSSIBLE_TRANSITIONS } from '../machine/transition.ts';
import { WINDOW_WORDS } from '../window/call-window.ts';
import { RING_WORDS } from '../window/count-window.ts';
import { Cells, type Sections } from './cells.ts';
import { RECORD_WORDS } from './state-record.ts';

/** Words of a wide cell, and of a double. */
const WIDE = 2;
/** Buckets of a duration histogram: one more than it has bounds. */
export const DURATION_BUCKETS = METRICS.callDuration.bounds.length + 1;
const HISTOGRAM_WORDS = WIDE * (DURATION_BUCKETS + 1);

/** Outcomes with a counter of their own; the timed ones are counted by their histogram. */
const COUNTED_OUTCOMES = ['ignored', 'cancelled', 'rejected', 'limited', 'diverted'] as const;
export type CountedOutcome = (typeof COUNTED_OUTCOMES)[number];

/** State records of a breaker that threads share: as many can be in the middle of a decision. One of its own has one. */
export const SHARED_RECORDS = 32;

/**
 * Where each number of a breaker stands, in words. The state records follow, then what not every breaker needs: the
 * histograms of failed calls and the ring of a count window. In memory of its own those are added when they are first used.
 */
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
    /** Calls let through: less those that ended, they are in flight. */
    started: take(WIDE),
    /** Calls in flight that a concurrency limit counts. */
    limited: take(1),
    slowCalls: take(WIDE),
    calls: take(WIDE * COUNTED_OUTCOMES.length),
    transitions: take(POSSIBLE_TRANSITIONS.length),
    /** The histogram of good calls. */
    durations: take(HISTOGRAM_WORDS),
    /** When it last left closed, monotonic ms, and what had been diverted and rejected by then. Doubles. */
    openedAt: take(WIDE),
    divertedBefore: take(WIDE),
    rejectedBefore: take(WIDE),
    window: take(WINDOW_WORDS),
    total: next,
  };
})();

const FAILURE_WORDS = HISTOGRAM_WORDS * 2;
const SHARED_SECTIONS = {
  failures: recordAt(SHARED_RECORDS),
  ring: recordAt(SHARED_RECORDS) + FAILURE_WORDS,
} as const satisfies Sections;

/** One breaker's numbers: about 650 bytes, 250 more from its first failure on, 500 more with a count window. */
export function createCells(windowCalls: number | null): Cells {
  const cells = new Cells(new Int32Array(recordAt(1)), { failures: undefined, ring: undefined });
  if (windowCalls !== null) addRing(cells);
  return cells;
}

/** The numbers of a breaker that another thread shares. */
export function sharedCells(buffer: SharedArrayBuffer): Cells {
  return new Cells(new Int32Array(buffer), SHARED_SECTIONS);
}

/** Makes room for a count window where there is none yet. Shared numbers have it: they cannot grow. */
export function addRing(cells: Cells): void {
  if (cells.sections.ring !== undefined) return;
  cells.sections = { ...cells.sections, ring: append(cells, RING_WORDS) };
}

/** Moves the numbers to memory that threads share. Until this is done, no other thread has them. */
export function moveToSharedMemory(cells: Cells): SharedArrayBuffer {
  const { failures, ring } = SHARED_SECTIONS;
  const buffer = new SharedArrayBuffer((ring + RING_WORDS) * Int32Array.BYTES_PER_ELEMENT);
  const shared = new Int32Array(buffer);
  const move = (from: number | undefined, words: number, to: number) => {
    if (from !== undefined) shared.set(cells.words.subarray(from, from + words), to);
  };
  move(0, recordAt(1), 0);
  move(cells.sections.failures, FAILURE_WORDS, failures);
  move(cells.sections.ring, RING_WORDS, ring);
  cells.words = shared;
  cells.sections = SHARED_SECTIONS;
  cells.isShared = true;
  return buffer;
}

/** First word of a state record. */
export function recordAt(record: number): number {
  return LAYOUT.total + record * RECORD_WORDS;
}

/** First cell of the histogram of an outcome's durations, made if need be: its buckets, then its sum in ns, all wide. */
export function durationsCell(cells: Cells, outcome: TimedOutcome): number {
  return findDurations(cells, outcome) ?? addFailures(cells) + failureOffset(outcome);
}

/** The same; undefined where nothing was counted in it yet. */
export function findDurations(cells: Cells, outcome: TimedOutcome): number | undefined {
  if (outcome === 'success') return LAYOUT.durations;
  const { failures } = cells.sections;
  return failures === undefined ? undefined : failures + failureOffset(outcome);
}

function failureOffset(outcome: TimedOutcome): number {
  return outcome === 'failure' ? 0 : HISTOGRAM_WORDS;
}

function addFailures(cells: Cells): number {
  const failures = append(cells, FAILURE_WORDS);
  cells.sections = { ...cells.sections, failures };
  return failures;
}

/** Adds words at the end of memory of one's own. */
function append(cells: Cells, words: number): number {
  const at = cells.words.length;
  const grown = new Int32Array(at + words);
  grown.set(cells.words);
  cells.words = grown;
  return at;
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

/** The word that counts a transition; undefined for one that cannot be. */
export function transitionsCell(state: BreakerState, reason: TransitionReason): number | undefined {
  const index = POSSIBLE_TRANSITIONS.findIndex(([to, why]) => to === state && why === reason);
  return index < 0 ? undefined : LAYOUT.transitions + index;
}
