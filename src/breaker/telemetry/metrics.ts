import {
  type BatchObservableResult,
  type Histogram,
  type Meter,
  type MeterProvider,
  metrics,
  type Observable,
} from '@opentelemetry/api';
import {
  ATTR,
  BREAKER_STATES,
  CALL_OUTCOMES,
  DRAIN_OUTCOMES,
  DROP_REASONS,
  EVENTS,
  type EventKey,
  LIMITED_EVENTS,
  METRICS,
  type MetricKey,
  type MetricSpec,
  SCHEMA_URL,
  SCOPE_NAME,
  type TimedOutcome,
  WIRE_OUTCOMES,
} from '@switchgear/conventions';
import { POSSIBLE_TRANSITIONS } from '../machine/transition.ts';
import { version } from '../version.ts';
import type { BreakerReadings, WireReadings } from './observer.ts';

/** The instruments that are read at collection: all but the histograms. */
type ObservedKey = Exclude<MetricKey, 'callDuration' | 'wireWait'>;
type Instruments = Record<ObservedKey, Observable>;

/** Bucket bounds of the call duration in seconds: those of OpenTelemetry's `http.client.request.duration`. */
const DURATION_BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
/** Bucket bounds of the wait in a buffer, in seconds: from one replay's pace to an hour. */
const WAIT_BOUNDS = [0.1, 0.5, 1, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600];

/**
 * A breaker that was closed down. The SDK goes on exporting the last value of a series nobody observes any more, so one
 * closed down while open would stay open for its readers: what describes the present is put to 0, counters stand.
 */
interface Remains {
  readonly name: string;
  /** Names of its wires that held calls. */
  readonly holding: readonly string[];
}

/** Most closed-down breakers kept in mind, the latest ones. About 100 bytes each. */
const MOST_REMAINS = 1_000;

/**
 * The metrics of all breakers of the process. The breakers count for themselves; one batch callback reads them at
 * collection, and only the two histograms are recorded as they happen.
 */
export class BreakerMetrics {
  readonly #breakers = new Set<BreakerReadings>();
  readonly #remains = new Map<string, Remains>();
  readonly #suppressed: (breaker: BreakerReadings, event: EventKey) => number;
  #provider: MeterProvider | undefined;
  #callDuration: Histogram | undefined;
  #wireWait: Histogram | undefined;

  /** @param suppressed how many events of a kind a breaker's rate limit has held back */
  constructor(suppressed: (breaker: BreakerReadings, event: EventKey) => number) {
    this.#suppressed = suppressed;
  }

  add(breaker: BreakerReadings): void {
    this.#breakers.add(breaker);
    this.#remains.delete(breaker.name);
    this.#bind();
  }

