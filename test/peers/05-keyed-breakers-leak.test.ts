import { ATTR, METRICS } from '@switchgear/conventions';
import { afterEach, describe, expect, test } from 'vitest';
import { allBreakers, breakerMetricProducer, type KeyedBreakers, keyedBreakers } from '../../src/breaker/index.ts';
import { ManualClock } from '../../src/breaker/testing.ts';
import { ending, fails } from '../breaker/support.ts';
import { registerSdk } from '../breaker/telemetry/sdk.ts';

const sdk = registerSdk({ metricProducers: [breakerMetricProducer()] });
const groups: KeyedBreakers[] = [];

afterEach(async () => {
  for (const group of groups.splice(0)) await group.close();
});

/** Series of all breakers whose name begins so. */
async function series(prefix: string): Promise<number> {
  const { resourceMetrics } = await sdk.collect();
  return resourceMetrics.scopeMetrics
    .flatMap(({ metrics }) => metrics)
    .flatMap(({ dataPoints }) => dataPoints as { attributes: Record<string, unknown> }[])
    .filter(({ attributes }) => String(attributes[ATTR.name]).startsWith(prefix)).length;
}

/**
 * resilience4j#650 and #1020: a breaker for each tenant or host is made when it is first seen and never goes, nor do its
 * series; a service that meets ever new keys runs out of memory, and so does what scrapes it.
 */
describe('breakers by key', () => {
  const RULES = { trip: { failures: 3 }, maxBreakers: 100, idleMs: 60_000 } as const;

  function group(name: string, seriesPerKey: boolean, clock = new ManualClock()) {
    const made = keyedBreakers(name, { ...RULES, seriesPerKey, clock });
    groups.push(made as unknown as KeyedBreakers);
    return made;
  }

  test.each([[false], [true]])('twenty thousand keys leave a hundred breakers; series per key: %s', async (perKey) => {
    const name = `keys-${perKey}`;
    const before = allBreakers().length;
    const hosts = group(name, perKey);
    hosts.get('first');
    const one = await series(name);
    expect(one).toBeGreaterThan(0);
    for (let key = 0; key < 20_000; key++) hosts.get(`host-${key}`);
    expect(hosts.size).toBe(100);
    expect(allBreakers().length - before).toBe(perKey ? 100 : 0);
    expect(await series(name)).toBe(perKey ? 100 * one : one);
  });

  test('those that nobody asks for go by themselves, their series too', async () => {
    const clock = new ManualClock();
    const hosts = group('idle', true, clock);
    for (let key = 0; key < 100; key++) await hosts.get(`host-${key}`).execute(() => 'good');
    await clock.advance(59_999);
    expect(hosts.size).toBe(100);
    hosts.get('host-7');
    await clock.advance(1);
    expect(hosts.keys()).toEqual(['host-7']);
    expect(allBreakers().filter(({ name }) => name.startsWith('idle/'))).toHaveLength(1);
  });

  test('one that matters stays: those at rest go before an open one', async () => {
    const hosts = group('matters', false);
    for (let call = 0; call < 3; call++) await ending(hosts.get('down').execute(fails));
    expect(hosts.get('down').state).toBe('open');
    for (let key = 0; key < 10_000; key++) hosts.get(`host-${key}`);
    expect(hosts.get('down').state).toBe('open');
  });

  test('what evicted ones have counted stays in the sums: no counter ever goes down', async () => {
    const hosts = group('sums', false);
    for (let key = 0; key < 1_000; key++) await hosts.get(`host-${key}`).execute(() => 'good');
    expect(hosts.size).toBe(100);
    expect(hosts.stats().calls.success).toBe(1_000);
    const [calls] = (await sdk.metricsOf('sums')).filter(({ descriptor }) => descriptor.name === METRICS.calls.name);
    expect(calls?.dataPoints.find(({ attributes }) => attributes[ATTR.outcome] === 'success')?.value).toBe(1_000);
  });
});
