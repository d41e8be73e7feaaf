import {
  type Attributes,
  context,
  isSpanContextValid,
  type Link,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { ATTR, type BreakerSettings, type BreakerState, SCHEMA_URL, SCOPE_NAME, SPANS } from '@switchgear/conventions';
import { version } from '../version.ts';
import { byCurrentProvider } from './by-current-provider.ts';
import { errorType } from './error-type.ts';
import type { BreakerReadings, FailedCall, ReplayedCall, TransitionRecord, WireCall } from './observer.ts';
import { RateLimit } from './rate-limit.ts';
import { originIn } from './receipt-origin.ts';

/** Most failing calls a trip links to: the latest ones, as many links as an SDK keeps by default. About 100 bytes each. */
const MOST_LINKS = 128;
/** Most diverted calls whose span context is kept for the link from their replay. About 200 bytes each. */
const MOST_ORIGINS = 10_000;

interface FailureMark {
  readonly startedAt: number;
  readonly endedAt: number;
  readonly span: SpanContext | undefined;
}

interface SpanState {
  failures: FailureMark[];
  trip: { readonly at: number; readonly span: SpanContext } | undefined;
  readonly wireLimit: RateLimit;
  /** By receipt. */
  readonly origins: Map<string, SpanContext>;
}

interface SpanShape {
  readonly name: string;
  readonly start: number;
  readonly end: number;
  readonly attributes: Attributes;
  readonly failed: boolean;
  readonly root: boolean;
  readonly links?: Link[];
}

/** The spans of all breakers, each made after the fact with its true times, so that a good call costs nothing. */
export class BreakerSpans {
  readonly #tracer = byCurrentProvider(
    () => trace.getTracerProvider(),
    (provider) => provider.getTracer(SCOPE_NAME, version, { schemaUrl: SCHEMA_URL }),
  );
  readonly #states = new WeakMap<BreakerReadings, SpanState>();

  /** A call that succeeded, told as it ends: only where all calls have spans. */
  goodCall(breaker: BreakerReadings, durationMs: number, stateAtStart: BreakerState): void {
    const end = breaker.wallMs();
    this.#record({
      name: `${SPANS.call} ${breaker.name}`,
      start: end - durationMs,
      end,
      attributes: {
        [ATTR.name]: breaker.name,
        [ATTR.state]: stateAtStart,
        [ATTR.outcome]: 'success',
        [ATTR.tripped]: false,
      },
      failed: false,
      root: false,
    });
  }

  failedCall(
    breaker: BreakerReadings,
    { outcome, error, stateAtStart, startedAt, endedAt, tripped, counted }: FailedCall,
  ): void {
    const shape: SpanShape = {
      name: `${SPANS.call} ${breaker.name}`,
      start: startedAt,
      end: endedAt,
      attributes: {
        [ATTR.name]: breaker.name,
        [ATTR.state]: stateAtStart,
        [ATTR.outcome]: outcome,
        [ATTR.errorType]: errorType(error),
        [ATTR.tripped]: tripped,
      },
      failed: true,
      root: false,
    };
    let span: SpanContext | undefined;
    try {
      if (breaker.callSpans !== 'off') span = this.#record(shape);
    } finally {
      // What did not count is no cause of the next trip.
      if (counted) this.#keepFailure(breaker, { startedAt, endedAt, span });
    }
  }

  trip(breaker: BreakerReadings, transition: TransitionRecord): void {
    const { at, reason, window, cooldownMs } = transition;
    const state = this.#state(breaker);
    const counted = causesOf(state.failures, transition, breaker.settings);
    const span = this.#record({
      name: `${SPANS.trip} ${breaker.name}`,
      start: counted.reduce((earliest, { startedAt }) => Math.min(earliest, startedAt), at),
      end: at,
      attributes: {
        [ATTR.name]: breaker.name,
        [ATTR.reason]: reason,
        [ATTR.failureRatio]: window.executed === 0 ? 0 : window.failed / window.executed,
        [ATTR.windowCalls]: window.executed,
        [ATTR.cooldownSeconds]: cooldownMs / 1_000,
        [ATTR.tripped]: true,
      },
      failed: true,
      root: true,
      links: counted.flatMap(({ span: failing }) => linkTo(failing)),
    });
    state.failures = [];
    // A failed probe trips again; the outage began with the first trip, and its reset links there.
    state.trip ??= { at, span };
  }

  reset(breaker: BreakerReadings, { at, reason, openMs, meanwhile }: TransitionRecord): void {
    const state = this.#state(breaker);
    const { trip } = state;
    this.#record({
      name: `${SPANS.reset} ${breaker.name}`,
      start: trip?.at ?? at - (openMs ?? 0),
      end: at,
      attributes: {
        [ATTR.name]: breaker.name,
        [ATTR.reason]: reason,
        [ATTR.openDurationSeconds]: (openMs ?? 0) / 1_000,
        [ATTR.divertedCalls]: meanwhile?.diverted ?? 0,
        [ATTR.rejectedCalls]: meanwhile?.rejected ?? 0,
      },
      failed: false,
      root: true,
      links: linkTo(trip?.span),
    });
    state.trip = undefined;
    state.failures = [];
  }

  /** Rate-limited: a long outage diverts every call, and the counters have them all. */
  diverted(breaker: BreakerReadings, { wire, outcome, startedAt, error, receipt }: WireCall): void {
    const state = this.#state(breaker);
    const isAllowed = this.#state(breaker.group ?? breaker).wireLimit.allows(startedAt);
    if (!isAllowed && receipt === undefined) return;
    const end = isAllowed ? breaker.wallMs() : 0;
    const origin = isAllowed
      ? this.#record({
          name: `${SPANS.neutralWire} ${wire}`,
          start: end - (breaker.monotonicMs() - startedAt),
          end,
          attributes: wireAttributes(breaker, wire, outcome, error),
          failed: outcome === 'failed',
          root: false,
        })
      : trace.getSpanContext(context.active());
    if (!receipt || !origin || !isSpanContextValid(origin)) return;
    state.origins.set(receipt, origin);
    if (state.origins.size > MOST_ORIGINS) state.origins.delete(state.origins.keys().next().value as string);
  }

  replayed(breaker: BreakerReadings, { wire, outcome, receipt, durationMs, error }: ReplayedCall, at: number): void {
    const { origins } = this.#state(breaker);
    const origin = origins.get(receipt) ?? originIn(receipt);
    if (outcome !== 'retried') origins.delete(receipt);
    this.#record({
      name: `${SPANS.neutralWire} ${wire}`,
      start: at - durationMs,
      end: at,
      attributes: wireAttributes(breaker, wire, outcome, error),
      failed: outcome !== 'replayed',
      root: true,
      links: linkTo(origin),
    });
  }

  #record({ name, start, end, attributes, failed, root, links }: SpanShape): SpanContext {
    const parent = root ? ROOT_CONTEXT : context.active();
    const span = this.#tracer().startSpan(
      name,
      { kind: SpanKind.INTERNAL, startTime: start, attributes, root, ...(links && { links }) },
      parent,
    );
    if (failed) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end(end);
    return span.spanContext();
  }

  #keepFailure(breaker: BreakerReadings, failure: FailureMark): void {
    const { failures } = this.#state(breaker);
    failures.push(failure);
    if (failures.length > MOST_LINKS) failures.shift();
  }

  #state(breaker: BreakerReadings): SpanState {
    let state = this.#states.get(breaker);
    if (!state) {
      state = { failures: [], trip: undefined, wireLimit: new RateLimit(0), origins: new Map() };
      this.#states.set(breaker, state);
    }
    return state;
  }
}

/** Without an SDK for traces a span has a context that leads nowhere. */
function linkTo(span: SpanContext | undefined): Link[] {
  return span && isSpanContextValid(span) ? [{ context: span }] : [];
}

/** The failures that a trip was judged by, of those since the last trip or reset. */
function causesOf(
  failures: readonly FailureMark[],
  { at, reason, window }: TransitionRecord,
  { trip: { windowMs, windowCalls } }: BreakerSettings,
): readonly FailureMark[] {
  // These have no age: a row of failures, a window of calls, probes.
  if (reason === 'probe_failed') return failures;
  if (reason === 'consecutive') return failures.slice(Math.max(0, failures.length - window.consecutive));
  if (windowCalls !== null) return failures.slice(Math.max(0, failures.length - window.failed));
  return failures.filter(({ endedAt }) => at - endedAt <= windowMs);
}

function wireAttributes(breaker: BreakerReadings, wire: string, outcome: string, error: unknown): Attributes {
  return {
    [ATTR.name]: breaker.name,
    [ATTR.wireName]: wire,
    [ATTR.wireOutcome]: outcome,
    ...(error !== undefined && { [ATTR.errorType]: errorType(error) }),
  };
}
