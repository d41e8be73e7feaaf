import { SeverityNumber, ValueType } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { LoggerProvider, type LogRecordExporter, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';
import {
  AggregationTemporality,
  MeterProvider,
  MetricReader,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import { ATTR, BREAKER_STATES, CALL_OUTCOMES, EVENTS, METRICS, SCOPE_NAME } from '@switchgear/conventions';

export const RESOURCE = {
  'service.namespace': 'demo',
  'service.name': 'shop',
  'service.instance.id': 'shop-1',
  'service.version': '1.2.3',
  'deployment.environment.name': 'test',
};

const NAME = { [ATTR.name]: 'payments' };
const WIRE = { ...NAME, [ATTR.wireName]: 'buffer' };

/** What a service with one breaker records, on the real SDK: its status, calls, gauges, a wire, and metrics of others. */
export function recordMetrics(provider: MeterProvider): void {
  const meter = provider.getMeter(SCOPE_NAME, '0.1.0');
  meter.createObservableUpDownCounter(METRICS.status.name, { valueType: ValueType.INT }).addCallback((result) => {
    for (const state of BREAKER_STATES) result.observe(state === 'open' ? 1 : 0, { ...NAME, [ATTR.state]: state });
  });
  meter.createObservableCounter(METRICS.calls.name, { valueType: ValueType.INT }).addCallback((result) => {
    CALL_OUTCOMES.forEach((outcome, index) => {
      result.observe(index * 1_000_000_007, { ...NAME, [ATTR.outcome]: outcome });
    });
  });
  meter.createObservableGauge(METRICS.failureRatio.name).addCallback((result) => result.observe(0.625, NAME));
  meter.createObservableUpDownCounter(METRICS.wireDepth.name).addCallback((result) => result.observe(-0.5, WIRE));
  const duration = meter.createHistogram(METRICS.callDuration.name);
  for (const seconds of [0.01, 0.2, 3]) duration.record(seconds, { ...NAME, [ATTR.outcome]: 'success' });
  meter.createCounter('http.server.requests').add(5, { route: '/' });
}

export function meterProvider(reader: MetricReader, attributes: Record<string, string> = RESOURCE): MeterProvider {
  return new MeterProvider({ resource: resourceFromAttributes(attributes), readers: [reader] });
}

export function pushingReader(exporter: PushMetricExporter): PeriodicExportingMetricReader {
  return new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
}

class PullReader extends MetricReader {
  protected override onForceFlush(): Promise<void> {
    return Promise.resolve();
  }

  protected override onShutdown(): Promise<void> {
    return Promise.resolve();
  }
}

/** The SDK's own collection of `recordMetrics`, for a serializer. */
export async function collectMetrics(temporality = AggregationTemporality.CUMULATIVE): Promise<ResourceMetrics> {
  const reader = new PullReader({ aggregationTemporalitySelector: () => temporality });
  const provider = meterProvider(reader);
  recordMetrics(provider);
  const { resourceMetrics } = await reader.collect();
  await provider.shutdown();
  return resourceMetrics;
}

/** Emits a trip, an exception and a log record that is no event, through the real SDK. */
export async function emitLogs(exporter: LogRecordExporter): Promise<void> {
  const provider = new LoggerProvider({
    resource: resourceFromAttributes(RESOURCE),
    processors: [new SimpleLogRecordProcessor({ exporter })],
  });
  const logger = provider.getLogger(SCOPE_NAME, '0.1.0');
  logger.emit({
    eventName: EVENTS.trip.name,
    severityNumber: SeverityNumber.WARN,
    timestamp: new Date('2026-01-31T11:59:58.250Z'),
    attributes: { ...NAME, [ATTR.reason]: 'threshold', [ATTR.failureRatio]: 0.75, [ATTR.windowCalls]: 20, ok: true },
  });
  logger.emit({ body: 'an ordinary line', attributes: NAME });
  logger.emit({
    eventName: EVENTS.callException.name,
    severityNumber: SeverityNumber.WARN,
    timestamp: new Date('2026-01-31T11:59:59Z'),
    attributes: { ...NAME, [ATTR.outcome]: 'failure', list: ['a', 'b'] },
    exception: new Error('connect ECONNREFUSED'),
  });
  await provider.forceFlush();
  await provider.shutdown();
}
