import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { ATTR, METRICS } from '@switchgear/conventions';
import { expect, test } from 'vitest';
import { breakerMetricProducer, createBreaker, fallbackWire } from '../../src/breaker/index.ts';
import { registerSdk } from '../breaker/telemetry/sdk.ts';
import { eventDeviations, spanDeviations } from './deviations.ts';
import { QUICK_TRIP } from './living.ts';

const sdk = registerSdk({ metricProducers: [breakerMetricProducer()] });

test('of a breaker that threads share, each thread emits its own calls, and the owner the rest, once', async () => {
  const breaker = createBreaker('shared', { ...QUICK_TRIP, neutralWires: [fallbackWire(() => 'stale')] });
  const worker = new Worker(new URL('./thread-main.ts', import.meta.url), {
    workerData: { handle: breaker.share(), byProducer: true },
  });
  const [told] = await once(worker, 'message');
  await worker.terminate();
  expect(told).toEqual({
    deviations: [],
    spans: [
      'breaker.call shared',
      'breaker.call shared',
      // The call that tripped it, and the one after.
      'breaker.neutral_wire fallback',
      'breaker.neutral_wire fallback',
    ],
    events: ['breaker.call.exception', 'breaker.call.exception'],
    metrics: [],
  });
  await expect.poll(() => sdk.spans().map(({ name }) => name)).toEqual(['breaker.trip shared']);
  expect(sdk.events().map(({ eventName }) => eventName)).toEqual(['breaker.trip']);
  expect([...spanDeviations(sdk.spans()), ...eventDeviations(sdk.events())]).toEqual([]);
  const found = await sdk.metricsOf('shared');
  const calls = found.find(({ descriptor }) => descriptor.name === METRICS.calls.name)?.dataPoints ?? [];
  const counted = calls
    .filter(({ value }) => value !== 0)
    .map(({ attributes, value }) => [attributes[ATTR.outcome], value]);
  expect(Object.fromEntries(counted)).toEqual({ success: 1, failure: 2, diverted: 1 });
  await breaker.close();
});
