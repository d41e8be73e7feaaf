import type {
  BreakerSettings,
  BreakerState,
  CallOutcome,
  TimedOutcome,
  TransitionReason,
} from '@switchgear/conventions';
import type { BreakerCore } from './core.ts';
import type { BreakerReadings, CallSpans, HistogramReading, WireReadings } from './telemetry/observer.ts';
import type { WindowCounts } from './window/window-counts.ts';

/** One breaker's numbers, as telemetry reads them. */
export class CoreReadings implements BreakerReadings {
  readonly name: string;
  readonly callSpans: CallSpans;
  readonly wires: readonly WireReadings[];
  readonly countsSince: number;
  readonly group: BreakerReadings | undefined;
  readonly #core: BreakerCore;

  constructor(
    name: string,
    callSpans: CallSpans,
    wires: readonly WireReadings[],
    core: BreakerCore,
    group?: BreakerReadings,
  ) {
    this.group = group;
    this.name = name;
    this.callSpans = callSpans;
    this.wires = wires;
    this.countsSince = core.clock.wallMs();
    this.#core = core;
  }

  get state(): BreakerState {
    return this.#core.state;
  }

  get settings(): BreakerSettings {
    return this.#core.settings;
  }

  calls(outcome: CallOutcome): number {
    return this.#core.calls(outcome);
  }

  durations(outcome: TimedOutcome): HistogramReading {
    return this.#core.durations(outcome);
  }

  wallMs(): number {
    return this.#core.clock.wallMs();
  }

  monotonicMs(): number {
    return this.#core.clock.monotonicMs();
  }

  slowCalls(): number {
    return this.#core.slowCalls();
  }

  activeCalls(): number {
    return this.#core.activeCalls();
  }

  transitions(state: BreakerState, reason: TransitionReason): number {
    return this.#core.transitions(state, reason);
  }

  window(): WindowCounts {
    return this.#core.window();
  }
}
