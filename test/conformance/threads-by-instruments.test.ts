import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { DataPoint, Histogram, MetricData, ScopeMetrics } from '@opentelemetry/sdk-metrics';
import { ATTR, METRICS } from '@switchgear/conventions';
import { expect, test } from 'vitest';
import { createBreaker, fallbackWire } from '../../src/breaker/index.ts';
import { succeedTimes } from '../breaker/support.ts';
import { registerSdk } from '../breaker/telemetry/sdk.ts';
import { QUICK_TRIP } from './living.ts';

const sdk = registerSdk();

/** How many durations are in the histogram, by outcome. */
function durationsIn(found: readonly MetricData[]): Record<string, number> {
  const points = found.find(({ descriptor }) => descriptor.name === METRICS.callDuration.name)?.dataPoints ?? [];
  return Object.fromEntries(
    (points as DataPoint<Histogram>[]).map(({ attributes, value }) => [String(attributes[ATTR.outcome]), value.count]),
  );
}

/** What happens is recorded where it happens, and an instrument of one thread is none of another. */
test('by plain instruments the durations are with the SDK of the thread that called, and all else with the owner', async () => {
  const breaker = createBreaker('shared', { ...QUICK_TRIP, neutralWires: [fallbackWire(() => 'stale')] });
  await succeedTimes(breaker, 3);
  const worker = new Worker(new URL('./thread-main.ts', import.meta.url), {
    workerData: { handle: breaker.share(), byProducer: false },
  });
  const [told] = (await once(worker, 'message')) as [{ readonly metrics: readonly ScopeMetrics[] }];
  await worker.terminate();
  const ofThread = told.metrics.flatMap(({ metrics }) => metrics);
  expect(ofThread.map(({ descriptor }) => descriptor.name)).toEqual([METRICS.callDuration.name]);
  expect(durationsIn(ofThread)).toEqual({ success: 1, failure: 2 });
  const ofOwner = await sdk.metricsOf('shared');
  expect(durationsIn(ofOwner)).toEqual({ success: 3 });
  const calls = ofOwner.find(({ descriptor }) => descriptor.name === METRICS.calls.name)?.dataPoints ?? [];
  const counted = calls
    .filter(({ value }) => value !== 0)
    .map((point) => [point.attributes[ATTR.outcome], point.value]);
  expect(Object.fromEntries(counted)).toEqual({ success: 4, failure: 2, diverted: 1 });
  await breaker.close();
});
