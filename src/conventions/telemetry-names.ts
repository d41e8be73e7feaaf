import { CALL_OUTCOMES, DRAIN_OUTCOMES, DROP_REASONS, TIMED_OUTCOMES, WIRE_OUTCOMES } from './words.ts';

/** The instrumentation scope of everything the breaker library emits. */
export const SCOPE_NAME = '@switchgear/breaker';
export const SCHEMA_URL = 'https://switchgear.dev/schemas/0.1.0';

/** OpenTelemetry has no convention for circuit breakers yet, so the prefix stands in this one place. */
const PREFIX = 'breaker';
const WIRE = `${PREFIX}.neutral_wire` as const;

/** Attribute keys, on metrics, spans and events alike. */
export const ATTR = {
  name: `${PREFIX}.name`,
  state: `${PREFIX}.state`,
  previousState: `${PREFIX}.previous_state`,
  outcome: `${PREFIX}.call.outcome`,
  reason: `${PREFIX}.transition.reason`,
  tripped: `${PREFIX}.tripped`,
  failureRatio: `${PREFIX}.failure.ratio`,
  windowCalls: `${PREFIX}.window.calls`,
  cooldownSeconds: `${PREFIX}.cooldown`,
  openDurationSeconds: `${PREFIX}.open.duration`,
  divertedCalls: `${PREFIX}.open.diverted_calls`,
  rejectedCalls: `${PREFIX}.open.rejected_calls`,
  event: `${PREFIX}.event`,
  wireName: `${WIRE}.name`,
  wireOutcome: `${WIRE}.outcome`,
  dropReason: `${PREFIX}.drop.reason`,
  wireDepth: `${WIRE}.depth`,
  replayedCalls: `${WIRE}.replayed`,
  deadCalls: `${WIRE}.dead`,
  drainDurationSeconds: `${WIRE}.drain.duration`,
  mode: `${PREFIX}.override.mode`,
  actor: `${PREFIX}.override.actor`,
  overrideReason: `${PREFIX}.override.reason`,
  expiry: `${PREFIX}.override.expires_at`,
  revision: `${PREFIX}.desired_state.revision`,
  errorType: 'error.type',
} as const;

export type Instrument = 'counter' | 'upDownCounter' | 'gauge' | 'histogram';

/** One metric, as the breaker emits it and as Prometheus names it. */
export interface MetricSpec {
  readonly name: string;
  /** All but the histograms are observable: read from the breaker's own counters at collection. */
  readonly instrument: Instrument;
  /** A UCUM unit. */
  readonly unit: string;
  readonly description: string;
  /** Attributes beside `breaker.name`. */
  readonly attributes: readonly string[];
  /** The closed set of values of an attribute, where it has one. */
  readonly values?: Readonly<Record<string, readonly string[]>>;
  /** Of a histogram: the upper bounds of its buckets, in its unit. */
  readonly bounds?: readonly number[];
  /** The name the collector and Prometheus' OTLP receiver give it. */
  readonly prometheus: string;
}

