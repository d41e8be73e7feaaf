import type {
  BreakerSettings,
  BreakerState,
  CallOutcome,
  TimedOutcome,
  TransitionReason,
} from '@switchgear/conventions';
import type { Clock } from '../clock.ts';
import type { BreakerReadings, CallSpans, HistogramReading, WireReadings } from '../telemetry/observer.ts';
import type { WindowCounts } from '../window/window-counts.ts';
import { GroupMoment, type WireName } from './group-moment.ts';
import { Tally } from './tally.ts';

/** A breaker of a group, as its numbers are read. */
export interface GroupMember {
  readonly readings: BreakerReadings;
  /** In flight, or held by a wire. */
  hasCalls(): boolean;
}

/** What a group is made of. */
export interface GroupParts {
  readonly name: string;
  readonly clock: Clock;
  readonly callSpans: CallSpans;
  /** Most breakers that are counted on after their eviction. */
  readonly mostEvicted: number;
  settings(): BreakerSettings;
  /** The breakers that are there now. */
  present(): Iterable<GroupMember>;
  /** Evicts those that are over. */
  tidy(): void;
}

/**
 * The numbers of all breakers of a group together, those that were evicted too: what they have counted never goes down. One
 * that was evicted with calls in flight is asked until they are back, and then it is only remembered by its sums.
 */
export class GroupReadings implements BreakerReadings {
  readonly name: string;
  readonly callSpans: CallSpans;
  readonly countsSince: number;
  readonly #parts: GroupParts;
  readonly #wires = new Map<string, WireName>();
  /** What those have counted that are not asked any more. */
  readonly #past = new Tally();
  /** Evicted, and still asked, longest evicted first. */
  readonly #evicted = new Set<GroupMember>();
  /** What is in `#past` of each. */
  readonly #shares = new WeakMap<GroupMember, Tally>();

  constructor(parts: GroupParts) {
    this.name = parts.name;
    this.callSpans = parts.callSpans;
    this.countsSince = parts.clock.wallMs();
    this.#parts = parts;
  }

  atOnce(): GroupMoment {
    this.#parts.tidy();
    this.#letGo();
    return new GroupMoment({
      group: this,
      present: Array.from(this.#parts.present(), readingsOf),
      evicted: Array.from(this.#evicted, readingsOf),
      past: this.#past,
      wires: [...this.#wires.values()],
    });
  }

  get settings(): BreakerSettings {
    return this.#parts.settings();
  }

  get state(): BreakerState {
    return this.atOnce().state;
  }

  get wires(): readonly WireReadings[] {
    return this.atOnce().wires;
  }

  states(): Readonly<Partial<Record<BreakerState, number>>> {
    return this.atOnce().states();
  }

  calls(outcome: CallOutcome): number {
    return this.atOnce().calls(outcome);
  }

  slowCalls(): number {
    return this.atOnce().slowCalls();
  }

  activeCalls(): number {
    return this.atOnce().activeCalls();
  }

  transitions(state: BreakerState, reason: TransitionReason): number {
    return this.atOnce().transitions(state, reason);
  }

  durations(outcome: TimedOutcome): HistogramReading {
    return this.atOnce().durations(outcome);
  }

  window(): WindowCounts {
    return this.atOnce().window();
  }

  wallMs(): number {
    return this.#parts.clock.wallMs();
  }

  monotonicMs(): number {
    return this.#parts.clock.monotonicMs();
  }

  get wireNames(): readonly string[] {
    return [...this.#wires.keys()];
  }

  /** A breaker with these wires is about to be one of the group: their series begin. */
  expectWires(wires: readonly { readonly name: string; readonly kind: string; readonly load?: unknown }[]): void {
    for (const { name, kind, load } of wires) {
      if (!this.#wires.has(name)) this.#wires.set(name, { name, kind, holds: load !== undefined });
    }
  }

  /** A breaker is not present any more. Where it still has calls, it is asked until they are back. */
  departed(member: GroupMember): void {
    this.#letGo(2);
    this.#evicted.add(member);
    if (!member.hasCalls()) this.#remember(member);
    this.#keepBound();
  }

  /** Somebody does something with one that departed: it is asked once more. */
  askAgain(member: GroupMember): void {
    if (this.#evicted.has(member)) return;
    const share = this.#shares.get(member);
    if (share) this.#past.subtract(share);
    this.#shares.delete(member);
    this.#evicted.add(member);
    this.#keepBound();
  }

  /** Remembers the sums of those whose calls are back. */
  #letGo(looks = Number.POSITIVE_INFINITY): void {
    let left = looks;
    for (const member of this.#evicted) {
      if (left-- <= 0) return;
      if (!member.hasCalls()) this.#remember(member);
    }
  }

  /** Of one with calls in flight that were evicted longest ago, what they come to is not counted. */
  #keepBound(): void {
    if (this.#evicted.size > this.#parts.mostEvicted) this.#remember(first(this.#evicted));
  }

  #remember(member: GroupMember): void {
    const share = Tally.of(member.readings);
    this.#past.add(share);
    this.#shares.set(member, share);
    this.#evicted.delete(member);
  }
}

function readingsOf({ readings }: GroupMember): BreakerReadings {
  return readings;
}

function first<Item>(items: Set<Item>): Item {
  return items.values().next().value as Item;
}
