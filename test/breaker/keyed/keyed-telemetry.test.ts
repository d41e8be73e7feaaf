import type { MetricData } from '@opentelemetry/sdk-metrics';
import { ATTR, EVENTS, METRICS, type MetricSpec, SPANS } from '@switchgear/conventions';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  breakerMetricProducer,
  bufferWire,
  createBreaker,
  type KeyedBreakers,
  keyedBreakers,
} from '../../../src/breaker/index.ts';
import { ManualClock } from '../../../src/breaker/testing.ts';
import { deferred, failTimes, QUICK } from '../support.ts';
import { findDeviations } from '../telemetry/conformance.ts';
import { registerSdk } from '../telemetry/sdk.ts';

const sdk = registerSdk({ metricProducers: [breakerMetricProducer()] });
const good = () => 'good';
/** With a ratio, so that there is a threshold to export. */
const SETTINGS = { ...QUICK, trip: { ...QUICK.trip, failureRatio: 0.9 } };

let clock: ManualClock;
const groups: KeyedBreakers[] = [];

beforeEach(() => {
  clock = new ManualClock();
  sdk.forget();
});

afterEach(async () => {
  for (const group of groups.splice(0)) await group.close();
});

function tenants(options: { readonly maxBreakers?: number; readonly seriesPerKey?: boolean } = {}) {
  const group = keyedBreakers('tenants', { ...SETTINGS, clock, neutralWires: () => [bufferWire()], ...options });
  groups.push(group as unknown as KeyedBreakers);
  return group;
}

function read(found: readonly MetricData[], { name }: MetricSpec, attributes: Record<string, string> = {}): unknown {
  const points = found.find(({ descriptor }) => descriptor.name === name)?.dataPoints ?? [];
  return points.find((point) => Object.entries(attributes).every(([key, word]) => point.attributes[key] === word))
    ?.value;
}

const stateIs = (state: string) => ({ [ATTR.state]: state });
const outcomeIs = (outcome: string) => ({ [ATTR.outcome]: outcome });