  remove(breaker: BreakerReadings): void {
    if (!this.#breakers.delete(breaker)) return;
    const holding = breaker.wires.filter((wire) => wire.load() !== undefined).map((wire) => wire.name);
    this.#remains.set(breaker.name, { name: breaker.name, holding });
    if (this.#remains.size > MOST_REMAINS) this.#remains.delete(this.#remains.keys().next().value as string);
  }

  recordDuration(breaker: BreakerReadings, outcome: TimedOutcome, durationMs: number): void {
    this.#bind();
    this.#callDuration?.record(durationMs / 1_000, { [ATTR.name]: breaker.name, [ATTR.outcome]: outcome });
  }

  recordWait(breaker: BreakerReadings, wire: string, waitedMs: number): void {
    this.#bind();
    this.#wireWait?.record(waitedMs / 1_000, { [ATTR.name]: breaker.name, [ATTR.wireName]: wire });
  }

  /** The metrics API has no proxy: an SDK that is registered after the first breaker is noticed here. */
  #bind(): void {
    const provider = metrics.getMeterProvider();
    if (provider === this.#provider) return;
    this.#provider = provider;
    const meter = metrics.getMeter(SCOPE_NAME, version, { schemaUrl: SCHEMA_URL });
    this.#callDuration = createHistogram(meter, 'callDuration', DURATION_BOUNDS);
    this.#wireWait = createHistogram(meter, 'wireWait', WAIT_BOUNDS);
    const instruments = createObserved(meter);
    meter.addBatchObservableCallback((result) => {
      if (this.#provider !== provider) return;
      for (const breaker of this.#breakers) {
        observeBreaker(result, instruments, breaker, this.#suppressed);
        for (const wire of breaker.wires) observeWire(result, instruments, breaker, wire);
      }
      for (const remains of this.#remains.values()) observeRemains(result, instruments, remains);
    }, Object.values(instruments));
  }
}

function createHistogram(meter: Meter, key: 'callDuration' | 'wireWait', bounds: number[]): Histogram {
  const { name, unit, description } = METRICS[key];
  return meter.createHistogram(name, { unit, description, advice: { explicitBucketBoundaries: bounds } });
}

function createObserved(meter: Meter): Instruments {
  const observed = Object.entries(METRICS).filter(([, { instrument }]) => instrument !== 'histogram');
  return Object.fromEntries(observed.map(([key, spec]) => [key, createObservable(meter, spec)])) as Instruments;
}

function createObservable(meter: Meter, { name, unit, description, instrument }: MetricSpec): Observable {
  const options = { unit, description };
  if (instrument === 'counter') return meter.createObservableCounter(name, options);
  if (instrument === 'gauge') return meter.createObservableGauge(name, options);
  return meter.createObservableUpDownCounter(name, options);
}

function observeBreaker(
  result: BatchObservableResult,
  to: Instruments,
  breaker: BreakerReadings,
  suppressed: (breaker: BreakerReadings, event: EventKey) => number,
): void {
  const name = { [ATTR.name]: breaker.name };
  for (const outcome of CALL_OUTCOMES)
    result.observe(to.calls, breaker.calls(outcome), { ...name, [ATTR.outcome]: outcome });
  result.observe(to.slowCalls, breaker.slowCalls(), name);
  result.observe(to.activeCalls, breaker.activeCalls(), name);
  const current = breaker.state;
  for (const state of BREAKER_STATES) {
    result.observe(to.status, state === current ? 1 : 0, { ...name, [ATTR.state]: state });
  }
  for (const [state, reason] of POSSIBLE_TRANSITIONS) {
    const attributes = { ...name, [ATTR.state]: state, [ATTR.reason]: reason };
    result.observe(to.transitions, breaker.transitions(state, reason), attributes);
  }
  const { executed, failed } = breaker.window();
  result.observe(to.failureRatio, executed === 0 ? 0 : failed / executed, name);
  const threshold = breaker.settings.trip.failureRatio;
  if (threshold !== null) result.observe(to.thresholdRatio, threshold, name);
  for (const event of LIMITED_EVENTS) {
    result.observe(to.eventsSuppressed, suppressed(breaker, event), { ...name, [ATTR.event]: EVENTS[event].name });
  }
}

function observeWire(
  result: BatchObservableResult,
  to: Instruments,
  breaker: BreakerReadings,
  wire: WireReadings,
): void {
  const name = { [ATTR.name]: breaker.name, [ATTR.wireName]: wire.name };
  // First, because a look at the load gives up what has expired, and that is among the dropped.
  const load = wire.load();
  for (const outcome of WIRE_OUTCOMES)
    result.observe(to.wireCalls, wire.calls(outcome), { ...name, [ATTR.wireOutcome]: outcome });
  for (const outcome of DRAIN_OUTCOMES) {
    result.observe(to.wireDrained, wire.drained(outcome), { ...name, [ATTR.wireOutcome]: outcome });
  }
  for (const reason of DROP_REASONS)
    result.observe(to.wireDropped, wire.dropped(reason), { ...name, [ATTR.dropReason]: reason });
  if (!load) return;
  result.observe(to.wireDepth, load.depth, name);
  result.observe(to.wireCapacity, load.capacity, name);
  result.observe(to.wireSize, load.sizeBytes, name);
  result.observe(to.wireOldestAge, load.oldestAgeMs / 1_000, name);
}

function observeRemains(result: BatchObservableResult, to: Instruments, { name: breaker, holding }: Remains): void {
  const name = { [ATTR.name]: breaker };
  for (const state of BREAKER_STATES) result.observe(to.status, 0, { ...name, [ATTR.state]: state });
  result.observe(to.activeCalls, 0, name);
  result.observe(to.failureRatio, 0, name);
  for (const wire of holding) {
    const wireName = { ...name, [ATTR.wireName]: wire };
    for (const gauge of [to.wireDepth, to.wireCapacity, to.wireSize, to.wireOldestAge])
      result.observe(gauge, 0, wireName);
  }
}
