import { type Attributes, type Context, logs, SeverityNumber } from '@opentelemetry/api';
import { ATTR, EVENTS, type EventKey, type EventSeverity, SCHEMA_URL, SCOPE_NAME } from '@switchgear/conventions';
import { version } from '../version.ts';
import { byCurrentProvider } from './by-current-provider.ts';
import { mayEmit } from './event-limits.ts';
import type { BreakerReadings } from './observer.ts';

const SEVERITY: Record<EventSeverity, SeverityNumber> = {
  DEBUG: SeverityNumber.DEBUG,
  INFO: SeverityNumber.INFO,
  WARN: SeverityNumber.WARN,
  ERROR: SeverityNumber.ERROR,
};

export interface EventDetails {
  /** Wall time, ms. */
  readonly at: number;
  readonly context: Context;
  /** One sentence for a person. */
  readonly body: string;
  readonly attributes: Attributes;
  /** Passed on as the object. */
  readonly exception?: unknown;
}

/** The log events of all breakers. The frequent ones have a rate limit per breaker; what it held back is counted. */
export class BreakerEvents {
  readonly #logger = byCurrentProvider(
    () => logs.getLoggerProvider(),
    (provider) => provider.getLogger(SCOPE_NAME, version, { schemaUrl: SCHEMA_URL }),
  );

  emit(breaker: BreakerReadings, key: EventKey, { at, context, body, attributes, exception }: EventDetails): void {
    if (!this.isHeard(key, context)) return;
    const { name: eventName, severity } = EVENTS[key];
    if (!mayEmit(breaker, key, at)) return;
    this.#logger().emit({
      eventName,
      timestamp: at,
      severityNumber: SEVERITY[severity],
      severityText: severity,
      body,
      attributes: { [ATTR.name]: breaker.name, ...attributes },
      context,
      ...(exception !== undefined && { exception }),
    });
  }

  /** Whether anybody listens to such an event. */
  isHeard(key: EventKey, context: Context): boolean {
    const { name: eventName, severity } = EVENTS[key];
    return this.#logger().enabled({ context, severityNumber: SEVERITY[severity], eventName });
  }
}
