import type { LogBatch } from '../log-batch.ts';
import { nanosToMs } from '../time.ts';
import { readAttributes, readResource } from './attributes.ts';
import { type JsonMessage, JsonReader } from './json-reader.ts';

/**
 * Reads an `ExportLogsServiceRequest` in OTLP/JSON.
 * @throws InvalidInputError that names the field at fault
 */
export function readLogs(bytes: Uint8Array, batch: LogBatch): void {
  const json = new JsonReader();
  json.each(json.parse(bytes), 'resourceLogs', (resourceLogs) => {
    batch.resource(readResource(json, resourceLogs));
    json.each(resourceLogs, 'scopeLogs', (scopeLogs) =>
      json.each(scopeLogs, 'logRecords', (record) => readLogRecord(json, record, batch)),
    );
  });
}

function readLogRecord(json: JsonReader, record: JsonMessage, batch: LogBatch): void {
  if (!batch.startRecord(json.text(record, 'eventName'))) return;
  readAttributes(json, record, batch);
  batch.endRecord(
    nanosToMs(json.uint64(record, 'timeUnixNano')),
    nanosToMs(json.uint64(record, 'observedTimeUnixNano')),
    json.text(record, 'traceId'),
    json.text(record, 'spanId'),
  );
}
