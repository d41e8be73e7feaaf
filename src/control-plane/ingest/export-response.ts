import { BinaryWriter } from '@bufbuild/protobuf/wire';
import type { Rejections } from './rejections.ts';

export type Signal = 'metrics' | 'logs' | 'traces';

/** What an `Export…PartialSuccess` calls the number of what it turned away. */
const REJECTED_FIELD = {
  metrics: 'rejectedDataPoints',
  logs: 'rejectedLogRecords',
  traces: 'rejectedSpans',
} as const satisfies Record<Signal, string>;

/** An `Export…ServiceResponse` as protobuf; the same fields for all signals. Empty where nothing was turned away. */
export function protobufResponse(rejections: Rejections): Uint8Array {
  const writer = new BinaryWriter();
  if (rejections.count > 0) {
    writer.tag(1, 2).fork();
    writer.tag(1, 0).int64(rejections.count);
    writer.tag(2, 2).string(rejections.message());
    writer.join();
  }
  return writer.finish();
}

/** The same as OTLP/JSON, where a 64-bit integer is a string. */
export function jsonResponse(signal: Signal, rejections: Rejections): string {
  if (rejections.count === 0) return '{}';
  return JSON.stringify({
    partialSuccess: { [REJECTED_FIELD[signal]]: String(rejections.count), errorMessage: rejections.message() },
  });
}
