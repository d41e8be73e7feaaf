import { AsyncLocalStorage } from 'node:async_hooks';
import { type Context, type ContextManager, context, logs, metrics, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';
import { MeterProvider, type MetricData, type MetricProducer, MetricReader } from '@opentelemetry/sdk-metrics';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { ATTR, SCOPE_NAME } from '@switchgear/conventions';

/** A reader that collects when asked. */
export class PullReader extends MetricReader {
  protected override onForceFlush(): Promise<void> {
    return Promise.resolve();
  }

  protected override onShutdown(): Promise<void> {
    return Promise.resolve();
  }
}

/** The real SDK, with exporters that keep what they are given. */
export function registerSdk({ metricProducers = [] }: { readonly metricProducers?: MetricProducer[] } = {}) {
  const reader = new PullReader({ metricProducers });
  const spanExporter = new InMemorySpanExporter();
  const logExporter = new InMemoryLogRecordExporter();
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
  trace.setGlobalTracerProvider(
    new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: spanExporter })] }),
  );
  logs.setGlobalLoggerProvider(
    new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter: logExporter })] }),
  );
  return {
    collect: () => reader.collect(),
    /** The metrics of one breaker: those of others in the process are left out. */
    async metricsOf(breaker: string): Promise<MetricData[]> {
      const { resourceMetrics } = await reader.collect();
      return resourceMetrics.scopeMetrics
        .filter(({ scope }) => scope.name === SCOPE_NAME)
        .flatMap(({ metrics }) => metrics)
        .map((metric) => ({
          ...metric,
          dataPoints: metric.dataPoints.filter(({ attributes }) => attributes[ATTR.name] === breaker),
        }))
        .filter(({ dataPoints }) => dataPoints.length > 0) as MetricData[];
    },
    spans: () => spanExporter.getFinishedSpans(),
    events: () => logExporter.getFinishedLogRecords(),
    forget() {
      spanExporter.reset();
      logExporter.reset();
    },
  };
}

/** Contexts that follow async calls, as the Node.js SDK has them. */
export function registerContext(): void {
  const storage = new AsyncLocalStorage<Context>();
  const manager: ContextManager = {
    active: () => storage.getStore() ?? ROOT_CONTEXT,
    with: (active, fn, thisArg, ...args) => storage.run(active, () => fn.apply(thisArg as never, args)),
    bind: (_, target) => target,
    enable: () => manager,
    disable: () => manager,
  };
  context.setGlobalContextManager(manager);
}

/** Milliseconds of an OpenTelemetry time. */
export function msOf([seconds, nanos]: readonly [number, number]): number {
  return seconds * 1_000 + nanos / 1e6;
}
