import {
  type BatchObservableResult,
  createNoopMeter,
  type Histogram,
  type Meter,
  type MeterProvider,
  metrics,
  type Observable,
} from '@opentelemetry/api';
import {
  ATTR,
  BREAKER_STATES,
  METRICS,
  type MetricSpec,
  SCHEMA_URL,
  SCOPE_NAME,
  type TimedOutcome,
} from '@switchgear/conventions';
import { version } from '../version.ts';
import { diagError } from './isolated-observer.ts';
import { haveProducer, observedBreakers } from './observed-breakers.ts';
import type { BreakerReadings } from './observer.ts';
import { BUCKET_BOUNDS, type HistogramKey, type NumberKey, readSeries, type SeriesSink } from './series.ts';

type Instruments = Record<NumberKey, Observable>;

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
 * The metrics of all breakers of the process by instruments of the metrics API, for an SDK whose readers have no
 * `breakerMetricProducer`. The breakers count for themselves; one batch callback reads them at collection, and only the
 * two histograms are recorded as they happen.
 */
export class BreakerMetrics {
  readonly #remains = new Map<string, Remains>();
  #provider: MeterProvider | undefined;
  /** A producer reads the breakers, so there are no instruments. */
  #isProduced = false;
  #callDuration: Histogram | undefined;
  #wireWait: Histogram | undefined;

  add(breaker: BreakerReadings): void {
    observedBreakers.add(breaker);
    this.#remains.delete(breaker.name);
    this.#bind();
  }

  remove(breaker: BreakerReadings): void {
    if (!observedBreakers.delete(breaker)) return;
    // Without instruments its series just end.
    if (haveProducer() && !this.recordsDurations) return;
    const holding = breaker.wires.filter((wire) => wire.load() !== undefined).map((wire) => wire.name);
    this.#remains.set(breaker.name, { name: breaker.name, holding });
    if (this.#remains.size > MOST_REMAINS) this.#remains.delete(this.#remains.keys().next().value as string);
  }

  /** Whether `recordDuration` does anything: asked at every call. */
  get recordsDurations(): boolean {
    this.#bind();
    return this.#callDuration !== undefined;
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
    const isReleased = this.#isProduced && !haveProducer();
    if (provider === this.#provider && !isReleased) return;
    this.#provider = provider;
    this.#isProduced = haveProducer();
    this.#callDuration = undefined;
    this.#wireWait = undefined;
    // Instruments from before the first producer stay: they are in another SDK, since an SDK's readers, and their
    // producers with them, are there before it is registered.
    if (this.#isProduced) {
      this.#remains.clear();
      return;
    }
    const meter = metrics.getMeter(SCOPE_NAME, version, { schemaUrl: SCHEMA_URL });
    if (meter !== createNoopMeter()) this.#instrument(meter, provider);
  }

  #instrument(meter: Meter, provider: MeterProvider): void {
    this.#callDuration = createHistogram(meter, 'callDuration');
    this.#wireWait = createHistogram(meter, 'wireWait');
    const instruments = createObserved(meter);
    meter.addBatchObservableCallback((result) => {
      if (this.#provider !== provider) return;
      for (const error of readSeries(sinkOf(result, instruments))) diagError('A breaker could not be read', error);
      for (const remains of this.#remains.values()) observeRemains(result, instruments, remains);
    }, Object.values(instruments));
  }
}

function createHistogram(meter: Meter, key: HistogramKey): Histogram {
  const { name, unit, description } = METRICS[key];
  return meter.createHistogram(name, { unit, description, advice: { explicitBucketBoundaries: BUCKET_BOUNDS[key] } });
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

function sinkOf(result: BatchObservableResult, to: Instruments): SeriesSink {
  return {
    begin: () => {},
    number: (key, value, attributes) => result.observe(to[key], value, attributes),
    // Recorded as it happens.
    histogram: () => {},
  };
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
