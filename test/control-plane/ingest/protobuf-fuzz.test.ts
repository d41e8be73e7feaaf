import { JsonLogsSerializer, ProtobufLogsSerializer, ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
import { InMemoryLogRecordExporter } from '@opentelemetry/sdk-logs';
import { InvalidInputError } from '@switchgear/conventions';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readLogs } from '../../../src/control-plane/ingest/json/logs.ts';
import { readMetrics } from '../../../src/control-plane/ingest/json/metrics.ts';
import { LogBatch } from '../../../src/control-plane/ingest/log-batch.ts';
import { MetricBatch } from '../../../src/control-plane/ingest/metric-batch.ts';
import { scanLogs } from '../../../src/control-plane/ingest/protobuf/logs.ts';
import { scanMetrics } from '../../../src/control-plane/ingest/protobuf/metrics.ts';
import { scanTraces } from '../../../src/control-plane/ingest/protobuf/traces.ts';
import { TraceBatch } from '../../../src/control-plane/ingest/trace-batch.ts';
import { NOW } from './otlp-server.ts';
import { collectMetrics, emitLogs } from './sdk-telemetry.ts';

const metrics = ProtobufMetricsSerializer.serializeRequest(await collectMetrics())!;
const exporter = new InMemoryLogRecordExporter();
exporter.shutdown = () => Promise.resolve();
await emitLogs(exporter);
const records = exporter.getFinishedLogRecords();
const logs = ProtobufLogsSerializer.serializeRequest(records)!;

const SCANS = {
  metrics: (bytes: Uint8Array) => scanMetrics(bytes, new MetricBatch(NOW)),
  logs: (bytes: Uint8Array) => scanLogs(bytes, new LogBatch(NOW)),
  traces: (bytes: Uint8Array) => scanTraces(bytes, new TraceBatch()),
};

/** True where it was read, false where it was refused as it must be; throws on anything else. */
function reads(scan: (bytes: Uint8Array) => void, bytes: Uint8Array): boolean {
  try {
    scan(bytes);
    return true;
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    expect(error.problems[0]?.field).toMatch(/^(body|[\w.[\]]+)$/);
    return false;
  }
}

describe('a request that is cut', () => {
  it.each([
    ['metrics', SCANS.metrics, metrics],
    ['logs', SCANS.logs, logs],
  ] as const)('is refused at every byte: %s', (_signal, scan, bytes) => {
    expect(reads(scan, bytes)).toBe(true);
    expect(reads(scan, bytes.subarray(0, 0))).toBe(true);
    for (let length = 1; length < bytes.length; length += 1)
      expect([length, reads(scan, bytes.subarray(0, length))]).toEqual([length, false]);
  });

  it('is refused at every byte of a point that claims to be shorter than its fields', () => {
    for (let at = 0; at < metrics.length; at += 1) {
      const bytes = metrics.slice();
      bytes[at] = Math.max(0, bytes[at]! - 1);
      reads(SCANS.metrics, bytes);
    }
  });
});

describe('a request with flipped or random bytes', () => {
  const flips = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 8 });

  it.each([
    ['metrics', SCANS.metrics, metrics],
    ['logs', SCANS.logs, logs],
    ['traces', SCANS.traces, logs],
  ] as const)('is read or refused, and nothing else: %s', (_signal, scan, good) => {
    fc.assert(
      fc.property(flips, (changes) => {
        const bytes = good.slice();
        for (const [at, mask] of changes) bytes[at % bytes.length]! ^= mask;
        reads(scan, bytes);
      }),
      { numRuns: 3_000 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        reads(scan, bytes);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('JSON of any shape', () => {
  it('is read or refused, and nothing else', () => {
    const keys = [
      'resourceMetrics',
      'resource',
      'scopeMetrics',
      'metrics',
      'name',
      'sum',
      'gauge',
      'dataPoints',
      'asInt',
    ];
    const shape = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'large' },
        fc.jsonValue({ maxDepth: 1 }),
        fc.constant('breaker.calls'),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom(...keys), tie('value'), { maxKeys: 4 }),
      ),
    })).value;
    fc.assert(
      fc.property(shape, (value) => {
        const bytes = new TextEncoder().encode(JSON.stringify({ resourceMetrics: [value] }));
        reads((body) => readMetrics(body, new MetricBatch(NOW)), bytes);
      }),
      { numRuns: 2_000 },
    );
  });
});

it('protobuf and JSON of the same log records make the same observations', () => {
  const fromProtobuf = new LogBatch(NOW);
  const fromJson = new LogBatch(NOW);
  scanLogs(logs, fromProtobuf);
  readLogs(JsonLogsSerializer.serializeRequest(records)!, fromJson);
  expect(fromProtobuf.observations).toHaveLength(2);
  expect(fromJson.observations).toEqual(fromProtobuf.observations);
});

it('a field of another wire type is named with its path', () => {
  // metrics[0].gauge.dataPoints[0].asDouble as a varint
  const message = (field: number, ...content: number[]) => [(field << 3) | 2, content.length, ...content];
  const name = [...new TextEncoder().encode('breaker.failure.ratio')];
  const point = message(1, (4 << 3) | 0, 1);
  const bytes = message(1, ...message(2, ...message(2, ...message(5, ...point), ...message(1, ...name))));
  expect(() => SCANS.metrics(Uint8Array.from(bytes))).toThrow(
    '`resourceMetrics[0].scopeMetrics[0].metrics[0].gauge.dataPoints[0].asDouble` must be a double, which is wire type 1, got "wire type 0"',
  );
});
