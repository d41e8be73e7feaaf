import type { BreakerState, CallOutcome, TransitionReason } from '@switchgear/conventions';
import type { Cells } from './cells.ts';
import { durationCount } from './duration-histogram.ts';
import { type CountedOutcome, callsCell, isTimed, LAYOUT, transitionsCell } from './layout.ts';

/** Outcomes of calls that were let through. */
const ENDS = ['success', 'failure', 'timeout', 'ignored', 'cancelled'] as const;
/** Outcomes of calls that were not. */
const TURNED_AWAY = ['rejected', 'limited', 'diverted'] as const;
/** The time of an opening while there is none. */
const NOT_OPENED = -1;

/** Counts a call by an outcome that is not timed; the timed ones are counted by their histogram. */
export function countCall(cells: Cells, outcome: CountedOutcome): void {
  cells.increment(callsCell(outcome));
}

/** Calls that ended so. */
export function readCalls(cells: Cells, outcome: CallOutcome): number {
  return isTimed(outcome) ? durationCount(cells, outcome) : cells.getWide(callsCell(outcome));
}

/** What was let through and has not come back. Other threads go on while it is added up, so it is not read below 0. */
export function readActiveCalls(cells: Cells): number {
  const started = cells.getWide(LAYOUT.started);
  let ended = 0;
  for (const outcome of ENDS) ended += readCalls(cells, outcome);
  return Math.max(0, started - ended);
}

/** What was let through and what was turned away. */
export function readCallsCome(cells: Cells): number {
  let come = cells.getWide(LAYOUT.started);
  for (const outcome of TURNED_AWAY) come += readCalls(cells, outcome);
  return come;
}

export function countTransition(cells: Cells, state: BreakerState, reason: TransitionReason): void {
  const cell = transitionsCell(state, reason);
  if (cell !== undefined) cells.add(cell, 1);
}

export function readTransitions(cells: Cells, state: BreakerState, reason: TransitionReason): number {
  const cell = transitionsCell(state, reason);
  return cell === undefined ? 0 : cells.get(cell) >>> 0;
}

/** Notes when it left closed, and what had been turned away by then, unless it had left before. */
export function noteOpening(cells: Cells, now: number): void {
  if (cells.getDouble(LAYOUT.openedAt) !== NOT_OPENED) return;
  cells.setDouble(LAYOUT.openedAt, now);
  cells.setDouble(LAYOUT.divertedBefore, readCalls(cells, 'diverted'));
  cells.setDouble(LAYOUT.rejectedBefore, readCalls(cells, 'rejected'));
}

export function forgetOpening(cells: Cells): void {
  cells.setDouble(LAYOUT.openedAt, NOT_OPENED);
}

/** When it left closed, and what has been turned away since; undefined where it has not. */
export function readOpening(cells: Cells): { at: number; diverted: number; rejected: number } | undefined {
  const at = cells.getDouble(LAYOUT.openedAt);
  if (at === NOT_OPENED) return undefined;
  return {
    at,
    diverted: readCalls(cells, 'diverted') - cells.getDouble(LAYOUT.divertedBefore),
    rejected: readCalls(cells, 'rejected') - cells.getDouble(LAYOUT.rejectedBefore),
  };
}
