import type { MetricData } from '@opentelemetry/sdk-metrics';
import { breakerMetricProducer, createBreaker } from '@switchgear/breaker';
import { ATTR, METRICS } from '@switchgear/conventions';
import { expectCount } from '../contender.ts';
import type { Measurement } from '../measurement.ts';
import { median } from '../median.ts';
import { answer } from '../peers.ts';
import { startSdk } from '../sdk.ts';
import { threadStopwatch } from '../thread-stopwatch.ts';

const BREAKERS = 10_000;
const ROUNDS = 9;
/** Set by the SDK on the one series that takes all others once there are too many. */
const OVERFLOW = 'otel.metric.overflow';

/** One collection of all metrics of many breakers, none of their series lost. */
export async function collection(): Promise<Measurement[]> {
  const collect = startSdk([breakerMetricProducer()]);
  await createBreaker('breaker 0').execute(answer);
  const ofOne = await collect();
  for (let index = 1; index < BREAKERS; index++) await createBreaker(`breaker ${index}`).execute(answer);
  const elapsed: number[] = [];
  const worked: number[] = [];
  let collected: MetricData[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    // An exporter is done with the one before by now.
    collected = [];
    globalThis.gc!();
    const workMs = threadStopwatch();
    const began = performance.now();
    collected = await collect();
    elapsed.push(performance.now() - began);
    worked.push(workMs());
  }
  expectEverySeries(collected, ofOne);
  const what = `one collection over ${BREAKERS.toLocaleString('en')} breakers`;
  return [
    { name: 'collection', what, unit: 'ms', figure: median(elapsed), peers: { 'work of its thread': median(worked) } },
  ];
}

/** Throws unless each breaker has the series that one breaker alone has, each once, and each has counted its call. */
function expectEverySeries(metrics: readonly MetricData[], ofOne: readonly MetricData[]): void {
  expectCount('the metrics', metrics.length, ofOne.length);
  for (const [index, { descriptor, dataPoints }] of metrics.entries()) {
    const series = new Set(dataPoints.map(({ attributes }) => JSON.stringify(attributes)));
    expectCount(`the series of ${descriptor.name}`, series.size, ofOne[index]!.dataPoints.length * BREAKERS);
    expectCount(`the points of ${descriptor.name}`, dataPoints.length, series.size);
    if (dataPoints.some(({ attributes }) => OVERFLOW in attributes)) throw new Error(`${descriptor.name} overflows`);
  }
  const calls = metrics.find(({ descriptor }) => descriptor.name === METRICS.calls.name)?.dataPoints ?? [];
  const good = calls.filter(({ attributes, value }) => attributes[ATTR.outcome] === 'success' && value === 1);
  expectCount(METRICS.calls.name, good.length, BREAKERS);
}
