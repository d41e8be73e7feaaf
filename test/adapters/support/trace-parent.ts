import { type TextMapPropagator, trace } from '@opentelemetry/api';

/** The part of W3C's propagator that is sent. */
export const TRACE_PARENT: TextMapPropagator = {
  inject(active, carrier, { set }) {
    const span = trace.getSpanContext(active);
    if (span) set(carrier, 'traceparent', `00-${span.traceId}-${span.spanId}-01`);
  },
  extract: (active) => active,
  fields: () => ['traceparent'],
};
