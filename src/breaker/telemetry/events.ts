import {
  type Attributes,
  type Context,
  type Logger,
  type LoggerProvider,
  logs,
  SeverityNumber,
} from '@opentelemetry/api';
import { ATTR, EVENTS, type EventKey, type EventSeverity, SCHEMA_URL, SCOPE_NAME } from '@switchgear/conventions';
import { version } from '../version.ts';
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
  #provider: LoggerProvider | undefined;
  #logger: Logger | undefined;

  emit(breaker: BreakerReadings, key: EventKey, { at, context, body, attributes, exception }: EventDetails): void {
    if (!this.isHeard(key, context)) return;
    const { name: eventName, severity } = EVENTS[key];
    if (!mayEmit(breaker, key, at)) return;
    this.#currentLogger().emit({
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
    return this.#currentLogger().enabled({ context, severityNumber: SEVERITY[severity], eventName });
  }

  /** Of the provider that is registered now: a service may start its SDK late, or put another in the place of the first. */
  #currentLogger(): Logger {
    const provider = logs.getLoggerProvider();
    if (this.#logger === undefined || provider !== this.#provider) {
      this.#logger = provider.getLogger(SCOPE_NAME, version, { schemaUrl: SCHEMA_URL });
      this.#provider = provider;
    }
    return this.#logger;
  }
}
