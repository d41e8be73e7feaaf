import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-proto';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { BatchLogRecordProcessor, type LogRecordProcessor } from '@opentelemetry/sdk-logs';
import {
  AggregationTemporality,
  ConsoleMetricExporter,
  type IMetricReader,
  type MetricProducer,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { BatchSpanProcessor, type SpanProcessor } from '@opentelemetry/sdk-trace';
import { type BreakerMetricProducer, breakerMetricProducer } from '@switchgear/breaker';
import type { Environment, Signal } from '../environment.ts';
import { PrometheusEndpoint } from './prometheus-endpoint.ts';

export interface Pipelines {
  readonly metricReaders: IMetricReader[];
  readonly prometheus: PrometheusEndpoint | undefined;
  /** `undefined`: the SDK makes them from the environment. */
  readonly logRecordProcessors: LogRecordProcessor[] | undefined;
  readonly spanProcessors: SpanProcessor[] | undefined;
  /** The readers are gone: breakers may report in another way. */
  release(): void;
}

/**
 * Readers and processors for what the environment asks for. Each reader has a producer of the breakers' metrics, since from
 * the first one on breakers make no instruments.
 */
export function createPipelines(environment: Environment): Pipelines {
  const producers: BreakerMetricProducer[] = [];
  const produce = () => {
    const producer = breakerMetricProducer();
    producers.push(producer);
    return [producer];
  };
  const prometheus = environment.metricsExporters.includes('prometheus')
    ? new PrometheusEndpoint(produce())
    : undefined;
  const metricReaders: IMetricReader[] = prometheus ? [prometheus] : [];
  if (environment.metricsExporters.includes('otlp')) metricReaders.push(otlpReader(environment, produce()));
  if (environment.metricsExporters.includes('console')) {
    metricReaders.push(periodic(environment, new ConsoleMetricExporter(), produce()));
  }
  const goesUp = (signal: Signal) => environment.toControlPlane.includes(signal);
  return {
    metricReaders,
    prometheus,
    logRecordProcessors: goesUp('logs')
      ? [
          new BatchLogRecordProcessor({
            exporter: new OTLPLogExporter(target(environment, 'logs')),
            ...environment.logBatch,
          }),
        ]
      : undefined,
    spanProcessors: spanProcessors(environment, goesUp('traces')),
    release: () => {
      for (const producer of producers) producer.release();
    },
  };
}

function spanProcessors(environment: Environment, goUp: boolean): SpanProcessor[] | undefined {
  if (environment.noTraces) return [];
  if (!goUp) return undefined;
  return [
    new BatchSpanProcessor({
      exporter: new OTLPTraceExporter(target(environment, 'traces')),
      ...environment.spanBatch,
    }),
  ];
}

function otlpReader(environment: Environment, metricProducers: MetricProducer[]): IMetricReader {
  const temporalityPreference = AggregationTemporality.CUMULATIVE;
  const exporter = new OTLPMetricExporter({ ...target(environment, 'metrics'), temporalityPreference });
  return periodic(environment, exporter, metricProducers);
}

function periodic(
  environment: Environment,
  exporter: OTLPMetricExporter | ConsoleMetricExporter,
  metricProducers: MetricProducer[],
): IMetricReader {
  return new PeriodicExportingMetricReader({
    exporter,
    metricProducers,
    exportIntervalMillis: environment.metricExportIntervalMs,
    exportTimeoutMillis: environment.metricExportTimeoutMs,
  });
}

/** Address and token of the control plane; nothing where the exporter reads the environment itself. */
function target(environment: Environment, signal: Signal) {
  const { controlPlane } = environment;
  if (!controlPlane || !environment.toControlPlane.includes(signal)) return {};
  return {
    url: `${controlPlane.url}/v1/${signal}`,
    ...(controlPlane.token !== undefined && { headers: { authorization: `Bearer ${controlPlane.token}` } }),
  };
}
