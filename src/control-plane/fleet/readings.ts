import {
  ATTR,
  BREAKER_STATES,
  type BreakerState,
  CALL_OUTCOMES,
  type CallOutcome,
  DROP_REASONS,
  type MetricKey,
} from '@switchgear/conventions';
import type { MetricObservation } from '../ingest/observation.ts';
import type { WireView } from './view.ts';

/**
 * The newest value of each of a fixed list of series. A point that is older than what is known is ignored, series by
 * series: a retried batch must not turn a counter back.
 *
 * Memory: two arrays of doubles, 16 bytes per series.
 */
export class Readings {
  readonly #values: number[];
  readonly #times: number[];

  constructor(series: number) {
    // NaN from the start keeps both as plain arrays of doubles, without a box per number.
    this.#values = new Array<number>(series).fill(Number.NaN);
    this.#times = new Array<number>(series).fill(Number.NaN);
  }

  /** True where it changed the value. */
  set(series: number, value: number, at: number): boolean {
    if (at < this.#times[series]!) return false;
    this.#times[series] = at;
    if (this.#values[series] === value) return false;
    this.#values[series] = value;
    return true;
  }

  /** 0 where nothing was heard. */
  get(series: number): number {
    const value = this.#values[series]!;
    return Number.isNaN(value) ? 0 : value;
  }

  /** null where nothing was heard. */
  known(series: number): number | null {
    const value = this.#values[series]!;
    return Number.isNaN(value) ? null : value;
  }

  /** The time of the value, in milliseconds since the epoch; NaN where nothing was heard. */
  timeOf(series: number): number {
    return this.#times[series]!;
  }
}

/** The series of a breaker: one per outcome, then the failure ratio, then one per state. */
const FAILURE_RATIO = CALL_OUTCOMES.length;
const STATES = FAILURE_RATIO + 1;
export const BREAKER_SERIES = STATES + BREAKER_STATES.length;

/** The series of a wire. */
const WIRE = { served: 0, buffered: 1, failed: 2, depth: 3, capacity: 4, oldestAge: 5, replayed: 6, dead: 7 } as const;
const DROPPED = 8;
export const WIRE_SERIES = DROPPED + DROP_REASONS.length;

const STATE_SERIES = Object.fromEntries(BREAKER_STATES.map((state, index) => [state, STATES + index])) as Readonly<
  Record<BreakerState, number>
>;
const OUTCOME_SERIES: ReadonlyMap<string, number> = new Map(CALL_OUTCOMES.map((outcome, index) => [outcome, index]));
const DROP_SERIES: ReadonlyMap<string, number> = new Map(
  DROP_REASONS.map((reason, index) => [reason, DROPPED + index]),
);
const WIRE_SERIES_OF: Partial<Record<MetricKey, (attributes: Readonly<Record<string, string>>) => number | undefined>> =
  {
    wireDepth: () => WIRE.depth,
    wireCapacity: () => WIRE.capacity,
    wireOldestAge: () => WIRE.oldestAge,
    wireCalls: (attributes) => outcomeSeries(attributes[ATTR.wireOutcome], ['served', 'buffered', 'failed']),
    wireDrained: (attributes) => outcomeSeries(attributes[ATTR.wireOutcome], ['replayed', 'dead']),
    wireDropped: (attributes) => DROP_SERIES.get(attributes[ATTR.dropReason] ?? ''),
  };

/** How many breakers are in a state: 0 or 1, or more for a group of keyed breakers. */
export function stateSeries(state: BreakerState): number {
  return STATE_SERIES[state];
}

/** The breaker's own series that a point belongs to; undefined where no view shows it. */
export function breakerSeries(point: MetricObservation): number | undefined {
  if (point.metric === 'calls') return OUTCOME_SERIES.get(point.attributes[ATTR.outcome] ?? '');
  return point.metric === 'failureRatio' ? FAILURE_RATIO : undefined;
}

/** The series of a wire that a point belongs to; undefined where no view shows it. */
export function wireSeries(point: MetricObservation): number | undefined {
  return WIRE_SERIES_OF[point.metric]?.(point.attributes);
}

export function failureRatio(readings: Readings): number | null {
  return readings.known(FAILURE_RATIO);
}

/** Calls by outcome, summed over instances. */
export function sumCalls(all: readonly Readings[]): Record<CallOutcome, number> {
  const calls = {} as Record<CallOutcome, number>;
  CALL_OUTCOMES.forEach((outcome, series) => {
    calls[outcome] = all.reduce((sum, readings) => sum + readings.get(series), 0);
  });
  return calls;
}

/** How the names of wires begin whose spool all instances share; the dashboards go by it too. */
const SHARED_WIRE = 'shared';

/**
 * One wire over all instances. What they count is summed; so is what they hold, but of a shared spool each reports the whole, as far as
 * it knows. The oldest age is the highest.
 */
export function sumWire(name: string, all: readonly Readings[]): WireView {
  const sum = (...series: number[]) =>
    all.reduce((total, readings) => series.reduce((part, one) => part + readings.get(one), total), 0);
  const highest = (series: number) => Math.max(0, ...all.map((readings) => readings.get(series)));
  const held = name.startsWith(SHARED_WIRE) ? highest : sum;
  return {
    name,
    served: sum(WIRE.served),
    buffered: sum(WIRE.buffered),
    failed: sum(WIRE.failed),
    depth: held(WIRE.depth),
    capacity: held(WIRE.capacity),
    oldestAgeSeconds: highest(WIRE.oldestAge),
    replayed: sum(WIRE.replayed),
    dead: sum(WIRE.dead),
    dropped: sum(...DROP_SERIES.values()),
  };
}

/** The capacity of a wire as its inventory has it. */
export function setWireCapacity(readings: Readings, capacity: number, at: number): boolean {
  return readings.set(WIRE.capacity, capacity, at);
}

function outcomeSeries(outcome: string | undefined, known: readonly (keyof typeof WIRE)[]): number | undefined {
  const found = known.find((word) => word === outcome);
  return found === undefined ? undefined : WIRE[found];
}
