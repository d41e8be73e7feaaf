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
type WireCounted = Pick<WireReadings, 'calls' | 'drained' | 'dropped' | 'waits'>;

/** What breakers have counted that are not asked any more: about 700 bytes, and 200 for each wire's name. */
export class Tally implements Counted {
  readonly #counts = new Float64Array(COLUMNS);
  readonly #wires = new Map<string, Float64Array>();

  /** What one breaker has counted until now. */
  static of(breaker: BreakerReadings): Tally {
    const tally = new Tally();
    tally.addBreaker(breaker);
    return tally;
  }

  /** Adds what a breaker has counted until now. */
  addBreaker(breaker: BreakerReadings): void {
    const counts = this.#counts;
    let column = 0;
    for (const outcome of CALL_OUTCOMES) counts[column++]! += breaker.calls(outcome);
    counts[column++]! += breaker.slowCalls();
    for (const [state, reason] of POSSIBLE_TRANSITIONS) counts[column++]! += breaker.transitions(state, reason);
    for (const outcome of TIMED_OUTCOMES) column = addHistogram(counts, column, breaker.durations(outcome));
    for (const wire of breaker.wires) this.#addWire(wire);
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

  #addWire(wire: WireReadings): void {
    const counts = this.#wires.get(wire.name) ?? new Float64Array(WIRE_COLUMNS);
    this.#wires.set(wire.name, counts);
    let column = 0;
    for (const outcome of WIRE_OUTCOMES) counts[column++]! += wire.calls(outcome);
    for (const outcome of DRAIN_OUTCOMES) counts[column++]! += wire.drained(outcome);
    for (const reason of DROP_REASONS) counts[column++]! += wire.dropped(reason);
    addHistogram(counts, column, wire.waits());
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

const NOTHING = new Float64Array(WIRE_COLUMNS);

/** Returns the column after it. */
function addHistogram(sums: Float64Array, at: number, { counts, sum }: HistogramReading): number {
  let column = at;
  for (const count of counts) sums[column++]! += count;
  sums[column++]! += Math.round(sum * 1e9);
  return column;
}

function histogramAt(columns: Float64Array, at: number, length: number): HistogramReading {
  return { counts: [...columns.subarray(at, at + length - 1)], sum: (columns[at + length - 1] ?? 0) / 1e9 };
}

function addTo(sums: Float64Array, times: 1 | -1, counts: ArrayLike<number>): void {
  for (let column = 0; column < sums.length; column++) sums[column]! += times * counts[column]!;
}
