import { emptyResource } from '@opentelemetry/resources';
import { AggregationTemporality, type IMetricReader } from '@opentelemetry/sdk-metrics';
import { METRICS, SCOPE_NAME } from '@switchgear/conventions';
import { expect, test } from 'vitest';
import { otelObserver } from '../../../src/breaker/telemetry/otel-observer.ts';
import { readEnvironment } from '../../../src/register/environment.ts';
import { createPipelines } from '../../../src/register/sdk/telemetry-pipelines.ts';
import { HandmadeReadings, HandmadeWire } from '../../breaker/telemetry/readings.ts';

test('every reader has all breaker metrics, from 0 on and cumulative', async () => {
  otelObserver().added(new HandmadeReadings('payments', [new HandmadeWire('held')]));
  const { environment } = readEnvironment({
    OTEL_METRICS_EXPORTER: 'otlp,prometheus,console',
    OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: 'delta',
  });
  const { metricReaders } = createPipelines(environment);
  expect(metricReaders).toHaveLength(3);
  for (const reader of metricReaders) {
    const [scope] = (await collect(reader)).scopeMetrics;
    expect(scope?.scope.name).toBe(SCOPE_NAME);
    expect(scope?.metrics).toHaveLength(Object.keys(METRICS).length);
    for (const { aggregationTemporality, dataPoints } of scope?.metrics ?? []) {
      expect(aggregationTemporality).toBe(AggregationTemporality.CUMULATIVE);
      expect(dataPoints.length).toBeGreaterThan(0);
    }
  }
});

/** What a reader collects where the SDK itself has no metrics. */
async function collect(reader: IMetricReader) {
  reader.setMetricProducer({
    collect: async () => ({ resourceMetrics: { resource: emptyResource(), scopeMetrics: [] }, errors: [] }),
  });
  return (await reader.collect()).resourceMetrics;
}
