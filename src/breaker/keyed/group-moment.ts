import type {
  BreakerSettings,
  BreakerState,
  CallOutcome,
  TimedOutcome,
  TransitionReason,
} from '@switchgear/conventions';
import type { WireLoad } from '../neutral/wire.ts';
import type { BreakerReadings, CallSpans, HistogramReading, WireReadings } from '../telemetry/observer.ts';
import type { WindowCounts } from '../window/window-counts.ts';
import { Tally } from './tally.ts';

/** A name of wires in a group. */
export interface WireName {
  readonly name: string;
  readonly kind: string;
  /** Wires of this name hold calls. */
  readonly holds: boolean;
}

/** Where the numbers of a group come from. */
export interface MomentSources {
  readonly group: BreakerReadings;
  /** The breakers there are. */
  readonly present: readonly BreakerReadings[];
  /** Evicted, and their calls are not back yet. */
  readonly evicted: readonly BreakerReadings[];
  /** What others have counted before. */
  readonly past: Tally;
  readonly wires: readonly WireName[];
}

/** The states by how much they need somebody's attention. */
const BY_CONCERN: readonly BreakerState[] = ['forced_open', 'open', 'half_open', 'shadow', 'disabled', 'closed'];

/** The numbers of a group at one moment, each breaker asked once: about 10 microseconds for each. */
export class GroupMoment implements BreakerReadings {
  readonly name: string;
  readonly callSpans: CallSpans;
  readonly countsSince: number;
  readonly settings: BreakerSettings;
  readonly state: BreakerState;
  readonly group: BreakerReadings;
  readonly wires: readonly WireReadings[];
  readonly #states: Partial<Record<BreakerState, number>> = {};
  readonly #window = { executed: 0, failed: 0, slow: 0, consecutive: 0 };
  readonly #tally = new Tally();
  #activeCalls = 0;

  constructor({ group, present, evicted, past, wires }: MomentSources) {
    this.group = group;
    this.name = group.name;
    this.callSpans = group.callSpans;
    this.countsSince = group.countsSince;
    this.settings = group.settings;
    // First, because a look at the load gives up what has expired, and that is among the dropped.
    const loads = wires.map((wire) => readLoad(wire, present, evicted));
    for (const breaker of present) {
      // Time passing can change the state, and then it is a transition too: so it is read before those.
      this.#states[breaker.state] = (this.#states[breaker.state] ?? 0) + 1;
      this.#addWindow(breaker.window());
    }
    this.state = BY_CONCERN.find((state) => this.#states[state] !== undefined) ?? 'closed';
    this.#tally.add(past);
    for (const breakers of [present, evicted]) {
      for (const breaker of breakers) {
        this.#tally.addBreaker(breaker);
        this.#activeCalls += breaker.activeCalls();
      }
    }
    this.wires = wires.map(({ name, kind }, index) => ({ name, kind, ...this.#tally.wire(name), load: loads[index]! }));
  }

  states(): Readonly<Partial<Record<BreakerState, number>>> {
    return this.#states;
  }

  calls(outcome: CallOutcome): number {
    return this.#tally.calls(outcome);
  }

  slowCalls(): number {
    return this.#tally.slowCalls();
  }

  activeCalls(): number {
    return this.#activeCalls;
  }

  transitions(state: BreakerState, reason: TransitionReason): number {
    return this.#tally.transitions(state, reason);
  }

  durations(outcome: TimedOutcome): HistogramReading {
    return this.#tally.durations(outcome);
  }

  /** All windows together; in a row is the longest row of one of them. */
  window(): WindowCounts {
    return this.#window;
  }

  wallMs(): number {
    return this.group.wallMs();
  }

  monotonicMs(): number {
    return this.group.monotonicMs();
  }

  #addWindow({ executed, failed, slow, consecutive }: WindowCounts): void {
    this.#window.executed += executed;
    this.#window.failed += failed;
    this.#window.slow += slow;
    this.#window.consecutive = Math.max(this.#window.consecutive, consecutive);
  }
}

/** The load of all wires of a name; where one of them throws, so does what this returns. */
function readLoad(
  { name, holds }: WireName,
  present: readonly BreakerReadings[],
  evicted: readonly BreakerReadings[],
): () => WireLoad | undefined {
  if (!holds) return () => undefined;
  try {
    const loads = loadsOf(name, present);
    const all = [...loads, ...loadsOf(name, evicted)];
    const load = {
      depth: sum(all.map(({ depth }) => depth)),
      // What evicted breakers hold until they have dropped it is there; they take no more.
      capacity: sum(loads.map(({ capacity }) => capacity)),
      sizeBytes: sum(all.map(({ sizeBytes }) => sizeBytes)),
      oldestAgeMs: all.reduce((oldest, { oldestAgeMs }) => Math.max(oldest, oldestAgeMs), 0),
    };
    return () => load;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

function loadsOf(name: string, breakers: readonly BreakerReadings[]): readonly WireLoad[] {
  return breakers.flatMap(({ wires }) => wires.find((wire) => wire.name === name)?.load() ?? []);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