export const METRICS = {
  calls: {
    name: `${PREFIX}.calls`,
    instrument: 'counter',
    unit: '{call}',
    description: 'Calls that came to the breaker, by how they ended.',
    attributes: [ATTR.outcome],
    values: { [ATTR.outcome]: CALL_OUTCOMES },
    prometheus: 'breaker_calls_total',
  },
  slowCalls: {
    name: `${PREFIX}.slow_calls`,
    instrument: 'counter',
    unit: '{call}',
    description: 'Executed calls that took longer than the slow threshold.',
    attributes: [],
    prometheus: 'breaker_slow_calls_total',
  },
  callDuration: {
    name: `${PREFIX}.call.duration`,
    instrument: 'histogram',
    unit: 's',
    description: 'How long executed calls took.',
    attributes: [ATTR.outcome],
    values: { [ATTR.outcome]: TIMED_OUTCOMES },
    /** Those of OpenTelemetry's `http.client.request.duration`. */
    bounds: [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10],
    prometheus: 'breaker_call_duration_seconds',
  },
  activeCalls: {
    name: `${PREFIX}.active_calls`,
    instrument: 'upDownCounter',
    unit: '{call}',
    description: 'Calls in flight.',
    attributes: [],
    prometheus: 'breaker_active_calls',
  },
  status: {
    name: `${PREFIX}.status`,
    instrument: 'upDownCounter',
    unit: '1',
    description: 'One series per state: 1 for the state the breaker is in, 0 for the others.',
    attributes: [ATTR.state],
    prometheus: 'breaker_status',
  },
  transitions: {
    name: `${PREFIX}.transitions`,
    instrument: 'counter',
    unit: '{transition}',
    description: 'Changes of state, by the state entered and the reason.',
    attributes: [ATTR.state, ATTR.reason],
    prometheus: 'breaker_transitions_total',
  },
  failureRatio: {
    name: `${PREFIX}.failure.ratio`,
    instrument: 'gauge',
    unit: '1',
    description: 'Failures and timeouts as a share of the executed calls in the window.',
    attributes: [],
    prometheus: 'breaker_failure_ratio',
  },
  thresholdRatio: {
    name: `${PREFIX}.threshold.ratio`,
    instrument: 'gauge',
    unit: '1',
    description: 'The failure ratio that trips the breaker.',
    attributes: [],
    prometheus: 'breaker_threshold_ratio',
  },
  eventsSuppressed: {
    name: `${PREFIX}.events.suppressed`,
    instrument: 'counter',
    unit: '{event}',
    description: 'Events held back by the rate limit.',
    attributes: [ATTR.event],
    prometheus: 'breaker_events_suppressed_total',
  },
  wireCalls: {
    name: `${WIRE}.calls`,
    instrument: 'counter',
    unit: '{call}',
    description: 'Calls handed to a neutral wire, by what it did with them.',
    attributes: [ATTR.wireName, ATTR.wireOutcome],
    values: { [ATTR.wireOutcome]: WIRE_OUTCOMES },
    prometheus: 'breaker_neutral_wire_calls_total',
  },
  wireDepth: {
    name: `${WIRE}.depth`,
    instrument: 'upDownCounter',
    unit: '{call}',
    description: 'Calls a buffer wire holds.',
    attributes: [ATTR.wireName],
    prometheus: 'breaker_neutral_wire_depth',
  },
  wireCapacity: {
    name: `${WIRE}.capacity`,
    instrument: 'upDownCounter',
    unit: '{call}',
    description: 'Calls a buffer wire can hold.',
    attributes: [ATTR.wireName],
    prometheus: 'breaker_neutral_wire_capacity',
  },
  wireSize: {
    name: `${WIRE}.size`,
    instrument: 'upDownCounter',
    unit: 'By',
    description: 'Bytes a buffer wire holds.',
    attributes: [ATTR.wireName],
    prometheus: 'breaker_neutral_wire_size_bytes',
  },
  wireOldestAge: {
    name: `${WIRE}.oldest_age`,
    instrument: 'gauge',
    unit: 's',
    description: 'Age of the oldest call a buffer wire holds; 0 when it is empty.',
    attributes: [ATTR.wireName],
    prometheus: 'breaker_neutral_wire_oldest_age_seconds',
  },
  wireDrained: {
    name: `${WIRE}.drained`,
    instrument: 'counter',
    unit: '{call}',
    description: 'Replays out of a buffer wire, by how they ended.',
    attributes: [ATTR.wireName, ATTR.wireOutcome],
    values: { [ATTR.wireOutcome]: DRAIN_OUTCOMES },
    prometheus: 'breaker_neutral_wire_drained_total',
  },
  wireDropped: {
    name: `${WIRE}.dropped`,
    instrument: 'counter',
    unit: '{call}',
    description: 'Calls a neutral wire gave up, by reason.',
    attributes: [ATTR.wireName, ATTR.dropReason],
    values: { [ATTR.dropReason]: DROP_REASONS },
    prometheus: 'breaker_neutral_wire_dropped_total',
  },
  wireWait: {
    name: `${WIRE}.wait`,
    instrument: 'histogram',
    unit: 's',
    description: 'How long a call waited in a buffer wire, from diversion to replay.',
    attributes: [ATTR.wireName],
    /** From one replay's pace to an hour. */
    bounds: [0.1, 0.5, 1, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600],
    prometheus: 'breaker_neutral_wire_wait_seconds',
  },
} as const satisfies Record<string, MetricSpec>;

export type MetricKey = keyof typeof METRICS;

/** Span names; the breaker's or wire's own name follows after a space. */
export const SPANS = {
  call: `${PREFIX}.call`,
  trip: `${PREFIX}.trip`,
  reset: `${PREFIX}.reset`,
  neutralWire: `${PREFIX}.neutral_wire`,
} as const;

export type EventSeverity = 'DEBUG' | 'INFO' | 'WARN' | 'ERROR';

/** One log event: its `eventName` and the severity it is logged with. */
export interface EventSpec {
  readonly name: string;
  readonly severity: EventSeverity;
}

export const EVENTS = {
  callException: { name: `${PREFIX}.call.exception`, severity: 'WARN' },
  callRejected: { name: `${PREFIX}.call.rejected`, severity: 'DEBUG' },
  trip: { name: `${PREFIX}.trip`, severity: 'WARN' },
  halfOpen: { name: `${PREFIX}.half_open`, severity: 'INFO' },
  reset: { name: `${PREFIX}.reset`, severity: 'INFO' },
  override: { name: `${PREFIX}.override`, severity: 'WARN' },
  wireOverflow: { name: `${WIRE}.overflow`, severity: 'ERROR' },
  wireDrained: { name: `${WIRE}.drained`, severity: 'INFO' },
} as const satisfies Record<string, EventSpec>;

export type EventKey = keyof typeof EVENTS;

/** The events whose rate is limited per breaker, and which are therefore counted when held back. */
export const LIMITED_EVENTS = ['callException', 'callRejected', 'wireOverflow'] as const satisfies readonly EventKey[];
