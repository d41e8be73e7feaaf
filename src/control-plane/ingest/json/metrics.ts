import type { MetricBatch } from '../metric-batch.ts';
import { nanosToMs } from '../time.ts';
import { readAttributes, readResource } from './attributes.ts';
import { type JsonMessage, JsonReader } from './json-reader.ts';

/**
 * Reads an `ExportMetricsServiceRequest` in OTLP/JSON.
 * @throws InvalidInputError that names the field at fault
 */
export function readMetrics(bytes: Uint8Array, batch: MetricBatch): void {
  const json = new JsonReader();
  json.each(json.parse(bytes), 'resourceMetrics', (resourceMetrics) => {
    batch.resource(readResource(json, resourceMetrics));
    json.each(resourceMetrics, 'scopeMetrics', (scopeMetrics) =>
      json.each(scopeMetrics, 'metrics', (metric) => readMetric(json, metric, batch)),
    );
  });
}

function readMetric(json: JsonReader, metric: JsonMessage, batch: MetricBatch): void {
  if (!batch.metric(json.text(metric, 'name'))) return;
  json.message(metric, 'gauge', (data) => {
    batch.startData();
    json.each(data, 'dataPoints', (point) => readNumberPoint(json, point, batch));
    batch.endData('number', undefined);
  });
  json.message(metric, 'sum', (data) => {
    batch.startData();
    json.each(data, 'dataPoints', (point) => readNumberPoint(json, point, batch));
    batch.endData('number', json.uint32(data, 'aggregationTemporality'));
  });
  for (const field of ['histogram', 'exponentialHistogram'])
    json.message(metric, field, (data) => {
      batch.startData();
      json.each(data, 'dataPoints', (point) => readPoint(json, point, batch, json.uint64(point, 'count')));
      batch.endData('histogram', json.uint32(data, 'aggregationTemporality'));
    });
}

function readNumberPoint(json: JsonReader, point: JsonMessage, batch: MetricBatch): void {
  readPoint(json, point, batch, json.int64(point, 'asInt') ?? json.double(point, 'asDouble'));
}

function readPoint(json: JsonReader, point: JsonMessage, batch: MetricBatch, value: number | undefined): void {
  batch.startPoint();
  readAttributes(json, point, batch);
  batch.endPoint(value, nanosToMs(json.uint64(point, 'timeUnixNano')), json.uint32(point, 'flags'));
}
