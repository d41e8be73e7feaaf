import type { DataPoint, Histogram } from '@opentelemetry/sdk-metrics';
import { ATTR, METRICS, type MetricSpec } from '@switchgear/conventions';
import { expect, test } from 'vitest';
import { breakerMetricProducer, bufferWire, createBreaker } from '../../../src/breaker/index.ts';
import { ManualClock } from '../../../src/breaker/testing.ts';
import { ending, Unwell } from '../support.ts';
import { findDeviations } from './conformance.ts';
import { msOf, registerSdk } from './sdk.ts';

const sdk = registerSdk({ metricProducers: [breakerMetricProducer()] });

/** The series of a metric: by its values of one attribute. */
async function seriesOf<Value>({ name }: MetricSpec, attribute: string): Promise<Record<string, Value>> {
  const found = (await sdk.metricsOf('payments')).find(({ descriptor }) => descriptor.name === name);
  const points = (found?.dataPoints ?? []) as unknown as DataPoint<Value>[];
  return Object.fromEntries(points.map(({ attributes, value }) => [String(attributes[attribute]), value]));
}

test("a breaker's own numbers come out of the producer: calls, durations, a trip, a wait", async () => {
  const clock = new ManualClock();
  await clock.advance(5_000);
  const began = clock.wallMs();
  const breaker = createBreaker('payments', {
    clock,
    trip: { failureRatio: 0.5, minimumCalls: 1_000, failures: 2, slowMs: 500 },
    cooldownMs: 1_000,
    halfOpen: { probes: 1 },
    timeoutMs: 2_000,
    neutralWires: [bufferWire({ name: 'held', capacity: 3 })],
  });
  expect(findDeviations(await sdk.metricsOf('payments'))).toEqual([]);

  let mood: 'well' | 'unwell' | 'hung' = 'well';
  const call = breaker.protect(async (tookMs: number) => {
    await new Promise<void>((resolve) => clock.timer(mood === 'hung' ? 60_000 : tookMs, resolve));
    if (mood === 'unwell') throw new Unwell('unwell');
    return tookMs;
  });
  const run = async (tookMs: number, afterMs = tookMs) => {
    const ended = ending(call(tookMs));
    await clock.advance(afterMs);
    await ended;
  };
  await run(4);
  await run(700);
  mood = 'unwell';
  await run(40);
  mood = 'hung';
  await run(0, 2_000);
  expect(breaker.state).toBe('open');
  mood = 'well';
  await run(8, 10_000);
  expect(breaker.state).toBe('closed');

  const found = await sdk.metricsOf('payments');
  expect(findDeviations(found)).toEqual([]);
  const { calls, wires } = breaker.stats();
  expect(await seriesOf<number>(METRICS.calls, ATTR.outcome)).toEqual(calls);
  expect(await seriesOf<Histogram>(METRICS.callDuration, ATTR.outcome)).toMatchObject({
    success: { count: calls.success, sum: expect.closeTo(0.712, 6) },
    failure: { count: 1, sum: expect.closeTo(0.04, 6) },
    timeout: { count: 1, sum: expect.closeTo(2, 6) },
  });
  // The call that tripped it, and the next one: each at least for the cooldown.
  expect(wires[0]?.replayed).toBe(2);
  const waits = await seriesOf<Histogram>(METRICS.wireWait, ATTR.wireName);
  expect(waits).toMatchObject({ held: { count: 2, sum: expect.any(Number) } });
  expect(waits.held?.sum).toBeGreaterThanOrEqual(2);
  for (const { dataPoints } of found) for (const { startTime } of dataPoints) expect(msOf(startTime)).toBe(began);

  await breaker.close();
  expect(await sdk.metricsOf('payments')).toEqual([]);
});
