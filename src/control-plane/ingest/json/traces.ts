import type { TraceBatch } from '../trace-batch.ts';
import { JsonReader } from './json-reader.ts';

/**
 * Reads an `ExportTraceServiceRequest` in OTLP/JSON as far as the ids, name and times of each span.
 * @throws InvalidInputError that names the field at fault
 */
export function readTraces(bytes: Uint8Array, batch: TraceBatch): void {
  const json = new JsonReader();
  json.each(json.parse(bytes), 'resourceSpans', (resourceSpans) =>
    json.each(resourceSpans, 'scopeSpans', (scopeSpans) =>
      json.each(scopeSpans, 'spans', (span) => {
        json.uint64(span, 'startTimeUnixNano');
        json.uint64(span, 'endTimeUnixNano');
        batch.span(json.text(span, 'traceId'), json.text(span, 'spanId'), json.text(span, 'name'));
      }),
    ),
  );
}
