import type { Attributes } from '@opentelemetry/api';
import type { MetricData, ScopeMetrics } from '@opentelemetry/sdk-metrics';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { ATTR, METRICS } from '@switchgear/conventions';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { breakerMetricProducer } from '../../src/breaker/index.ts';
import { ManualClock } from '../../src/breaker/testing.ts';
import { registerSdk } from '../breaker/telemetry/sdk.ts';
import { eventDeviations, type FoundEvent, metricDeviations, spanDeviations } from './deviations.ts';
import { liveThroughEverything } from './live-through-everything.ts';
import type { Living } from './living.ts';

const sdk = registerSdk({ metricProducers: [breakerMetricProducer()] });
let living: readonly Living[] = [];
let scopes: readonly ScopeMetrics[] = [];

beforeAll(async () => {
  living = await liveThroughEverything(new ManualClock());
  scopes = (await sdk.collect()).resourceMetrics.scopeMetrics;
});

afterAll(async () => {
  for (const one of living) await one.close();
});

describe('a metric that deviates is found', () => {
  /** With one metric changed, or left out. */
  const changed = (name: string, change: (metric: MetricData) => object | undefined): ScopeMetrics[] =>
    scopes.map((scope) => ({
      ...scope,
      metrics: scope.metrics.flatMap((metric) => {
        if (metric.descriptor.name !== name) return [metric];
        const other = change(metric);
        return other ? [{ ...metric, ...other } as MetricData] : [];
      }),
    }));
  const described = (metric: MetricData, other: object) => ({ descriptor: { ...metric.descriptor, ...other } });
  const { name } = METRICS.calls;

  test.each<[string, (metric: MetricData) => object | undefined, string]>([
    ['missing', () => undefined, `${name} is there 0 times`],
    ['misnamed', (metric) => described(metric, { name: 'breaker.call' }), 'breaker.call is not of the conventions'],
    ['of another unit', (metric) => described(metric, { unit: 's' }), `${name}: unit s`],
    ['described otherwise', (metric) => described(metric, { description: '' }), `${name}: description `],
    ['not monotonic', () => ({ isMonotonic: false }), `${name}: monotonic false`],
    ['a delta', () => ({ aggregationTemporality: 0 }), `${name}: not cumulative`],
    ['with an attribute more', withAttributes({ pod: 'a' }), `${name}: pod is extra`],
    ['with a word of its own', withAttributes({ [ATTR.outcome]: 'fine' }), `${name}: ${ATTR.outcome} is fine`],
    [
      'with an attribute of no value',
      withAttributes({ [ATTR.outcome]: undefined }),
      `${name}: ${ATTR.outcome} is undefined`,
    ],
  ])('%s', (_, change, problem) => {
    expect(metricDeviations(changed(name, change))).toContain(problem);
  });

  test('of another scope', () => {
    const [first] = scopes;
    expect(metricDeviations([{ ...first!, scope: { ...first!.scope, schemaUrl: '' } }])).toHaveLength(1);
  });

  function withAttributes(more: Attributes) {
    return ({ dataPoints }: MetricData) => ({
      dataPoints: dataPoints.map((point) => ({ ...point, attributes: { ...point.attributes, ...more } })),
    });
  }
});

describe('a span that deviates is found', () => {
  const trips = () => sdk.spans().filter(({ name }) => name === 'breaker.trip probed');
  const calls = () => sdk.spans().filter(({ name }) => name === 'breaker.call probed');

  test.each<[string, (span: ReadableSpan) => object, string]>([
    [
      'by its name',
      () => ({ name: 'breaker.tripped probed' }),
      'span breaker.tripped probed is not of the conventions',
    ],
    [
      'by the name of its breaker',
      () => ({ name: 'breaker.trip other' }),
      'breaker.trip: it is called other, and is of probed',
    ],
    ['by its kind', () => ({ kind: 2 }), 'breaker.trip: kind 2'],
    ['by a status that is unset', () => ({ status: { code: 0 } }), 'breaker.trip: status 0'],
    ['by a parent', (span) => ({ parentSpanContext: span.spanContext() }), 'breaker.trip: it has a parent'],
    ['by an attribute more', ({ attributes }) => ({ attributes: { ...attributes, more: 1 } }), 'more is extra'],
    ['by one that is missing', () => ({ attributes: { [ATTR.name]: 'probed' } }), `no ${ATTR.windowCalls}`],
    ['by an event', () => ({ events: [{}] }), 'breaker.trip: it has span events'],
    ['by its times', ({ startTime: [seconds] }) => ({ startTime: [seconds + 9_999, 0] }), 'it ends before it starts'],
    [
      'by a link to no call',
      (span) => ({ links: [{ context: { ...span.spanContext(), spanId: 'none' } }] }),
      'a link to undefined',
    ],
  ])('%s', (_, change, problem) => {
    expect(spanDeviations([...calls(), ...trips()])).toEqual([]);
    const found = trips().map((span) => Object.assign(Object.create(span), change(span)) as ReadableSpan);
    expect(spanDeviations([...calls(), ...found]).join('\n')).toContain(problem);
  });
});

describe('an event that deviates is found', () => {
  test.each<[string, (event: FoundEvent) => object, string]>([
    ['by its name', () => ({ eventName: 'breaker.tripped' }), 'event breaker.tripped is not of the conventions'],
    ['by its severity', () => ({ severityNumber: 9 }), 'breaker.trip: severity 9'],
    ['by its severity in words', () => ({ severityText: 'warn' }), 'breaker.trip: severity text warn'],
    ['by an attribute more', ({ attributes }) => ({ attributes: { ...attributes, more: 1 } }), 'more is extra'],
    ['by one that is missing', () => ({ attributes: { [ATTR.name]: 'probed' } }), `no ${ATTR.reason}`],
  ])('%s', (_, change, problem) => {
    const trips = sdk.events().filter(({ eventName }) => eventName === 'breaker.trip');
    expect(eventDeviations(trips)).toEqual([]);
    const found = trips.map((event) => {
      const { eventName, severityNumber, severityText, hrTime, attributes, instrumentationScope } = event;
      const copy = { eventName, severityNumber, severityText, hrTime, attributes, instrumentationScope };
      return { ...copy, ...change(copy) } as FoundEvent;
    });
    expect(eventDeviations(found).join('\n')).toContain(problem);
  });
});
