import { metrics } from '@opentelemetry/api';
import { MeterProvider, type MetricData } from '@opentelemetry/sdk-metrics';
import { ATTR, METRICS, TIMED_OUTCOMES } from '@switchgear/conventions';
import { describe, expect, test } from 'vitest';
import { breakerMetricProducer } from '../../../src/breaker/telemetry/metric-producer.ts';
import { otelObserver } from '../../../src/breaker/telemetry/otel-observer.ts';
import { findDeviations } from './conformance.ts';
import { HandmadeReadings, HandmadeWire } from './readings.ts';
import { PullReader, registerSdk } from './sdk.ts';

const observer = otelObserver();
const breaker = new HandmadeReadings('payments', [new HandmadeWire('held')]);

/** The tests are in the order of a process's life: what is registered stays. */
describe('the instruments of the metrics API', () => {
  test('without an SDK a call is not even told', () => {
    observer.added(breaker);
    expect(observer.hearsTimed?.(breaker)).toBe(false);
  });

  const sdk = registerLater();

  test('an SDK that is registered later is noticed at the next call', async () => {
    sdk.register();
    expect(observer.hearsTimed?.(breaker)).toBe(true);
    expect(await sdk.found()).toHaveLength(15);
  });

  test('with the histograms recorded they are all 17 metrics, as the conventions name them', async () => {
    for (const outcome of TIMED_OUTCOMES) observer.timed(breaker, outcome, 30, 'closed');
    observer.replayed(breaker, {
      wire: 'held',
      outcome: 'replayed',
      receipt: 'r',
      waitedMs: 700,
      durationMs: 9,
      error: undefined,
    });
    const found = await sdk.found();
    expect(found).toHaveLength(17);
    expect(findDeviations(found)).toEqual([]);
  });

  test('a metric that is missing, extra, misnamed or has other attributes is found', async () => {
    const found = await sdk.found();
    const first = found.find(({ descriptor }) => descriptor.name === METRICS.calls.name) as MetricData;
    const rest = found.filter((metric) => metric !== first);
    const changed = (descriptor: object) => ({ ...first, descriptor: { ...first.descriptor, ...descriptor } });
    expect(findDeviations(rest)).toEqual([`${first.descriptor.name} is missing`]);
    expect(findDeviations([...found, first])).toEqual([`${first.descriptor.name} is there twice`]);
    expect(findDeviations([...found, changed({ name: 'breaker.more' })])).toEqual([
      'breaker.more is not of the conventions',
    ]);
    expect(findDeviations([changed({ name: 'breaker.calls.total' }), ...rest])).toHaveLength(2);
    expect(findDeviations([changed({ unit: 's' }), ...rest])).toHaveLength(1);
    const points = first.dataPoints.map((point) => ({ ...point, attributes: { ...point.attributes, pod: 'a' } }));
    expect(findDeviations([{ ...first, dataPoints: points } as MetricData, ...rest])).not.toEqual([]);
    const fewer = { ...first, dataPoints: first.dataPoints.slice(1) } as MetricData;
    expect(findDeviations([fewer, ...rest])).not.toEqual([]);
  });

  test('a wire that throws when read costs nobody else a series', async () => {
    const broken = new HandmadeWire('broken');
    broken.load = () => {
      throw new Error('the spool is gone');
    };
    const other = new HandmadeReadings('ledger', [broken]);
    observer.added(other);
    observer.added(new HandmadeReadings('behind'));
    expect((await sdk.found('behind')).length).toBeGreaterThan(5);
    other.wires = [];
  });

  test('a producer of another SDK takes nothing from the one that has the instruments', async () => {
    const reader = new PullReader({ metricProducers: [breakerMetricProducer()] });
    const another = new MeterProvider({ readers: [reader] });
    breaker.state = 'open';
    observer.timed(breaker, 'success', 30, 'closed');
    const found = await sdk.found();
    expect(findDeviations(found)).toEqual([]);
    const status = found.find(({ descriptor }) => descriptor.name === METRICS.status.name);
    expect(status?.dataPoints.find(({ value }) => value === 1)?.attributes[ATTR.state]).toBe('open');
    expect((await reader.collect()).resourceMetrics.scopeMetrics).toHaveLength(1);
    await another.shutdown();
  });

  test('from the producer on an SDK that is registered gets no instruments', async () => {
    const reader = new PullReader({ metricProducers: [breakerMetricProducer()] });
    metrics.disable();
    metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
    expect(observer.hearsTimed?.(breaker)).toBe(false);
    expect((await reader.collect()).resourceMetrics.scopeMetrics).toHaveLength(1);
    metrics.disable();
  });
});

function registerLater() {
  let registered: ReturnType<typeof registerSdk> | undefined;
  return {
    register() {
      registered = registerSdk();
    },
    found: async (name = 'payments') => (await registered?.metricsOf(name)) ?? [],
  };
}
