import { breakerMetricProducer, bufferWire, createBreaker, isReceipt } from '@switchgear/breaker';
import { ATTR, METRICS } from '@switchgear/conventions';
import { type Contender, expectCount } from '../contender.ts';
import type { Measurement } from '../measurement.ts';
import { ANSWER, answer } from '../peers.ts';
import { type Collect, expectEveryMetric, seriesValue, startSdk } from '../sdk.ts';
import { timeSideBySide } from '../side-by-side.ts';
import { bareCall, cockatiel, opossum, opossumWithoutTimeout } from './closed.ts';

/** Calls that go through while an SDK exports every metric, out of the breakers' own numbers. The peers have none. */
export function closedSdk(): Promise<Measurement[]> {
  const what = 'closed path, SDK registered, all metrics exported';
  return measure('closed-sdk', what, startSdk([breakerMetricProducer()]));
}

/** The same where the reader takes no producers. */
export function closedSdkInstruments(): Promise<Measurement[]> {
  return measure('closed-sdk-instruments', 'the same through plain instruments', startSdk([]));
}

async function measure(name: string, what: string, collect: Collect): Promise<Measurement[]> {
  await useBuffer();
  const breaker = createBreaker('bench sdk');
  const own: Contender = {
    name: 'switchgear',
    call: () => breaker.execute(answer),
    answer: ANSWER,
    check: (calls) => expectCount('switchgear', breaker.stats().calls.success, calls),
  };
  const contenders = [bareCall(), own, cockatiel(), opossum(), opossumWithoutTimeout()];
  const measured = await timeSideBySide(name, what, contenders, async () => expectEveryMetric(await collect()));
  const exported = await collect();
  const series = { [ATTR.name]: breaker.name, [ATTR.outcome]: 'success' };
  for (const metric of [METRICS.calls.name, METRICS.callDuration.name]) {
    expectCount(metric, seriesValue(exported, metric, series) ?? 0, breaker.stats().calls.success);
  }
  return [measured];
}

/** Has a wire hold and replay a call, so that the metrics of wires have something to say. */
async function useBuffer(): Promise<void> {
  const breaker = createBreaker('bench buffer', { neutralWires: [bufferWire()] });
  const protectedCall = breaker.protect(answer);
  breaker.trip();
  if (!isReceipt(await protectedCall(undefined))) throw new Error('the buffer did not take the call');
  breaker.reset();
  const deadline = performance.now() + 10_000;
  while (breaker.stats().wires[0]?.replayed !== 1) {
    if (performance.now() > deadline) throw new Error('the buffer did not replay its call');
    await new Promise((resolve) => setImmediate(resolve));
  }
}
