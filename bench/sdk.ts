import type { Attributes } from '@opentelemetry/api';
import { InMemoryLogRecordExporter, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';
import { type MetricData, type MetricProducer, MetricReader } from '@opentelemetry/sdk-metrics';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace';
import { METRICS, SCOPE_NAME } from '@switchgear/conventions';

class PullReader extends MetricReader {
  protected override onForceFlush(): Promise<void> {
    return Promise.resolve();
  }

  protected override onShutdown(): Promise<void> {
    return Promise.resolve();
  }
}

/** Collects what an exporter would get: the breakers' metrics. */
export type Collect = () => Promise<MetricData[]>;

/** Starts the SDK as a service has it, with traces, logs and metrics, but with a reader that collects when asked. */
export function startSdk(metricProducers: MetricProducer[]): Collect {
  const reader = new PullReader({ metricProducers });
  new NodeSDK({
    autoDetectResources: false,
    metricReaders: [reader],
    spanProcessors: [new SimpleSpanProcessor({ exporter: new InMemorySpanExporter() })],
    logRecordProcessors: [new SimpleLogRecordProcessor({ exporter: new InMemoryLogRecordExporter() })],
  }).start();
  return async () => {
    const { resourceMetrics, errors } = await reader.collect();
    if (errors.length > 0) throw new AggregateError(errors, 'a collection failed');
    return resourceMetrics.scopeMetrics
      .filter(({ scope }) => scope.name === SCOPE_NAME)
      .flatMap(({ metrics }) => metrics);
  };
}

/** Throws unless every metric of the conventions came out, each once. */
export function expectEveryMetric(metrics: readonly MetricData[]): void {
  const expected = Object.values(METRICS).map(({ name }) => name);
  const found = metrics.map(({ descriptor }) => descriptor.name);
  if (found.toSorted().join() !== expected.toSorted().join()) {
    throw new Error(`of the metrics ${expected.join(', ')} these came out: ${found.join(', ')}`);
  }
}

/** The value of one series, or the count of a histogram's; undefined where there is none. */
export function seriesValue(metrics: readonly MetricData[], name: string, attributes: Attributes): number | undefined {
  const points = metrics.find(({ descriptor }) => descriptor.name === name)?.dataPoints ?? [];
  for (const point of points) {
    if (!Object.entries(attributes).every(([key, value]) => point.attributes[key] === value)) continue;
    return typeof point.value === 'number' ? point.value : point.value.count;
  }
  return undefined;
}
