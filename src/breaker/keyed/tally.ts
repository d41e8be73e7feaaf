import {
  CALL_OUTCOMES,
  type CallOutcome,
  DRAIN_OUTCOMES,
  DROP_REASONS,
  METRICS,
  TIMED_OUTCOMES,
  WIRE_OUTCOMES,
} from '@switchgear/conventions';
import { POSSIBLE_TRANSITIONS } from '../machine/transition.ts';
import type { BreakerReadings, HistogramReading, WireReadings } from '../telemetry/observer.ts';

/** Each bucket of a histogram, then its sum in whole nanoseconds: sums of those lose nothing, and so never go down. */
const DURATION_COLUMNS = METRICS.callDuration.bounds.length + 2;
const WAIT_COLUMNS = METRICS.wireWait.bounds.length + 2;

const SLOW = CALL_OUTCOMES.length;
const TRANSITIONS = SLOW + 1;
const DURATIONS = TRANSITIONS + POSSIBLE_TRANSITIONS.length;
const COLUMNS = DURATIONS + TIMED_OUTCOMES.length * DURATION_COLUMNS;

const DRAINED = WIRE_OUTCOMES.length;
const DROPPED = DRAINED + DRAIN_OUTCOMES.length;
const WAITS = DROPPED + DROP_REASONS.length;
const WIRE_COLUMNS = WAITS + WAIT_COLUMNS;

type Counted = Pick<BreakerReadings, 'calls' | 'slowCalls' | 'transitions' | 'durations'>;
export type WireCounted = Pick<WireReadings, 'calls' | 'drained' | 'dropped' | 'waits'>;

/** What breakers have counted that are not asked any more: about 700 bytes, and 200 for each wire's name. */
export class Tally implements Counted {
  readonly #counts = new Float64Array(COLUMNS);
  readonly #wires = new Map<string, Float64Array>();

  /** What one breaker has counted until now. */
  static of(breaker: BreakerReadings): Tally {
    const tally = new Tally();
    tally.#counts.set([
      ...CALL_OUTCOMES.map((outcome) => breaker.calls(outcome)),
      breaker.slowCalls(),
      ...POSSIBLE_TRANSITIONS.map(([state, reason]) => breaker.transitions(state, reason)),
      ...TIMED_OUTCOMES.flatMap((outcome) => columnsOf(breaker.durations(outcome))),
    ]);
    for (const wire of breaker.wires) tally.#wires.set(wire.name, wireColumns(wire));
    return tally;
  }

  add(other: Tally): void {
    this.#addTimes(1, other);
  }

  /** Takes off again what was added before. */
  subtract(other: Tally): void {
    this.#addTimes(-1, other);
  }

  calls(outcome: CallOutcome): number {
    return this.#counts[CALL_OUTCOMES.indexOf(outcome)]!;
  }

  slowCalls(): number {
    return this.#counts[SLOW]!;
  }

  transitions(...[state, reason]: Parameters<Counted['transitions']>): number {
    const index = POSSIBLE_TRANSITIONS.findIndex(([to, why]) => to === state && why === reason);
    return index < 0 ? 0 : this.#counts[TRANSITIONS + index]!;
  }

  durations(...[outcome]: Parameters<Counted['durations']>): HistogramReading {
    return histogramAt(this.#counts, DURATIONS + TIMED_OUTCOMES.indexOf(outcome) * DURATION_COLUMNS, DURATION_COLUMNS);
  }

  wire(name: string): WireCounted {
    const counts = this.#wires.get(name) ?? NOTHING;
    return {
      calls: (outcome) => counts[WIRE_OUTCOMES.indexOf(outcome)]!,
      drained: (outcome) => counts[DRAINED + DRAIN_OUTCOMES.indexOf(outcome)]!,
      dropped: (reason) => counts[DROPPED + DROP_REASONS.indexOf(reason)]!,
      waits: () => histogramAt(counts, WAITS, WAIT_COLUMNS),
    };
  }

  #addTimes(times: 1 | -1, other: Tally): void {
    addTo(this.#counts, times, other.#counts);
    for (const [name, counts] of other.#wires) {
      const own = this.#wires.get(name) ?? new Float64Array(WIRE_COLUMNS);
      addTo(own, times, counts);
      this.#wires.set(name, own);
    }
  }
}

/** Of histograms with the same bounds, all together. */
export function sumOfHistograms(histograms: readonly HistogramReading[]): HistogramReading {
  const [first, ...others] = histograms;
  const sums = new Float64Array(first ? columnsOf(first) : []);
  for (const histogram of others) addTo(sums, 1, columnsOf(histogram));
  return histogramAt(sums, 0, sums.length);
}

const NOTHING = new Float64Array(WIRE_COLUMNS);

function wireColumns(wire: WireReadings): Float64Array {
  return new Float64Array([
    ...WIRE_OUTCOMES.map((outcome) => wire.calls(outcome)),
    ...DRAIN_OUTCOMES.map((outcome) => wire.drained(outcome)),
    ...DROP_REASONS.map((reason) => wire.dropped(reason)),
    ...columnsOf(wire.waits()),
  ]);
}

function columnsOf({ counts, sum }: HistogramReading): number[] {
  return [...counts, Math.round(sum * 1e9)];
}

function histogramAt(columns: Float64Array, at: number, length: number): HistogramReading {
  return { counts: [...columns.subarray(at, at + length - 1)], sum: (columns[at + length - 1] ?? 0) / 1e9 };
}

function addTo(sums: Float64Array, times: 1 | -1, counts: ArrayLike<number>): void {
  for (let column = 0; column < sums.length; column++) sums[column] = sums[column]! + times * counts[column]!;
}
