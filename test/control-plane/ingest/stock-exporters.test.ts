import { OTLPLogExporter as JsonLogExporter } from '@opentelemetry/exporter-logs-otlp-http';
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-proto';
import { OTLPMetricExporter as JsonMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { JsonMetricsSerializer, ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
import { AggregationTemporality } from '@opentelemetry/sdk-metrics';
import { ATTR } from '@switchgear/conventions';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Observation } from '../../../src/control-plane/ingest/observation.ts';
import { startOtlpServer } from './otlp-server.ts';
import { collectMetrics, emitLogs, meterProvider, pushingReader, recordMetrics } from './sdk-telemetry.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

const AGENT = { service: 'demo/shop', instance: 'shop-1', version: '1.2.3', environment: 'test' };
const PROTOBUF = { 'content-type': 'application/x-protobuf' };

function valuesOf(observations: readonly Observation[]) {
  return observations.map((each) =>
    each.kind === 'metric' ? [each.metric, ...Object.values(each.attributes), each.value] : [each.event],
  );
}

const EXPECTED_POINTS = [
  ['status', 'closed', 0],
  ['status', 'open', 1],
  ['status', 'half_open', 0],
  ['status', 'forced_open', 0],
  ['status', 'disabled', 0],
  ['status', 'shadow', 0],
  ['calls', 'success', 0],
  ['calls', 'failure', 1_000_000_007],
  ['calls', 'timeout', 2_000_000_014],
  ['calls', 'ignored', 3_000_000_021],
  ['calls', 'cancelled', 4_000_000_028],
  ['calls', 'rejected', 5_000_000_035],
  ['calls', 'limited', 6_000_000_042],
  ['calls', 'diverted', 7_000_000_049],
  ['failureRatio', 0.625],
  ['wireDepth', 'buffer', -0.5],
  ['callDuration', 'success', 3],
];

describe.each([
  ['protobuf', OTLPMetricExporter, OTLPLogExporter],
  ['JSON', JsonMetricExporter, JsonLogExporter],
])('the stock %s exporters', (_encoding, MetricExporter, LogExporter) => {
  it.each(['none', 'gzip'])('bring metrics over, compression %s', async (compression) => {
    vi.stubEnv('OTEL_EXPORTER_OTLP_COMPRESSION', compression);
    await using server = await startOtlpServer();
    const provider = meterProvider(pushingReader(new MetricExporter({ url: `${server.url}/metrics` })));
    recordMetrics(provider);
    const before = Date.now();
    await provider.forceFlush();
    await provider.shutdown();
    const first = server.observations.slice(0, EXPECTED_POINTS.length);
    expect(valuesOf(first).sort()).toEqual([...EXPECTED_POINTS].sort());
    for (const observation of first) {
      expect(observation).toMatchObject({ kind: 'metric', agent: AGENT, breaker: 'payments' });
      expect(Math.abs(observation.at - before)).toBeLessThan(10_000);
    }
    expect(server.batches[0]).toBe(`metrics accepted ${EXPECTED_POINTS.length}`);
  });

  it('bring events over, and no other log records', async () => {
    await using server = await startOtlpServer();
    await emitLogs(new LogExporter({ url: `${server.url}/logs` }));
    expect(server.observations).toHaveLength(2);
    expect(server.observations[0]).toEqual({
      kind: 'event',
      agent: AGENT,
      breaker: 'payments',
      event: 'trip',
      at: Date.parse('2026-01-31T11:59:58.250Z'),
      attributes: { [ATTR.reason]: 'threshold', [ATTR.failureRatio]: 0.75, [ATTR.windowCalls]: 20, ok: true },
    });
    expect(server.observations[1]).toMatchObject({
      event: 'callException',
      attributes: { [ATTR.outcome]: 'failure', 'exception.message': 'connect ECONNREFUSED' },
    });
    expect(server.observations[1]).not.toHaveProperty('attributes.list');
  });
});

it('protobuf and JSON of the same collection make the same observations', async () => {
  await using server = await startOtlpServer();
  const metrics = await collectMetrics();
  const binary = await server.post('metrics', ProtobufMetricsSerializer.serializeRequest(metrics)!, PROTOBUF);
  const fromProtobuf = server.observations.splice(0);
  const json = await server.post('metrics', JsonMetricsSerializer.serializeRequest(metrics)!);
  expect([binary.status, json.status]).toEqual([200, 200]);
  expect(fromProtobuf).toHaveLength(EXPECTED_POINTS.length);
  expect(server.observations).toEqual(fromProtobuf);
});

it('delta sums are turned away by name, in words that the exporter can read, and the rest is taken', async () => {
  await using server = await startOtlpServer();
  const metrics = await collectMetrics(AggregationTemporality.DELTA);
  const binary = await server.post('metrics', ProtobufMetricsSerializer.serializeRequest(metrics)!, PROTOBUF);
  const json = await server.post('metrics', JsonMetricsSerializer.serializeRequest(metrics)!);
  expect(valuesOf(server.observations)).toEqual([
    ['failureRatio', 0.625],
    ['failureRatio', 0.625],
  ]);
  const fromProtobuf = ProtobufMetricsSerializer.deserializeResponse(binary.bytes);
  expect(fromProtobuf.partialSuccess?.errorMessage).toContain('breaker.calls must be cumulative');
  expect(Number(fromProtobuf.partialSuccess?.rejectedDataPoints)).toBe(EXPECTED_POINTS.length - 1);
  expect(JSON.parse(json.text)).toEqual({
    partialSuccess: {
      rejectedDataPoints: String(EXPECTED_POINTS.length - 1),
      errorMessage: fromProtobuf.partialSuccess?.errorMessage,
    },
  });
});
