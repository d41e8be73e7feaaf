import {
  type BreakerSettings,
  type BreakerState,
  type CallOutcome,
  DEFAULT_SETTINGS,
  METRICS,
  type TimedOutcome,
  type TransitionReason,
} from '@switchgear/conventions';
import type {
  BreakerReadings,
  CallSpans,
  HistogramReading,
  WireReadings,
} from '../../../src/breaker/telemetry/observer.ts';

/** When the breakers of these tests began to count, and what time it is: wall time, ms. */
export const BEGAN = Date.UTC(2026, 0, 1, 0, 0, 0, 250);
export const NOW = BEGAN + 90_000;

/** The numbers of a breaker, set by hand. */
export class HandmadeReadings implements BreakerReadings {
  readonly name: string;
  state: BreakerState = 'closed';
  settings: BreakerSettings = DEFAULT_SETTINGS;
  callSpans: CallSpans = 'failures';
  wires: readonly HandmadeWire[];
  countsSince = BEGAN;
  slow = 0;
  active = 0;
  executed = 0;
  failed = 0;
  readonly callCounts = new Map<CallOutcome, number>();
  readonly transitionCounts = new Map<string, number>();
  readonly durationSeconds = new Map<TimedOutcome, number[]>();

  constructor(name: string, wires: readonly HandmadeWire[] = []) {
    this.name = name;
    this.wires = wires;
  }

  calls(outcome: CallOutcome): number {
    return this.durationSeconds.get(outcome as TimedOutcome)?.length ?? this.callCounts.get(outcome) ?? 0;
  }

  durations(outcome: TimedOutcome): HistogramReading {
    return reading(this.durationSeconds.get(outcome) ?? [], METRICS.callDuration.bounds);
  }

  wallMs(): number {
    return NOW;
  }

  monotonicMs(): number {
    return NOW - BEGAN;
  }

  slowCalls(): number {
    return this.slow;
  }

  activeCalls(): number {
    return this.active;
  }

  transitions(state: BreakerState, reason: TransitionReason): number {
    return this.transitionCounts.get(`${state} ${reason}`) ?? 0;
  }

  window() {
    return { executed: this.executed, failed: this.failed, slow: this.slow, consecutive: 0 };
  }
}

export class HandmadeWire implements WireReadings {
  readonly name: string;
  readonly kind: string;
  readonly counts = new Map<string, number>();
  waitSeconds: number[] = [];

  constructor(name: string, kind: 'fallback' | 'buffer' = 'buffer') {
    this.name = name;
    this.kind = kind;
  }

  calls(outcome: string): number {
    return this.counts.get(outcome) ?? 0;
  }

  drained(outcome: string): number {
    return this.counts.get(outcome) ?? 0;
  }

  dropped(reason: string): number {
    return this.counts.get(reason) ?? 0;
  }

  waits(): HistogramReading {
    return reading(this.waitSeconds, METRICS.wireWait.bounds);
  }

  load() {
    return this.kind === 'buffer' ? { depth: 2, capacity: 10, sizeBytes: 300, oldestAgeMs: 1_500 } : undefined;
  }
}

/** Bounds are inclusive upper ones, as OpenTelemetry has them. */
function reading(values: readonly number[], bounds: readonly number[]): HistogramReading {
  const counts = Array.from({ length: bounds.length + 1 }, () => 0);
  let sum = 0;
  for (const value of values) {
    const bucket = bounds.findIndex((bound) => value <= bound);
    const index = bucket === -1 ? bounds.length : bucket;
    counts[index] = (counts[index] ?? 0) + 1;
    sum += value;
  }
  return { counts, sum };
}
