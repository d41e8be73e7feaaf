import { ATTR, EVENTS, type EventKey, LIMITED_EVENTS, type SPANS } from './telemetry-names.ts';
import {
  BREAKER_STATES,
  CALL_OUTCOMES,
  DRAIN_OUTCOMES,
  DROP_REASONS,
  OVERRIDE_MODES,
  TIMED_OUTCOMES,
  TRANSITION_REASONS,
  WIRE_OUTCOMES,
} from './words.ts';

/** Attributes that have a closed set of values, on metrics, spans and events alike; a metric's own `values` may be fewer. */
export const ATTRIBUTE_VALUES: Readonly<Record<string, readonly string[]>> = {
  [ATTR.state]: BREAKER_STATES,
  [ATTR.previousState]: BREAKER_STATES,
  [ATTR.outcome]: CALL_OUTCOMES,
  [ATTR.reason]: TRANSITION_REASONS,
  [ATTR.event]: LIMITED_EVENTS.map((key) => EVENTS[key].name),
  [ATTR.wireOutcome]: [...WIRE_OUTCOMES, ...DRAIN_OUTCOMES],
  [ATTR.dropReason]: DROP_REASONS,
  [ATTR.mode]: OVERRIDE_MODES,
};

export type SpanKey = keyof typeof SPANS;

/** Of which spans something holds: of all, of none, or of those with one of these values of an attribute. */
export type OfSpans = 'all' | 'none' | { readonly attribute: string; readonly values: readonly string[] };

/** One kind of span. All are of kind INTERNAL, and none has span events. */
export interface SpanShape {
  readonly attributes: readonly string[];
  /** There where there is something to say. */
  readonly optional: readonly string[];
  /** Which have the status ERROR; it is unset on the others. */
  readonly error: OfSpans;
  /** Which begin a trace of their own; the others are children of the span that is active where they end. */
  readonly root: OfSpans;
  /** What kind of span their links lead to; absent: they have none. */
  readonly linksTo?: SpanKey;
}

const FAILED_CALLS = { attribute: ATTR.outcome, values: TIMED_OUTCOMES.filter((outcome) => outcome !== 'success') };

export const SPAN_SHAPES = {
  call: {
    attributes: [ATTR.name, ATTR.state, ATTR.outcome, ATTR.tripped],
    optional: [ATTR.errorType],
    error: FAILED_CALLS,
    root: 'none',
  },
  trip: {
    attributes: [ATTR.name, ATTR.reason, ATTR.failureRatio, ATTR.windowCalls, ATTR.cooldownSeconds, ATTR.tripped],
    optional: [],
    error: 'all',
    root: 'all',
    linksTo: 'call',
  },
  reset: {
    attributes: [ATTR.name, ATTR.reason, ATTR.openDurationSeconds, ATTR.divertedCalls, ATTR.rejectedCalls],
    optional: [],
    error: 'none',
    root: 'all',
    linksTo: 'trip',
  },
  neutralWire: {
    attributes: [ATTR.name, ATTR.wireName, ATTR.wireOutcome],
    optional: [ATTR.errorType],
    error: { attribute: ATTR.wireOutcome, values: ['failed', 'retried', 'dead'] },
    root: { attribute: ATTR.wireOutcome, values: DRAIN_OUTCOMES },
    linksTo: 'neutralWire',
  },
} as const satisfies Record<SpanKey, SpanShape>;

/** The attributes of one kind of event. */
export interface EventShape {
  readonly attributes: readonly string[];
  /** There where there is something to say. */
  readonly optional: readonly string[];
  /** It carries the error itself, which the SDK makes `exception.type`, `exception.message` and `exception.stacktrace` of. */
  readonly exception: boolean;
}

const NOTHING_MORE = { optional: [], exception: false } as const;

export const EVENT_SHAPES = {
  callException: {
    attributes: [ATTR.name, ATTR.outcome, ATTR.state, ATTR.errorType],
    optional: [],
    exception: true,
  },
  callRejected: { attributes: [ATTR.name, ATTR.state], ...NOTHING_MORE },
  trip: {
    attributes: [ATTR.name, ATTR.previousState, ATTR.reason, ATTR.failureRatio, ATTR.windowCalls],
    ...NOTHING_MORE,
  },
  halfOpen: { attributes: [ATTR.name, ATTR.previousState], ...NOTHING_MORE },
  reset: { attributes: [ATTR.name, ATTR.previousState, ATTR.reason, ATTR.openDurationSeconds], ...NOTHING_MORE },
  override: {
    attributes: [ATTR.name, ATTR.mode, ATTR.actor, ATTR.overrideReason, ATTR.expiry],
    optional: [ATTR.revision],
    exception: false,
  },
  wireOverflow: { attributes: [ATTR.name, ATTR.wireName, ATTR.dropReason, ATTR.wireDepth], ...NOTHING_MORE },
  wireDrained: {
    attributes: [ATTR.name, ATTR.wireName, ATTR.replayedCalls, ATTR.deadCalls, ATTR.drainDurationSeconds],
    ...NOTHING_MORE,
  },
} as const satisfies Record<EventKey, EventShape>;
