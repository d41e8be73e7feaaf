import { parentPort, workerData } from 'node:worker_threads';
import { attachBreaker, breakerMetricProducer, fallbackWire } from '../../src/breaker/index.ts';
import { ending, fails, succeedTimes } from '../breaker/support.ts';
import { registerSdk } from '../breaker/telemetry/sdk.ts';
import { eventDeviations, spanDeviations } from './deviations.ts';

/** A thread with an SDK of its own: trips the breaker that it was given, is diverted, and says what it emitted. */
const { handle, byProducer } = workerData;
const sdk = registerSdk({ metricProducers: byProducer ? [breakerMetricProducer()] : [] });
const breaker = attachBreaker(handle, { neutralWires: [fallbackWire(() => 'stale')] });
await succeedTimes(breaker, 1);
for (let call = 0; call < 2; call++) await ending(breaker.execute(fails));
await breaker.execute(() => 'fresh');
const { resourceMetrics } = await sdk.collect();
parentPort?.postMessage({
  deviations: [...spanDeviations(sdk.spans()), ...eventDeviations(sdk.events())],
  spans: sdk.spans().map(({ name }) => name),
  events: sdk.events().map(({ eventName }) => eventName),
  metrics: resourceMetrics.scopeMetrics,
});
