import {
  DRAIN_OUTCOMES,
  DROP_REASONS,
  type DrainOutcome,
  type DropReason,
  METRICS,
  WIRE_OUTCOMES,
  type WireOutcome,
} from '@switchgear/conventions';
import { Cells } from '../memory/cells.ts';
import type { SpoolTotals } from './spool/spool.ts';

const DRAINED = WIRE_OUTCOMES.length * 2;
const DROPPED = DRAINED + DRAIN_OUTCOMES.length * 2;
const WAITS = DROPPED + DROP_REASONS.length * 2;
const WAIT_BUCKETS = METRICS.wireWait.bounds.length + 1;
/** Nanoseconds. */
const WAITS_SUM = WAITS + WAIT_BUCKETS * 2;
const WORDS = WAITS_SUM + 2;

const NO_SECTIONS = { failures: undefined, ring: undefined };

/** What one wire of one breaker has done, counted from 0: about 200 bytes. */
export class WireCounters {
  readonly #cells: Cells;

  /** @param shared the counters of another thread's wire of that name; without it they are this wire's own */
  constructor(shared?: SharedArrayBuffer) {
    this.#cells = new Cells(shared ? new Int32Array(shared) : new Int32Array(WORDS), NO_SECTIONS);
  }

  /** Moves them to memory that threads share. */
  share(): SharedArrayBuffer {
    const buffer = new SharedArrayBuffer(WORDS * Int32Array.BYTES_PER_ELEMENT);
    const words = new Int32Array(buffer);
    words.set(this.#cells.words);
    this.#cells.words = words;
    this.#cells.isShared = true;
    return buffer;
  }

  recordWait(waitedMs: number): void {
    const { bounds } = METRICS.wireWait;
    const found = bounds.findIndex((bound) => waitedMs / 1_000 <= bound);
    this.#cells.increment(WAITS + 2 * (found < 0 ? bounds.length : found));
    this.#cells.addWide(WAITS_SUM, Math.max(0, Math.round(waitedMs * 1e6)));
  }

  /** Counts per bucket, and the sum in seconds. */
  waits(): { counts: number[]; sum: number } {
    const counts = Array.from({ length: WAIT_BUCKETS }, (_, bucket) => this.#cells.getWide(WAITS + 2 * bucket));
    return { counts, sum: this.#cells.getWide(WAITS_SUM) / 1e9 };
  }

  countCall(outcome: WireOutcome): void {
    this.#cells.increment(WIRE_OUTCOMES.indexOf(outcome) * 2);
  }

  countDrained(outcome: DrainOutcome): void {
    this.#cells.increment(DRAINED + DRAIN_OUTCOMES.indexOf(outcome) * 2);
  }

  countDropped(reason: DropReason): void {
    this.#cells.increment(DROPPED + DROP_REASONS.indexOf(reason) * 2);
  }

  /** Goes on from what earlier processes counted. */
  restore({ received, replayed, dead, dropped }: SpoolTotals): void {
    this.#cells.addWide(WIRE_OUTCOMES.indexOf('buffered') * 2, received);
    this.#cells.addWide(DRAINED + DRAIN_OUTCOMES.indexOf('replayed') * 2, replayed);
    this.#cells.addWide(DRAINED + DRAIN_OUTCOMES.indexOf('dead') * 2, dead);
    DROP_REASONS.forEach((reason, index) => {
      this.#cells.addWide(DROPPED + index * 2, dropped[reason]);
    });
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
