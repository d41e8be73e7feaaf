import { type Attributes, type Context, type Logger, logs, SeverityNumber } from '@opentelemetry/api';
import {
  ATTR,
  EVENTS,
  type EventKey,
  type EventSeverity,
  LIMITED_EVENTS,
  SCHEMA_URL,
  SCOPE_NAME,
} from '@switchgear/conventions';
import { version } from '../version.ts';
import type { BreakerReadings } from './observer.ts';
import { RateLimit } from './rate-limit.ts';

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

/** The log events of all breakers. Failures and rejections have a rate limit per breaker; what it held back is counted. */
export class BreakerEvents {
  readonly #logger: Logger = logs.getLogger(SCOPE_NAME, version, { schemaUrl: SCHEMA_URL });
  readonly #limits = new WeakMap<BreakerReadings, Map<EventKey, RateLimit>>();

  emit(breaker: BreakerReadings, key: EventKey, { at, context, body, attributes, exception }: EventDetails): void {
    const { name: eventName, severity } = EVENTS[key];
    const severityNumber = SEVERITY[severity];
    if (!this.#logger.enabled({ context, severityNumber, eventName })) return;
    if (isLimited(key) && !this.#limit(breaker, key, at).allows(at)) return;
    this.#logger.emit({
      eventName,
      timestamp: at,
      severityNumber,
      severityText: severity,
      body,
      attributes: { [ATTR.name]: breaker.name, ...attributes },
      context,
      ...(exception !== undefined && { exception }),
    });
  }

  suppressed(breaker: BreakerReadings, key: EventKey): number {
    return this.#limits.get(breaker)?.get(key)?.suppressed ?? 0;
  }

  #limit(breaker: BreakerReadings, key: EventKey, at: number): RateLimit {
    const limits = this.#limits.get(breaker) ?? new Map<EventKey, RateLimit>();
    const limit = limits.get(key) ?? new RateLimit(at);
    limits.set(key, limit);
    this.#limits.set(breaker, limits);
    return limit;
  }
}

function isLimited(key: EventKey): boolean {
  return (LIMITED_EVENTS as readonly EventKey[]).includes(key);
}