describe('one set of series for all keys', () => {
  test('10,000 keys through a group of 100 leave 100 breakers and the series of one', async () => {
    const group = tenants({ maxBreakers: 100 });
    for (let key = 0; key < 10_000; key++) await group.get(`key-${key}`).execute(good);
    const found = await sdk.metricsOf('tenants');
    expect(findDeviations(found)).toEqual([]);
    expect(read(found, METRICS.status, stateIs('closed'))).toBe(100);
    expect(read(found, METRICS.calls, outcomeIs('success'))).toBe(10_000);
    expect(read(found, METRICS.callDuration, outcomeIs('success'))).toMatchObject({ count: 10_000 });

    const one = createBreaker('one', { ...SETTINGS, clock, neutralWires: [bufferWire()] });
    expect(seriesIn(found)).toEqual(seriesIn(await sdk.metricsOf('one')));
    await one.close();
    const { resourceMetrics } = await sdk.collect();
    const names = resourceMetrics.scopeMetrics.flatMap(({ metrics }) =>
      metrics.flatMap(({ dataPoints }) => dataPoints.map(({ attributes }) => attributes[ATTR.name])),
    );
    expect(new Set(names)).toEqual(new Set(['tenants']));
  });

  test('before the first key every series of a breaker is there, at 0', async () => {
    tenants();
    const found = await sdk.metricsOf('tenants');
    expect(found.map(({ descriptor }) => descriptor.name)).toContain(METRICS.calls.name);
    for (const state of ['closed', 'open', 'half_open', 'forced_open', 'disabled', 'shadow']) {
      expect(read(found, METRICS.status, stateIs(state))).toBe(0);
    }
  });

  test('the status has the number of breakers in each state', async () => {
    const group = tenants();
    for (const key of ['a', 'b', 'c', 'd']) group.get(key);
    for (const key of ['a', 'b']) group.get(key).trip();
    const expiresAt = new Date(clock.wallMs() + 60_000).toISOString();
    group.get('c').holdIn({ mode: 'shadow', reason: 'trial', actor: 'jo', expiresAt });
    const found = await sdk.metricsOf('tenants');
    expect(
      ['open', 'shadow', 'closed', 'half_open'].map((state) => read(found, METRICS.status, stateIs(state))),
    ).toEqual([2, 1, 1, 0]);
    expect(read(found, METRICS.transitions, { ...stateIs('open'), [ATTR.reason]: 'operator' })).toBe(2);
  });

  test('calls in flight, the failure ratio and the wires are those of all keys together', async () => {
    const group = tenants();
    const call = deferred();
    const flying = ['a', 'b'].map((key) => group.get(key).execute(() => call.promise));
    await failTimes(group.get('c') as never, 1);
    for (let calls = 0; calls < 3; calls++) await group.get('d').execute(good);
    for (const key of ['e', 'f']) {
      group.get(key).trip();
      await group.get(key).protect(good)('later');
    }
    const found = await sdk.metricsOf('tenants');
    expect(read(found, METRICS.activeCalls)).toBe(2);
    expect(read(found, METRICS.failureRatio)).toBe(0.25);
    expect(read(found, METRICS.wireDepth)).toBe(2);
    expect(read(found, METRICS.wireCapacity)).toBe(6_000);
    expect(read(found, METRICS.wireCalls, { [ATTR.wireOutcome]: 'buffered' })).toBe(2);
    call.resolve('late');
    await Promise.all(flying);
  });

  test('what evicted breakers had counted stays, their held calls count as dropped', async () => {
    const group = tenants({ maxBreakers: 1 });
    group.get('a').trip();
    await group.get('a').protect(good)('later');
    group.get('b');
    await clock.advance(0);
    const found = await sdk.metricsOf('tenants');
    expect(read(found, METRICS.calls, outcomeIs('diverted'))).toBe(1);
    expect(read(found, METRICS.wireDropped, { [ATTR.dropReason]: 'shutdown' })).toBe(1);
    expect(read(found, METRICS.wireDepth)).toBe(0);
    expect(read(found, METRICS.status, stateIs('open'))).toBe(0);
  });

  test('a collection is enough for idle breakers to go', async () => {
    tenants().get('a');
    await clock.advance(600_000);
    expect(read(await sdk.metricsOf('tenants'), METRICS.status, stateIs('closed'))).toBe(0);
  });

  test('no span and no event has a key', async () => {
    const group = tenants();
    await failTimes(group.get('secret-1') as never, 3);
    await group.get('secret-1').protect(good)('later');
    await clock.advance(1_000);
    for (let probes = 0; probes < 2; probes++) await group.get('secret-1').execute(good);
    await clock.advance(10_000);
    expect(group.get('secret-1').state).toBe('closed');
    const spans = sdk.spans().map(({ name, attributes }) => ({ name, attributes }));
    const events = sdk.events().map(({ eventName, body, attributes }) => ({ eventName, body, attributes }));
    expect(events.map(({ eventName }) => eventName)).toEqual(
      expect.arrayContaining([EVENTS.trip.name, EVENTS.reset.name, EVENTS.wireDrained.name]),
    );
    expect(spans.length).toBeGreaterThan(4);
    expect(JSON.stringify([spans, events])).not.toContain('secret');
    for (const { attributes } of [...spans, ...events]) expect(attributes[ATTR.name]).toBe('tenants');
  });

  test('each reset links to the trip of its own breaker', async () => {
    const group = tenants();
    for (const key of ['a', 'b']) await failTimes(group.get(key) as never, 3);
    group.get('b').reset();
    group.get('a').reset();
    const spans = sdk.spans();
    const trips = spans.filter(({ name }) => name === `${SPANS.trip} tenants`);
    const resets = spans.filter(({ name }) => name === `${SPANS.reset} tenants`);
    const ids = trips.map((span) => span.spanContext().spanId);
    expect(trips.map(({ links }) => links.length)).toEqual([3, 3]);
    expect(resets.map(({ links }) => links.map(({ context }) => context.spanId))).toEqual([[ids[1]], [ids[0]]]);
  });

  test('the rate limits of events and spans are the group’s', async () => {
    const group = tenants();
    for (let key = 0; key < 20; key++) await failTimes(group.get(`key-${key}`) as never, 1);
    expect(sdk.events().filter(({ eventName }) => eventName === EVENTS.callException.name)).toHaveLength(10);
    const suppressed = { [ATTR.event]: EVENTS.callException.name };
    expect(read(await sdk.metricsOf('tenants'), METRICS.eventsSuppressed, suppressed)).toBe(10);
    for (let key = 0; key < 20; key++) {
      group.get(`key-${key}`).trip();
      await group.get(`key-${key}`).protect(good)('later');
    }
    expect(sdk.spans().filter(({ name }) => name === `${SPANS.neutralWire} buffer`)).toHaveLength(10);
  });
});

describe('series for each key', () => {
  test('they are named for group and key, and those of evicted breakers end', async () => {
    const group = tenants({ maxBreakers: 1, seriesPerKey: true });
    await group.get('a').execute(good);
    expect(read(await sdk.metricsOf('tenants/a'), METRICS.calls, outcomeIs('success'))).toBe(1);
    group.get('b');
    expect(await sdk.metricsOf('tenants/a')).toEqual([]);
    expect(findDeviations(await sdk.metricsOf('tenants/b'))).toEqual([]);
    expect(await sdk.metricsOf('tenants')).toEqual([]);
  });
});

/** Each series without its breaker's name. */
function seriesIn(found: readonly MetricData[]): string[] {
  return found
    .flatMap(({ descriptor, dataPoints }) =>
      dataPoints.map(({ attributes }) => JSON.stringify([descriptor.name, { ...attributes, [ATTR.name]: '' }])),
    )
    .sort();
}
