import type {
  BreakerSettings,
  BreakerState,
  CallOutcome,
  TimedOutcome,
  TransitionReason,
} from '@switchgear/conventions';
import type { Clock } from '../clock.ts';
import type { WireLoad } from '../neutral/wire.ts';
import type { BreakerReadings, CallSpans, HistogramReading, WireReadings } from '../telemetry/observer.ts';
import type { WindowCounts } from '../window/window-counts.ts';
import { sumOfHistograms, Tally, type WireCounted } from './tally.ts';

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

/** The states by how much they need somebody's attention. */
const BY_CONCERN: readonly BreakerState[] = ['forced_open', 'open', 'half_open', 'shadow', 'disabled', 'closed'];

/**
 * The numbers of all breakers of a group together, those that were evicted too: what they have counted never goes down. One
 * that was evicted with calls in flight is asked until they are back, and then it is only remembered by its sums.
 */
export class GroupReadings implements BreakerReadings {
  readonly name: string;
  readonly callSpans: CallSpans;
  readonly countsSince: number;
  readonly #parts: GroupParts;
  readonly #wires = new Map<string, GroupWire>();
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

  get settings(): BreakerSettings {
    return this.#parts.settings();
  }

  get state(): BreakerState {
    const states = this.states();
    return BY_CONCERN.find((state) => (states[state] ?? 0) > 0) ?? 'closed';
  }

  get wires(): readonly WireReadings[] {
    return [...this.#wires.values()];
  }

  states(): Readonly<Partial<Record<BreakerState, number>>> {
    this.#parts.tidy();
    this.#letGo();
    const states: Partial<Record<BreakerState, number>> = {};
    for (const { readings } of this.#parts.present()) {
      const { state } = readings;
      states[state] = (states[state] ?? 0) + 1;
    }
    return states;
  }

  calls(outcome: CallOutcome): number {
    return this.#past.calls(outcome) + this.#sum((breaker) => breaker.calls(outcome));
  }

  slowCalls(): number {
    return this.#past.slowCalls() + this.#sum((breaker) => breaker.slowCalls());
  }

  activeCalls(): number {
    return this.#sum((breaker) => breaker.activeCalls());
  }

  transitions(state: BreakerState, reason: TransitionReason): number {
    return this.#past.transitions(state, reason) + this.#sum((breaker) => breaker.transitions(state, reason));
  }

  durations(outcome: TimedOutcome): HistogramReading {
    const histograms = [this.#past.durations(outcome)];
    for (const { readings } of this.#asked()) histograms.push(readings.durations(outcome));
    return sumOfHistograms(histograms);
  }

  wallMs(): number {
    return this.#parts.clock.wallMs();
  }

  monotonicMs(): number {
    return this.#parts.clock.monotonicMs();
  }

  /** All windows together; in a row is the longest row of one of them. */
  window(): WindowCounts {
    const sums = { executed: 0, failed: 0, slow: 0, consecutive: 0 };
    for (const { readings } of this.#parts.present()) {
      const { executed, failed, slow, consecutive } = readings.window();
      sums.executed += executed;
      sums.failed += failed;
      sums.slow += slow;
      sums.consecutive = Math.max(sums.consecutive, consecutive);
    }
    return sums;
  }

  /** A breaker with these wires is about to be one of the group: their series begin. */
  expectWires(wires: readonly { readonly name: string; readonly kind: string; readonly load?: unknown }[]): void {
    for (const { name, kind, load } of wires) {
      if (this.#wires.has(name)) continue;
      const wire = new GroupWire(name, kind, load !== undefined, {
        past: () => this.#past.wire(name),
        asked: () => wiresNamed(name, this.#asked()),
        present: () => wiresNamed(name, this.#parts.present()),
      });
      this.#wires.set(name, wire);
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

  #sum(read: (breaker: BreakerReadings) => number): number {
    let sum = 0;
    for (const { readings } of this.#asked()) sum += read(readings);
    return sum;
  }

  *#asked(): Iterable<GroupMember> {
    yield* this.#parts.present();
    yield* this.#evicted;
  }
}

interface WireSources {
  past(): WireCounted;
  asked(): readonly WireReadings[];
  present(): readonly WireReadings[];
}

/** The wires of one name of all breakers of a group together. */
class GroupWire implements WireReadings {
  readonly name: string;
  readonly kind: string;
  readonly #holds: boolean;
  readonly #sources: WireSources;

  constructor(name: string, kind: string, holds: boolean, sources: WireSources) {
    this.name = name;
    this.kind = kind;
    this.#holds = holds;
    this.#sources = sources;
  }

  calls(...[outcome]: Parameters<WireReadings['calls']>): number {
    return this.#sources.asked().reduce((sum, wire) => sum + wire.calls(outcome), this.#sources.past().calls(outcome));
  }

  drained(...[outcome]: Parameters<WireReadings['drained']>): number {
    const past = this.#sources.past().drained(outcome);
    return this.#sources.asked().reduce((sum, wire) => sum + wire.drained(outcome), past);
  }

  dropped(...[reason]: Parameters<WireReadings['dropped']>): number {
    const past = this.#sources.past().dropped(reason);
    return this.#sources.asked().reduce((sum, wire) => sum + wire.dropped(reason), past);
  }

  waits(): HistogramReading {
    return sumOfHistograms([this.#sources.past().waits(), ...this.#sources.asked().map((wire) => wire.waits())]);
  }

  /** What those hold that are being closed is in it; their capacity is not. */
  load(): WireLoad | undefined {
    if (!this.#holds) return undefined;
    const sums = { depth: 0, capacity: 0, sizeBytes: 0, oldestAgeMs: 0 };
    for (const wire of this.#sources.asked()) {
      const { depth, sizeBytes, oldestAgeMs } = wire.load() ?? sums;
      sums.depth += depth;
      sums.sizeBytes += sizeBytes;
      sums.oldestAgeMs = Math.max(sums.oldestAgeMs, oldestAgeMs);
    }
    for (const wire of this.#sources.present()) sums.capacity += wire.load()?.capacity ?? 0;
    return sums;
  }
}

function wiresNamed(name: string, members: Iterable<GroupMember>): readonly WireReadings[] {
  const found: WireReadings[] = [];
  for (const { readings } of members) {
    const wire = readings.wires.find((candidate) => candidate.name === name);
    if (wire) found.push(wire);
  }
  return found;
}

function first<Item>(items: Set<Item>): Item {
  return items.values().next().value as Item;
}
