import { isSpanId, isTraceId } from './log-batch.ts';
import { Rejections } from './rejections.ts';

/** Counts the spans of one request. The control plane keeps no spans: it takes them so that one endpoint serves all signals. */
export class TraceBatch {
  readonly rejections = new Rejections();
  spans = 0;

  /** @param traceId hex */
  span(traceId: string, spanId: string, name: string): void {
    if (!isTraceId(traceId)) this.rejections.add('a span must have a traceId of 16 bytes that are not all zero');
    else if (!isSpanId(spanId)) this.rejections.add('a span must have a spanId of 8 bytes that are not all zero');
    else if (name === '') this.rejections.add('a span must have a name');
    else this.spans += 1;
  }
}
