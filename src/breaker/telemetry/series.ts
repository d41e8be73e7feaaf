import type { Attributes } from '@opentelemetry/api';
import {
  ATTR,
  BREAKER_STATES,
  CALL_OUTCOMES,
  type CallOutcome,
  DRAIN_OUTCOMES,
  DROP_REASONS,
  EVENTS,
  LIMITED_EVENTS,
  METRICS,
  type MetricKey,
  TIMED_OUTCOMES,
  WIRE_OUTCOMES,
} from '@switchgear/conventions';
import { POSSIBLE_TRANSITIONS } from '../machine/transition.ts';
import { suppressedEvents } from './event-limits.ts';
import { observedBreakers } from './observed-breakers.ts';
import type { BreakerReadings, HistogramReading, WireReadings } from './observer.ts';

export type HistogramKey = Extract<MetricKey, 'callDuration' | 'wireWait'>;
/** The metrics with one number for each series: all but the histograms. */
export type NumberKey = Exclude<MetricKey, HistogramKey>;

/** Takes the series of breakers, one by one. Attributes may be the same object for several of them. */
export interface SeriesSink {
  /** What follows is of this breaker. */
  begin(breaker: BreakerReadings): void;
  number(key: NumberKey, value: number, attributes: Attributes): void;
  histogram(key: HistogramKey, value: HistogramReading, attributes: Attributes): void;
}

/** The bounds of a histogram's buckets in its unit, as OpenTelemetry's types want them. */
export const BUCKET_BOUNDS: Readonly<Record<HistogramKey, number[]>> = {
  callDuration: [...METRICS.callDuration.bounds],
  wireWait: [...METRICS.wireWait.bounds],
};

// The attributes of a series without its breaker's name, which stands first. Copied for each, which takes half the time of
// making them anew, and a collection may have half a million.
const [NAME, WIRE] = [ATTR.name, ATTR.wireName];
const TIMED = TIMED_OUTCOMES.map((outcome) => ({ outcome, attributes: { [NAME]: '', [ATTR.outcome]: outcome } }));
const UNTIMED = CALL_OUTCOMES.filter((outcome) => !(TIMED_OUTCOMES as readonly CallOutcome[]).includes(outcome)).map(
  (outcome) => ({ outcome, attributes: { [NAME]: '', [ATTR.outcome]: outcome } }),
);
const STATUS = BREAKER_STATES.map((state) => ({ state, attributes: { [NAME]: '', [ATTR.state]: state } }));
const TRANSITIONS = POSSIBLE_TRANSITIONS.map(([state, reason]) => ({
  state,
  reason,
  attributes: { [NAME]: '', [ATTR.state]: state, [ATTR.reason]: reason },
}));
const SUPPRESSED = LIMITED_EVENTS.map((event) => ({
  event,
  attributes: { [NAME]: '', [ATTR.event]: EVENTS[event].name },
}));

/** How many values a histogram holds. */
export function countOf({ counts }: HistogramReading): number {
  let count = 0;
  for (const bucket of counts) count += bucket;
  return count;
}

/**
 * Reads every series of every breaker of the process that reports through OpenTelemetry.
 * @returns what breakers and wires threw: it costs them their series, and nobody else
 */
export function readSeries(to: SeriesSink): unknown[] {
  const errors: unknown[] = [];
  for (const observed of observedBreakers) {
    const breaker = observed.atOnce?.() ?? observed;
    try {
      to.begin(breaker);
      readBreaker(breaker, to);
    } catch (error) {
      errors.push(error);
    }
    for (const wire of breaker.wires) {
      try {
        readWire(breaker, wire, to);
      } catch (error) {
        errors.push(error);
      }
    }
  }
  return errors;
}

function readBreaker(breaker: BreakerReadings, to: SeriesSink): void {
  const { name } = breaker;
  const named = { [NAME]: name };
  for (const { outcome, attributes } of TIMED) {
    const durations = breaker.durations(outcome);
    const timed = { ...attributes, [NAME]: name };
    // Out of one look, so that a collection never has a call without its duration.
    to.number('calls', countOf(durations), timed);
    to.histogram('callDuration', durations, timed);
  }
  for (const { outcome, attributes } of UNTIMED) {
    to.number('calls', breaker.calls(outcome), { ...attributes, [NAME]: name });
  }
  to.number('slowCalls', breaker.slowCalls(), named);
  to.number('activeCalls', breaker.activeCalls(), named);
  // Time passing can change the state, and then it is a transition too: so it is read first.
  const current = breaker.states?.() ?? { [breaker.state]: 1 };
  for (const { state, attributes } of STATUS) {
    to.number('status', current[state] ?? 0, { ...attributes, [NAME]: name });
  }
  for (const { state, reason, attributes } of TRANSITIONS) {
    to.number('transitions', breaker.transitions(state, reason), { ...attributes, [NAME]: name });
  }
  const { executed, failed } = breaker.window();
  to.number('failureRatio', executed === 0 ? 0 : failed / executed, named);
  const threshold = breaker.settings.trip.failureRatio;
  if (threshold !== null) to.number('thresholdRatio', threshold, named);
  for (const { event, attributes } of SUPPRESSED) {
    to.number('eventsSuppressed', suppressedEvents(breaker, event), { ...attributes, [NAME]: name });
  }
}

function readWire(breaker: BreakerReadings, wire: WireReadings, to: SeriesSink): void {
  const named = { [NAME]: breaker.name, [WIRE]: wire.name };
  // First, because a look at the load gives up what has expired, and that is among the dropped.
  const load = wire.load();
  for (const outcome of WIRE_OUTCOMES) {
    to.number('wireCalls', wire.calls(outcome), { ...named, [ATTR.wireOutcome]: outcome });
  }
  for (const outcome of DRAIN_OUTCOMES) {
    to.number('wireDrained', wire.drained(outcome), { ...named, [ATTR.wireOutcome]: outcome });
  }
  for (const reason of DROP_REASONS) {
    to.number('wireDropped', wire.dropped(reason), { ...named, [ATTR.dropReason]: reason });
  }
  const waits = wire.waits();
  // On a wire that holds nothing no call ever waits.
  if (load || countOf(waits) > 0) to.histogram('wireWait', waits, named);
  if (!load) return;
  to.number('wireDepth', load.depth, named);
  to.number('wireCapacity', load.capacity, named);
  to.number('wireSize', load.sizeBytes, named);
  to.number('wireOldestAge', load.oldestAgeMs / 1_000, named);
}
