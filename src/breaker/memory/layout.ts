import {
  BREAKER_STATES,
  type BreakerState,
  CALL_OUTCOMES,
  type CallOutcome,
  TRANSITION_REASONS,
  type TransitionReason,
} from '@switchgear/conventions';
import { WINDOW_WORDS } from '../window/time-window.ts';
import { Cells } from './cells.ts';

/** Words of a wide cell. */
const WIDE = 2;

/** Where each number of a breaker stands, in words. */
export const LAYOUT = (() => {
  let next = 0;
  const take = (words: number) => {
    const at = next;
    next += words;
    return at;
  };
  return {
    /** generation * states + index into BREAKER_STATES: state and generation change together. */
    word: take(1),
    active: take(1),
    slowCalls: take(WIDE),
    calls: take(WIDE * CALL_OUTCOMES.length),
    transitions: take(WIDE * BREAKER_STATES.length * TRANSITION_REASONS.length),
    window: take(WINDOW_WORDS),
    total: next,
  };
})();

/** One breaker's numbers: about 600 bytes. */
export function createCells(): Cells {
  return new Cells(new Int32Array(new ArrayBuffer(LAYOUT.total * Int32Array.BYTES_PER_ELEMENT)));
}

const CALLS_CELLS = Object.fromEntries(
  CALL_OUTCOMES.map((outcome, index) => [outcome, LAYOUT.calls + WIDE * index]),
) as Readonly<Record<CallOutcome, number>>;

export function callsCell(outcome: CallOutcome): number {
  return CALLS_CELLS[outcome];
}

export function transitionsCell(state: BreakerState, reason: TransitionReason): number {
  const index = BREAKER_STATES.indexOf(state) * TRANSITION_REASONS.length + TRANSITION_REASONS.indexOf(reason);
  return LAYOUT.transitions + WIDE * index;
}

export function stateWord(state: BreakerState, generation: number): number {
  return generation * BREAKER_STATES.length + BREAKER_STATES.indexOf(state);
}
