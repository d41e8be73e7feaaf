import type { LogBatch } from '../log-batch.ts';
import { nanosToMs } from '../time.ts';
import { scanAttribute, scanResource } from './attributes.ts';
import { ProtobufScanner } from './scanner.ts';

/**
 * Reads an `ExportLogsServiceRequest`. Records that are no event of a breaker are stepped over.
 * Field numbers: opentelemetry/proto/logs/v1/logs.proto.
 * @throws InvalidInputError that names the field at fault
 */
export function scanLogs(bytes: Uint8Array, batch: LogBatch): void {
  const scan = new ProtobufScanner(bytes);
  let index = 0;
  for (let field = scan.next(); field !== 0; field = scan.next()) {
    if (field === 1) {
      scan.enter('resourceLogs', index++);
      scanResourceLogs(scan, batch);
      scan.leave();
    } else scan.skip();
  }
}

function scanResourceLogs(scan: ProtobufScanner, batch: LogBatch): void {
  batch.resource(scanResource(scan));
  let index = 0;
  for (let field = scan.next(); field !== 0; field = scan.next()) {
    if (field === 2) {
      scan.enter('scopeLogs', index++);
      scanScopeLogs(scan, batch);
      scan.leave();
    } else scan.skip();
  }
}

function scanScopeLogs(scan: ProtobufScanner, batch: LogBatch): void {
  let index = 0;
  for (let field = scan.next(); field !== 0; field = scan.next()) {
    if (field === 2) {
      scan.enter('logRecords', index++);
      scanLogRecord(scan, batch);
      scan.leave();
    } else scan.skip();
  }
}

function scanLogRecord(scan: ProtobufScanner, batch: LogBatch): void {
  const start = scan.mark();
  if (!batch.startRecord(scanEventName(scan))) return;
  scan.rewind(start);
  let at = 0;
  let observedAt = 0;
  let traceId = '';
  let spanId = '';
  let attributes = 0;
  for (let field = scan.next(); field !== 0; field = scan.next()) {
    if (field === 1) at = nanosToMs(scan.fixed64('timeUnixNano'));
    else if (field === 6) scanAttribute(scan, attributes++, batch);
    else if (field === 9) traceId = scan.hex('traceId');
    else if (field === 10) spanId = scan.hex('spanId');
    else if (field === 11) observedAt = nanosToMs(scan.fixed64('observedTimeUnixNano'));
    else scan.skip();
  }
  batch.endRecord(at, observedAt, traceId, spanId);
}

/** The name is the last field of a record in practice, so all others are stepped over to find it. */
function scanEventName(scan: ProtobufScanner): string {
  let name = '';
  for (let field = scan.next(); field !== 0; field = scan.next()) {
    if (field === 12) name = scan.text('eventName');
    else scan.skip();
  }
  return name;
}
