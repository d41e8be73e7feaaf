import { context, isSpanContextValid, type SpanContext, trace } from '@opentelemetry/api';

const ORIGIN = /@([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/**
 * A receipt's id with the span that is active, where there is one: some 54 characters more. Another process that replays the
 * call, after a restart or beside this one, knows no more of it than what its spool keeps, and the id is part of that.
 */
export function withOrigin(id: string): string {
  const active = trace.getSpanContext(context.active());
  if (!active || !isSpanContextValid(active)) return id;
  const { traceId, spanId, traceFlags } = active;
  return `${id}@${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
}

/** The span that a receipt's id names; undefined where it names none. */
export function originIn(id: string): SpanContext | undefined {
  const [, traceId, spanId, flags] = ORIGIN.exec(id) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  const origin = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
  return isSpanContextValid(origin) ? origin : undefined;
}
