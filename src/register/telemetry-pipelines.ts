import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-proto';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { BatchLogRecordProcessor, type LogRecordProcessor } from '@opentelemetry/sdk-logs';
import {
  AggregationTemporality,
  ConsoleMetricExporter,
  type IMetricReader,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { BatchSpanProcessor, type SpanProcessor } from '@opentelemetry/sdk-trace';
import { breakerMetricProducer } from '@switchgear/breaker';
import type { Environment, Signal } from './environment.ts';
import { PrometheusEndpoint } from './prometheus-endpoint.ts';

export interface Pipelines {
  readonly metricReaders: IMetricReader[];
  readonly prometheus: PrometheusEndpoint | undefined;
  /** `undefined`: the SDK makes them from the environment. */
  readonly logRecordProcessors: LogRecordProcessor[] | undefined;
  readonly spanProcessors: SpanProcessor[] | undefined;
}

/**
 * Readers and processors for what the environment asks for. Each reader has a producer of the breakers' metrics, since from
 * the first one on breakers make no instruments.
 */
export function createPipelines(environment: Environment): Pipelines {
  const prometheus = environment.metricsExporters.includes('prometheus')
    ? new PrometheusEndpoint([breakerMetricProducer()])
    : undefined;
  const metricReaders: IMetricReader[] = prometheus ? [prometheus] : [];
  if (environment.metricsExporters.includes('otlp')) metricReaders.push(otlpReader(environment));
  if (environment.metricsExporters.includes('console')) {
    metricReaders.push(periodic(environment, new ConsoleMetricExporter()));
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
    spanProcessors: goesUp('traces')
      ? [
          new BatchSpanProcessor({
            exporter: new OTLPTraceExporter(target(environment, 'traces')),
            ...environment.spanBatch,
          }),
        ]
      : undefined,
  };
}

function otlpReader(environment: Environment): IMetricReader {
  const temporalityPreference = AggregationTemporality.CUMULATIVE;
  return periodic(environment, new OTLPMetricExporter({ ...target(environment, 'metrics'), temporalityPreference }));
}

function periodic(environment: Environment, exporter: OTLPMetricExporter | ConsoleMetricExporter): IMetricReader {
  return new PeriodicExportingMetricReader({
    exporter,
    metricProducers: [breakerMetricProducer()],
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
