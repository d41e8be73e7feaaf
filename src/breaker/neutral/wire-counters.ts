import {
  DRAIN_OUTCOMES,
  DROP_REASONS,
  type DrainOutcome,
  type DropReason,
  WIRE_OUTCOMES,
  type WireOutcome,
} from '@switchgear/conventions';
import { Cells } from '../memory/cells.ts';

const DRAINED = WIRE_OUTCOMES.length * 2;
const DROPPED = DRAINED + DRAIN_OUTCOMES.length * 2;
const WORDS = DROPPED + DROP_REASONS.length * 2;

/** What one wire of one breaker has done, counted from 0. */
export class WireCounters {
  readonly #cells = new Cells(new Int32Array(new ArrayBuffer(WORDS * Int32Array.BYTES_PER_ELEMENT)));

  countCall(outcome: WireOutcome): void {
    this.#cells.increment(WIRE_OUTCOMES.indexOf(outcome) * 2);
  }

  countDrained(outcome: DrainOutcome): void {
    this.#cells.increment(DRAINED + DRAIN_OUTCOMES.indexOf(outcome) * 2);
  }

  countDropped(reason: DropReason): void {
    this.#cells.increment(DROPPED + DROP_REASONS.indexOf(reason) * 2);
  }

  calls(outcome: WireOutcome): number {
    return this.#cells.getWide(WIRE_OUTCOMES.indexOf(outcome) * 2);
  }

  drained(outcome: DrainOutcome): number {
    return this.#cells.getWide(DRAINED + DRAIN_OUTCOMES.indexOf(outcome) * 2);
  }

  dropped(reason: DropReason): number {
    return this.#cells.getWide(DROPPED + DROP_REASONS.indexOf(reason) * 2);
  }
}
