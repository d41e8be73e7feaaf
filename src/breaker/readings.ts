import type {
  BreakerSettings,
  BreakerState,
  CallOutcome,
  TimedOutcome,
  TransitionReason,
} from '@switchgear/conventions';
import type { BreakerCore } from './core.ts';
import { readActiveCalls, readCalls, readTransitions } from './memory/call-numbers.ts';
import { readDurations } from './memory/duration-histogram.ts';
import { LAYOUT } from './memory/layout.ts';
import type { BreakerReadings, CallSpans, HistogramReading, WireReadings } from './telemetry/observer.ts';
import type { WindowCounts } from './window/window-counts.ts';

/** Where the numbers are: the core of an own breaker, or of another library's. */
export type CoreNumbers = Pick<BreakerCore, 'cells' | 'clock' | 'settings' | 'state' | 'window'>;

/** One breaker's numbers, as telemetry reads them. */
export class CoreReadings implements BreakerReadings {
  readonly name: string;
  readonly callSpans: CallSpans;
  readonly wires: readonly WireReadings[];
  readonly countsSince: number;
  readonly group: BreakerReadings | undefined;
  readonly #core: CoreNumbers;

  constructor(
    name: string,
    callSpans: CallSpans,
    wires: readonly WireReadings[],
    core: CoreNumbers,
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
    return readCalls(this.#core.cells, outcome);
  }

  durations(outcome: TimedOutcome): HistogramReading {
    return readDurations(this.#core.cells, outcome);
  }

  wallMs(): number {
    return this.#core.clock.wallMs();
  }

  monotonicMs(): number {
    return this.#core.clock.monotonicMs();
  }

  slowCalls(): number {
    return this.#core.cells.getWide(LAYOUT.slowCalls);
  }

  activeCalls(): number {
    return readActiveCalls(this.#core.cells);
  }

  transitions(state: BreakerState, reason: TransitionReason): number {
    return readTransitions(this.#core.cells, state, reason);
  }

  window(): WindowCounts {
    return this.#core.window();
  }
}
