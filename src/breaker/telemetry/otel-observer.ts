import { context, ROOT_CONTEXT } from '@opentelemetry/api';
import { ATTR, type EventKey, OVERRIDE_MODES } from '@switchgear/conventions';
import { errorType } from './error-type.ts';
import { BreakerEvents } from './events.ts';
import { BreakerMetrics } from './metrics.ts';
import type { BreakerObserver, BreakerReadings, FailedCall, TransitionRecord } from './observer.ts';
import { BreakerSpans } from './spans.ts';

let shared: BreakerObserver | undefined;

/**
 * The observer that reports through `@opentelemetry/api`: one for all breakers of the process, made when first asked for. A
 * provider of one signal that throws costs the others nothing.
 */
export function otelObserver(): BreakerObserver {
  shared ??= createOtelObserver();
  return shared;
}

function createOtelObserver(): BreakerObserver {
  const events = new BreakerEvents();
  const spans = new BreakerSpans();
  const metrics = new BreakerMetrics();
  return {
    added: (breaker) => metrics.add(breaker),
    removed: (breaker) => metrics.remove(breaker),
    hearsTimed: (breaker) => breaker.callSpans === 'all' || metrics.recordsDurations,
    timed(breaker, outcome, durationMs, stateAtStart) {
      try {
        metrics.recordDuration(breaker, outcome, durationMs);
      } finally {
        if (outcome === 'success' && breaker.callSpans === 'all') spans.goodCall(breaker, durationMs, stateAtStart);
      }
    },
    failed(breaker, call) {
      try {
        spans.failedCall(breaker, call);
      } finally {
        emitFailure(events, breaker, call);
      }
    },
    rejected(breaker) {
      // An open breaker must be cheap, and hardly anybody listens to events of severity DEBUG.
      if (!events.isHeard('callRejected', context.active())) return;
      events.emit(breaker, 'callRejected', {
        at: breaker.wallMs(),
        context: context.active(),
        body: `Breaker "${breaker.name}" rejected a call and no neutral wire took it`,
        attributes: { [ATTR.state]: breaker.state },
      });
    },
    transitioned(breaker, transition) {
      // Only breakers of other libraries go there from a mode: they stay open as they are let go of, which is no trip.
      if (transition.to === 'open' && OVERRIDE_MODES.some((mode) => mode === transition.from)) return;
      try {
        emitTransition(events, breaker, transition);
      } finally {
        if (transition.to === 'open') spans.trip(breaker, transition);
        if (transition.to === 'closed') spans.reset(breaker, transition);
      }
    },
    overridden(breaker, { mode, actor, reason, expiresAt, revision }) {
      events.emit(breaker, 'override', {
        at: breaker.wallMs(),
        context: ROOT_CONTEXT,
        body: `${actor} holds breaker "${breaker.name}" in ${mode} until ${expiresAt}: ${reason}`,
        attributes: {
          [ATTR.mode]: mode,
          [ATTR.actor]: actor,
          [ATTR.overrideReason]: reason,
          [ATTR.expiry]: expiresAt,
          ...(revision !== undefined && { [ATTR.revision]: revision }),
        },
      });
    },
    diverted: (breaker, call) => spans.diverted(breaker, call),
    replayed(breaker, call) {
      try {
        spans.replayed(breaker, call, breaker.wallMs());
      } finally {
        if (call.waitedMs !== undefined) metrics.recordWait(breaker, call.wire, call.waitedMs);
      }
    },
    dropped(breaker, { wire, reason, depth }) {
      events.emit(breaker, 'wireOverflow', {
        at: breaker.wallMs(),
        context: context.active(),
        body: `Neutral wire "${wire}" of breaker "${breaker.name}" gave up a call: ${reason}`,
        attributes: { [ATTR.wireName]: wire, [ATTR.dropReason]: reason, [ATTR.wireDepth]: depth },
      });
    },
    drained(breaker, { wire, replayed, dead, durationMs }) {
      events.emit(breaker, 'wireDrained', {
        at: breaker.wallMs(),
        context: ROOT_CONTEXT,
        body: `Neutral wire "${wire}" of breaker "${breaker.name}" is empty again: ${replayed} replayed, ${dead} dead`,
        attributes: {
          [ATTR.wireName]: wire,
          [ATTR.replayedCalls]: replayed,
          [ATTR.deadCalls]: dead,
          [ATTR.drainDurationSeconds]: durationMs / 1_000,
        },
      });
    },
  };
}

function emitFailure(
  events: BreakerEvents,
  breaker: BreakerReadings,
  { outcome, error, stateAtStart, endedAt }: FailedCall,
): void {
  events.emit(breaker, 'callException', {
    at: endedAt,
    context: context.active(),
    body: `A call through breaker "${breaker.name}" ended in ${outcome}`,
    attributes: { [ATTR.outcome]: outcome, [ATTR.state]: stateAtStart, [ATTR.errorType]: errorType(error) },
    exception: error,
  });
}

function emitTransition(events: BreakerEvents, breaker: BreakerReadings, transition: TransitionRecord): void {
  const { from, to, reason, at, window, openMs, note } = transition;
  const why = note ? `${reason}: ${note}` : reason;
  const emit = (key: EventKey, body: string, attributes: Record<string, string | number>) =>
    events.emit(breaker, key, {
      at,
      context: ROOT_CONTEXT,
      body,
      attributes: { [ATTR.previousState]: from, ...attributes },
    });
  switch (to) {
    case 'open':
    case 'shadow':
      // Into shadow by an override is told by the override's own event; from shadow to shadow is a trip that was not made.
      if (to === 'shadow' && from !== 'shadow') return;
      emit('trip', `Breaker "${breaker.name}" ${to === 'open' ? 'tripped' : 'would have tripped'} (${why})`, {
        [ATTR.reason]: reason,
        [ATTR.failureRatio]: window.executed === 0 ? 0 : window.failed / window.executed,
        [ATTR.windowCalls]: window.executed,
      });
      return;
    case 'half_open':
      emit('halfOpen', `Breaker "${breaker.name}" lets probes through (${why})`, {});
      return;
    case 'closed':
      emit('reset', `Breaker "${breaker.name}" is closed again (${why})`, {
        [ATTR.reason]: reason,
        [ATTR.openDurationSeconds]: (openMs ?? 0) / 1_000,
      });
      return;
    default:
  }
}
