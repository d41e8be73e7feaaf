import type { TraceBatch } from '../trace-batch.ts';
import { ProtobufScanner } from './scanner.ts';

/**
 * Reads an `ExportTraceServiceRequest` as far as the ids, name and times of each span.
 * Field numbers: opentelemetry/proto/trace/v1/trace.proto.
 * @throws InvalidInputError that names the field at fault
 */
export function scanTraces(bytes: Uint8Array, batch: TraceBatch): void {
  const scan = new ProtobufScanner(bytes);
  scanRepeated(scan, 1, 'resourceSpans', () =>
    scanRepeated(scan, 2, 'scopeSpans', () => scanRepeated(scan, 2, 'spans', () => scanSpan(scan, batch))),
  );
}

function scanRepeated(scan: ProtobufScanner, wanted: number, name: string, inner: () => void): void {
  let index = 0;
  for (let field = scan.next(); field !== 0; field = scan.next()) {
    if (field === wanted) {
      scan.enter(name, index++);
      inner();
      scan.leave();
    } else scan.skip();
  }
}

function scanSpan(scan: ProtobufScanner, batch: TraceBatch): void {
  let traceId = '';
  let spanId = '';
  let name = '';
  for (let field = scan.next(); field !== 0; field = scan.next()) {
    if (field === 1) traceId = scan.hex('traceId');
    else if (field === 2) spanId = scan.hex('spanId');
    else if (field === 5) name = scan.text('name');
    else if (field === 7) scan.fixed64('startTimeUnixNano');
    else if (field === 8) scan.fixed64('endTimeUnixNano');
    else scan.skip();
  }
  batch.span(traceId, spanId, name);
}
