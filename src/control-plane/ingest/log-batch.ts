import { ATTR, breakerName, EVENTS, type EventKey } from '@switchgear/conventions';
import type { AgentIdentity, Observation } from './observation.ts';
import { Rejections } from './rejections.ts';
import type { AttributeReceiver, AttributeValue, ResourceIdentity } from './resource-identity.ts';

/** Attributes kept of one event; further ones are left out. */
const MAX_ATTRIBUTES = 64;
/** Longest attribute key, in characters; an attribute with a longer one is left out. */
const MAX_KEY_LENGTH = 255;
/** Longest text kept of an attribute, in characters. */
const MAX_VALUE_LENGTH = 4_096;
/** Characters kept of a stack trace: its first frames tell where it failed. The log store that gets all logs has the rest. */
const MAX_STACK_LENGTH = 1_000;
/**
 * Characters of all keys and texts of one event together; an attribute that does not fit any more is left out.
 *
 * The sum: the store keeps 100,000 events by default. On disk, measured, they take 44 MB without stack traces, 147 MB
 * with one each; full to this bound with plain text, some 0.9 GB. A page of 1,000 events is at most some 8 MB in memory.
 */
const MAX_EVENT_LENGTH = 8_192;

/** Makes observations out of the log records of one request that are events of a breaker; both encodings feed it. */
export class LogBatch implements AttributeReceiver {
  readonly observations: Observation[] = [];
  readonly rejections = new Rejections();
  readonly #now: number;
  #agent: AgentIdentity | string = 'a resource is missing';
  #event: EventKey = 'trip';
  #breaker: AttributeValue;
  #attributes = new Map<string, string | number | boolean>();
  #length = 0;

  /** @param now what stands in for the time of a record that has none, in milliseconds since the epoch. */
  constructor(now: number) {
    this.#now = now;
  }

  /** What follows was sent by this process. */
  resource(identity: ResourceIdentity): void {
    this.#agent = identity.agent();
  }

  /** What follows is a record of this event. False: nobody reads it, skip it. */
  startRecord(eventName: string): boolean {
    const event = READ_EVENTS.get(eventName);
    if (!event) return false;
    this.#event = event;
    this.#breaker = undefined;
    this.#attributes = new Map();
    this.#length = 0;
    return true;
  }

  attribute(key: string, value: AttributeValue): void {
    if (key === ATTR.name) this.#breaker = value;
    else if (value !== undefined && key.length > 0 && key.length <= MAX_KEY_LENGTH) {
      if (this.#attributes.size >= MAX_ATTRIBUTES && !this.#attributes.has(key)) return;
      if (typeof value === 'number' && !Number.isFinite(value)) return;
      const kept = typeof value === 'string' ? cut(value, key === STACK ? MAX_STACK_LENGTH : MAX_VALUE_LENGTH) : value;
      const length = key.length + String(kept).length;
      if (this.#length + length > MAX_EVENT_LENGTH) return;
      this.#length += length;
      this.#attributes.set(key, kept);
    }
  }

  /**
   * @param at when it happened, in milliseconds since the epoch; 0 where the record does not say
   * @param observedAt when the pipeline first saw it, the same way
   * @param traceId hex; what is not a valid id is left out, as logs.proto asks for
   */
  endRecord(at: number, observedAt: number, traceId: string, spanId: string): void {
    const agent = this.#agent;
    const breaker = this.#breaker;
    if (typeof agent === 'string') {
      this.rejections.add(agent);
      return;
    }
    if (typeof breaker !== 'string' || breakerName(breaker, ATTR.name).length > 0) {
      this.rejections.add(`${EVENTS[this.#event].name} must have a ${ATTR.name} of 1 to 120 printable characters`);
      return;
    }
    this.observations.push({
      kind: 'event',
      agent,
      breaker,
      event: this.#event,
      attributes: Object.fromEntries(this.#attributes),
      at: at || observedAt || this.#now,
      ...(isTraceId(traceId) && { traceId: traceId.toLowerCase() }),
      ...(isSpanId(spanId) && { spanId: spanId.toLowerCase() }),
    });
  }
}

export function isTraceId(hex: string): boolean {
  return /^[0-9a-f]{32}$/i.test(hex) && !/^0+$/.test(hex);
}

export function isSpanId(hex: string): boolean {
  return /^[0-9a-f]{16}$/i.test(hex) && !/^0+$/.test(hex);
}

function cut(value: string, maxLength: number): string {
  return value.length > maxLength ? `${value.slice(0, maxLength - 1)}…` : value;
}

const STACK = 'exception.stacktrace';

const READ_EVENTS: ReadonlyMap<string, EventKey> = new Map(
  Object.entries(EVENTS).map(([key, spec]) => [spec.name, key as EventKey]),
);
