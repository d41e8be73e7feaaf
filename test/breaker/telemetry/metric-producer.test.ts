import { metrics } from '@opentelemetry/api';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  type MetricData,
  PeriodicExportingMetricReader,
  type MetricProducer as SdkMetricProducer,
} from '@opentelemetry/sdk-metrics';
import { ATTR, EVENTS, METRICS, type MetricSpec, SCHEMA_URL, SCOPE_NAME } from '@switchgear/conventions';
import { afterEach, describe, expect, test } from 'vitest';
import { breakerMetricProducer } from '../../../src/breaker/telemetry/metric-producer.ts';
import { otelObserver } from '../../../src/breaker/telemetry/otel-observer.ts';
import { version } from '../../../src/breaker/version.ts';
import { findDeviations } from './conformance.ts';
import { BEGAN, HandmadeReadings, HandmadeWire, NOW } from './readings.ts';
import { msOf, PullReader, registerSdk } from './sdk.ts';

// Made before there is a producer or an SDK: it has to be found later.
const early = new HandmadeReadings('early');
otelObserver().added(early);
// The type is the check that the shapes are those of the SDK.
const producer: SdkMetricProducer = breakerMetricProducer();
const sdk = registerSdk({ metricProducers: [producer] });

const added: HandmadeReadings[] = [];
afterEach(() => {
  for (const breaker of added.splice(0)) otelObserver().removed(breaker);
});

function add(breaker: HandmadeReadings): HandmadeReadings {
  otelObserver().added(breaker);
  added.push(breaker);
  return breaker;
}

const payments = () => add(new HandmadeReadings('payments', [new HandmadeWire('held')]));

function seriesOf(
  found: readonly MetricData[],
  { name }: MetricSpec,
  attributes: Record<string, string> = {},
): unknown {
  return found
    .find(({ descriptor }) => descriptor.name === name)
    ?.dataPoints.find((point) => Object.entries(attributes).every(([key, word]) => point.attributes[key] === word))
    ?.value;
}

