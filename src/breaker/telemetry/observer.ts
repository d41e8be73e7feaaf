import type {
  BreakerSettings,
  BreakerState,
  CallOutcome,
  DrainOutcome,
  DropReason,
  Override,
  TimedOutcome,
  TransitionReason,
  WireOutcome,
} from '@switchgear/conventions';
import type { WireLoad } from '../neutral/wire.ts';
import type { WindowCounts } from '../window/window-counts.ts';

/** What a histogram of the breaker's own has counted. */
export interface HistogramReading {
  /** Per bucket, one more than there are bounds. */
  readonly counts: readonly number[];
  /** In the metric's unit. */
  readonly sum: number;
}

/** The numbers of one wire, read at collection. */
export interface WireReadings {
  readonly name: string;
  readonly kind: string;
  calls(outcome: WireOutcome): number;
  drained(outcome: DrainOutcome): number;
  dropped(reason: DropReason): number;
  /** Waits from diversion to replay, in seconds, by the bounds of `METRICS.wireWait`. */
  waits(): HistogramReading;
  /** undefined on wires that hold nothing. */
  load(): WireLoad | undefined;
}

/** Which executed calls have a span of their own. */
export const CALL_SPANS = ['failures', 'all', 'off'] as const;
export type CallSpans = (typeof CALL_SPANS)[number];

/** The numbers of one breaker, read at collection. */
export interface BreakerReadings {
  readonly name: string;
  /** Of a group of breakers: the state that most needs somebody's attention. */
  readonly state: BreakerState;
  readonly settings: BreakerSettings;
  readonly callSpans: CallSpans;
  readonly wires: readonly WireReadings[];
  /** When it began to count: wall time, ms. */
  readonly countsSince: number;
  /** Of a breaker that reports as one of a group: the group's readings, which were `added` in its stead. */
  readonly group?: BreakerReadings | undefined;
  calls(outcome: CallOutcome): number;
  /** In seconds, by the bounds of `METRICS.callDuration`. */
  durations(outcome: TimedOutcome): HistogramReading;
  /** Wall time, ms. */
  wallMs(): number;
  monotonicMs(): number;
  slowCalls(): number;
  activeCalls(): number;
  transitions(state: BreakerState, reason: TransitionReason): number;
  window(): WindowCounts;
  /** Of a group: how many of its breakers are in each state. Left out: it is one breaker, in `state`. */
  states?(): Readonly<Partial<Record<BreakerState, number>>>;
  /** Of a group: its numbers of this moment, for a reader of many of them. Each one asked for by itself is a sum of its own. */
  atOnce?(): BreakerReadings;
}

export interface TransitionRecord {
  readonly from: BreakerState;
  readonly to: BreakerState;
  readonly reason: TransitionReason;
  /** Wall time, ms. */
  readonly at: number;
  readonly generation: number;
  /** What an operator said. */
  readonly note: string | undefined;
  /** The window at a trip. */
  readonly window: WindowCounts;
  /** Of a trip: how long it stays open; 0 otherwise. */
  readonly cooldownMs: number;
  /** How long the breaker had been open; present on a reset. */
  readonly openMs: number | undefined;
  /** Calls diverted and rejected while it was open; present on a reset. */
  readonly meanwhile: { readonly diverted: number; readonly rejected: number } | undefined;
}

export interface FailedCall {
  readonly outcome: 'failure' | 'timeout';
  readonly error: unknown;
  /** When the call came. */
  readonly stateAtStart: BreakerState;
  /** Wall time, ms. */
  readonly startedAt: number;
  readonly endedAt: number;
  /** This call tripped the breaker. */
  readonly tripped: boolean;
  /** The breaker judged it; false for a late result, from before the last transition. */
  readonly counted: boolean;
}

/** A call that a wire was asked to take, told as it answers. */
export interface WireCall {
  readonly wire: string;
  readonly outcome: WireOutcome;
  /** Monotonic ms. */
  readonly startedAt: number;
  readonly error: unknown;
  /** The receipt of a buffered call: its replay is linked to it. */
  readonly receipt: string | undefined;
}

export interface ReplayedCall {
  readonly wire: string;
  readonly outcome: DrainOutcome;
  readonly receipt: string;
  readonly waitedMs: number | undefined;
  /** From the replay's start to its end, which is now. */
  readonly durationMs: number;
  readonly error: unknown;
}

/** Hears what a breaker did, after it was decided. What an observer throws reaches the OpenTelemetry `diag` logger only. */
export interface BreakerObserver {
  /** The breaker exists: its series begin at 0. */
  added(breaker: BreakerReadings): void;
  removed(breaker: BreakerReadings): void;
  /** Whether it is to be told of executed calls by `timed`; asked at most each 100 ms while it says no. Left out: always. */
  hearsTimed?(breaker: BreakerReadings): boolean;
  /** An executed call ended. */
  timed(breaker: BreakerReadings, outcome: TimedOutcome, durationMs: number, stateAtStart: BreakerState): void;
  failed(breaker: BreakerReadings, call: FailedCall): void;
  rejected(breaker: BreakerReadings): void;
  transitioned(breaker: BreakerReadings, transition: TransitionRecord): void;
  overridden(breaker: BreakerReadings, override: Override & { readonly revision: number | undefined }): void;
  diverted(breaker: BreakerReadings, call: WireCall): void;
  replayed(breaker: BreakerReadings, call: ReplayedCall): void;
  dropped(
    breaker: BreakerReadings,
    drop: { readonly wire: string; readonly reason: DropReason; readonly depth: number },
  ): void;
  drained(
    breaker: BreakerReadings,
    drain: { readonly wire: string; readonly replayed: number; readonly dead: number; readonly durationMs: number },
  ): void;
}