describe('the metric producer', () => {
  test('hands all 17 metrics to a reader, as the conventions name them', async () => {
    payments();
    const found = await sdk.metricsOf('payments');
    expect(findDeviations(found)).toEqual([]);
    expect(found).toHaveLength(17);
  });

  test('every series stands at 0 from registration, those of the histograms too', async () => {
    const breaker = payments();
    const found = await sdk.metricsOf('payments');
    const notZero = found.flatMap(({ descriptor, dataPoints }) =>
      dataPoints
        .map(({ attributes, value }) => [descriptor.name, attributes, typeof value === 'number' ? value : value.count])
        .filter(([, , value]) => value !== 0),
    );
    expect(notZero).toEqual([
      [METRICS.status.name, { [ATTR.name]: 'payments', [ATTR.state]: 'closed' }, 1],
      [METRICS.thresholdRatio.name, { [ATTR.name]: 'payments' }, breaker.settings.trip.failureRatio],
      [METRICS.wireDepth.name, { [ATTR.name]: 'payments', [ATTR.wireName]: 'held' }, 2],
      [METRICS.wireCapacity.name, { [ATTR.name]: 'payments', [ATTR.wireName]: 'held' }, 10],
      [METRICS.wireSize.name, { [ATTR.name]: 'payments', [ATTR.wireName]: 'held' }, 300],
      [METRICS.wireOldestAge.name, { [ATTR.name]: 'payments', [ATTR.wireName]: 'held' }, 1.5],
    ]);
    const empty = { buckets: { counts: new Array(15).fill(0) }, sum: 0, count: 0 };
    for (const outcome of ['success', 'failure', 'timeout']) {
      expect(seriesOf(found, METRICS.callDuration, { [ATTR.outcome]: outcome })).toMatchObject(empty);
    }
    expect(seriesOf(found, METRICS.wireWait)).toMatchObject({ sum: 0, count: 0 });
  });

  test('the numbers are those of the readings', async () => {
    const wire = new HandmadeWire('held');
    const breaker = add(new HandmadeReadings('payments', [wire]));
    breaker.state = 'open';
    breaker.slow = 4;
    breaker.active = 3;
    breaker.executed = 8;
    breaker.failed = 6;
    breaker.callCounts.set('diverted', 2 ** 40);
    breaker.transitionCounts.set('open slow', 5);
    breaker.durationSeconds.set('success', [0.005, 0.2, 60]);
    wire.counts.set('buffered', 7).set('replayed', 6).set('expired', 1);
    wire.waitSeconds = [0.4, 7_200];
    const found = await sdk.metricsOf('payments');
    expect(seriesOf(found, METRICS.calls, { [ATTR.outcome]: 'diverted' })).toBe(2 ** 40);
    expect(seriesOf(found, METRICS.calls, { [ATTR.outcome]: 'success' })).toBe(3);
    expect(seriesOf(found, METRICS.slowCalls)).toBe(4);
    expect(seriesOf(found, METRICS.activeCalls)).toBe(3);
    expect(seriesOf(found, METRICS.status, { [ATTR.state]: 'open' })).toBe(1);
    expect(seriesOf(found, METRICS.status, { [ATTR.state]: 'closed' })).toBe(0);
    expect(seriesOf(found, METRICS.transitions, { [ATTR.state]: 'open', [ATTR.reason]: 'slow' })).toBe(5);
    expect(seriesOf(found, METRICS.failureRatio)).toBe(0.75);
    expect(seriesOf(found, METRICS.wireCalls, { [ATTR.wireOutcome]: 'buffered' })).toBe(7);
    expect(seriesOf(found, METRICS.wireDrained, { [ATTR.wireOutcome]: 'replayed' })).toBe(6);
    expect(seriesOf(found, METRICS.wireDropped, { [ATTR.dropReason]: 'expired' })).toBe(1);
    // Nothing keeps the least and the greatest, and a 0 in their place would be a lie.
    expect(seriesOf(found, METRICS.callDuration, { [ATTR.outcome]: 'success' })).toStrictEqual({
      buckets: { boundaries: METRICS.callDuration.bounds, counts: [1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1] },
      sum: 60.205,
      count: 3,
    });
    expect(seriesOf(found, METRICS.wireWait)).toMatchObject({ sum: 7_200.4, count: 2 });
  });

  test('a series starts when its breaker began to count, and is cumulative over collections', async () => {
    const breaker = payments();
    breaker.callCounts.set('ignored', 10);
    await sdk.metricsOf('payments');
    breaker.callCounts.set('ignored', 25);
    const found = await sdk.metricsOf('payments');
    expect(seriesOf(found, METRICS.calls, { [ATTR.outcome]: 'ignored' })).toBe(25);
    for (const { aggregationTemporality, dataPoints } of found) {
      expect(aggregationTemporality).toBe(AggregationTemporality.CUMULATIVE);
      for (const { startTime, endTime } of dataPoints) expect([msOf(startTime), msOf(endTime)]).toEqual([BEGAN, NOW]);
    }
  });

  test('the scope is that of the library, with its version and schema, once', async () => {
    payments();
    const { resourceMetrics, errors } = await sdk.collect();
    expect(errors).toEqual([]);
    const scopes = resourceMetrics.scopeMetrics.map(({ scope }) => scope);
    expect(scopes).toEqual([{ name: SCOPE_NAME, version, schemaUrl: SCHEMA_URL }]);
  });

  test('nothing is exported twice: calls and waits record nothing beside it', async () => {
    const breaker = payments();
    const observer = otelObserver();
    expect(observer.hearsTimed?.(breaker)).toBe(false);
    observer.timed(breaker, 'success', 5, 'closed');
    observer.replayed(breaker, {
      wire: 'held',
      outcome: 'replayed',
      receipt: 'r',
      waitedMs: 5,
      durationMs: 9,
      error: undefined,
    });
    const { resourceMetrics } = await sdk.collect();
    const names = resourceMetrics.scopeMetrics.flatMap((scope) =>
      scope.metrics.map((metric) => metric.descriptor.name),
    );
    expect(new Set(names).size).toBe(names.length);
    expect(seriesOf(await sdk.metricsOf('payments'), METRICS.callDuration)).toMatchObject({ count: 0 });
  });

  test('a breaker whose good calls have spans is still told of them', () => {
    const breaker = payments();
    breaker.callSpans = 'all';
    expect(otelObserver().hearsTimed?.(breaker)).toBe(true);
  });

  test('a breaker from before the producer and the SDK has its series', async () => {
    expect(seriesOf(await sdk.metricsOf('early'), METRICS.status, { [ATTR.state]: 'closed' })).toBe(1);
  });

  test('the series of a breaker that was closed down end', async () => {
    const breaker = payments();
    breaker.state = 'open';
    expect(await sdk.metricsOf('payments')).not.toEqual([]);
    otelObserver().removed(breaker);
    expect(await sdk.metricsOf('payments')).toEqual([]);
  });

  test('a wire that holds nothing has its counters, no load and no wait', async () => {
    add(new HandmadeReadings('payments', [new HandmadeWire('stale', 'fallback')]));
    const names = (await sdk.metricsOf('payments')).map(({ descriptor }) => descriptor.name);
    expect(names).toEqual(expect.arrayContaining([METRICS.wireCalls.name, METRICS.wireDrained.name]));
    expect(names).not.toContain(METRICS.wireDepth.name);
    expect(names).not.toContain(METRICS.wireWait.name);
  });

  test('without a failure ratio to trip at there is no threshold', async () => {
    const breaker = payments();
    breaker.settings = { ...breaker.settings, trip: { ...breaker.settings.trip, failureRatio: null, failures: 5 } };
    expect(seriesOf(await sdk.metricsOf('payments'), METRICS.thresholdRatio)).toBeUndefined();
  });

  test('a wire that throws when read is told as an error and costs nobody else a series', async () => {
    const broken = new HandmadeWire('broken');
    const fault = new Error('the spool is gone');
    broken.load = () => {
      throw fault;
    };
    add(new HandmadeReadings('payments', [broken, new HandmadeWire('held')]));
    add(new HandmadeReadings('ledger', [new HandmadeWire('held')]));
    expect((await sdk.collect()).errors).toEqual([fault]);
    expect(seriesOf(await sdk.metricsOf('payments'), METRICS.wireDepth, { [ATTR.wireName]: 'held' })).toBe(2);
    expect(findDeviations(await sdk.metricsOf('ledger'))).toEqual([]);
  });

  test('each reader with a producer has every series, whatever temporality it prefers', async () => {
    payments();
    const delta = new InMemoryMetricExporter(AggregationTemporality.DELTA);
    const push = new PeriodicExportingMetricReader({
      exporter: delta,
      exportIntervalMillis: 3_600_000,
      metricProducers: [breakerMetricProducer()],
    });
    const provider = new MeterProvider({ readers: [push] });
    await push.forceFlush();
    const pushed = delta.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics));
    expect(pushed).toHaveLength(17);
    expect(new Set(pushed.map((metric) => metric.aggregationTemporality))).toEqual(
      new Set([AggregationTemporality.CUMULATIVE]),
    );
    await provider.shutdown();
  });

  test('an SDK that is registered later, too, gets no instruments beside the producer', async () => {
    const breaker = payments();
    const reader = new PullReader({ metricProducers: [breakerMetricProducer()] });
    const before = metrics.getMeterProvider();
    metrics.disable();
    metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
    otelObserver().timed(breaker, 'success', 5, 'closed');
    const { resourceMetrics } = await reader.collect();
    expect(resourceMetrics.scopeMetrics).toHaveLength(1);
    metrics.disable();
    metrics.setGlobalMeterProvider(before);
  });

  test('3,000 breakers lose no series', async () => {
    for (let number = 0; number < 3_000; number++) add(new HandmadeReadings(`many-${number}`));
    const { resourceMetrics } = await sdk.collect();
    const found = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
    for (const { descriptor, dataPoints } of found) {
      const many = dataPoints.filter(({ attributes }) => String(attributes[ATTR.name]).startsWith('many-'));
      expect(many.length % 3_000, descriptor.name).toBe(0);
      expect(many.length, descriptor.name).toBeGreaterThan(0);
      const series = new Set(many.map(({ attributes }) => Object.values(attributes).join()));
      expect(series.size, descriptor.name).toBe(many.length);
    }
    expect(JSON.stringify(found)).not.toContain('otel.metric.overflow');
  });

  test('events that were held back are counted, those of a full buffer too', async () => {
    const breaker = payments();
    for (let drop = 0; drop < 25; drop++) {
      otelObserver().dropped(breaker, { wire: 'held', reason: 'overflow', depth: 10 });
    }
    const overflows = sdk.events().filter(({ eventName }) => eventName === EVENTS.wireOverflow.name);
    expect(overflows).toHaveLength(10);
    const attributes = { [ATTR.event]: EVENTS.wireOverflow.name };
    expect(seriesOf(await sdk.metricsOf('payments'), METRICS.eventsSuppressed, attributes)).toBe(15);
  });
});
