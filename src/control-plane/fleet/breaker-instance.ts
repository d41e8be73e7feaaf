import {
  type AppliedRevision,
  ATTR,
  BREAKER_STATES,
  type BreakerSettings,
  type BreakerState,
  type InventoryBreaker,
  OVERRIDE_MODES,
} from '@switchgear/conventions';
import type { EventObservation, MetricObservation } from '../ingest/observation.ts';
import { type LivenessLimits, liveness } from './liveness.ts';
import {
  BREAKER_SERIES,
  breakerSeries,
  Readings,
  setWireCapacity,
  stateSeries,
  WIRE_SERIES,
  wireSeries,
} from './readings.ts';
import { isMoreUrgent, mostUrgent } from './urgency.ts';
import type { Liveness } from './view.ts';

/** Wires kept of one breaker on one instance; points of further ones are turned away. */
const MAX_WIRES = 32;

/** A restart gives a process a new instance id, so what comes under one that said goodbye is its last flush. */
export const LAST_FLUSH_MS = 30_000;

/** The process that a breaker runs in, as far as its breakers depend on it. */
export interface InstanceOwner {
  readonly instance: string;
  readonly version: string | null;
  readonly environment: string | null;
  /** When it last vouched for all of its breakers, in milliseconds since the epoch. */
  readonly heartbeatAt: number;
  /** It said that it stops. */
  readonly left: boolean;
}

/**
 * What is known of one breaker on one instance.
 *
 * Memory: about 1 KB, and 0.3 KB for each wire; 200,000 of them with one wire each take some 250 MB.
 */
export class BreakerInstance {
  readonly agent: InstanceOwner;
  readonly readings = new Readings(BREAKER_SERIES);
  readonly wires = new Map<string, Readings>();
  state: BreakerState | null = null;
  stateSince = 0;
  settings: BreakerSettings | null = null;
  applied: AppliedRevision | null = null;
  /** The liveness that listeners know of; that a new one is there is told as such. */
  announced: Liveness = 'live';
  #seenAt = Number.NEGATIVE_INFINITY;
  #heard = false;
  #leftAt: number | null = null;
  /** The newest evidence of the state it is in, and of any other. */
  #stateAt = Number.NEGATIVE_INFINITY;
  #otherAt = Number.NEGATIVE_INFINITY;

  constructor(agent: InstanceOwner) {
    this.agent = agent;
  }

  get lastSeenAt(): number {
    return Math.max(this.#seenAt, this.#leftAt === null ? this.agent.heartbeatAt : this.#leftAt);
  }

  liveness(now: number, limits: LivenessLimits): Liveness {
    const left = this.#leftAt !== null || this.agent.left;
    return liveness({ lastSeenAt: this.lastSeenAt, left, heard: this.#heard }, now, limits);
  }

  /** Known from before a restart, and not heard of since. @param gone it was gone then, and stays so until it is back. */
  restore(lastSeenAt: number, gone: boolean): void {
    this.#seenAt = Math.max(this.#seenAt, lastSeenAt);
    if (gone) this.#leftAt = lastSeenAt;
  }

  /** It was left out of the inventory of its process. */
  leave(now: number): boolean {
    if (this.#leftAt !== null) return false;
    this.#leftAt = now;
    return true;
  }

  saw(now: number): void {
    this.#seenAt = now;
    this.#heard = true;
    if (this.#leftAt !== null && now - this.#leftAt > LAST_FLUSH_MS) this.#leftAt = null;
  }

  /** True where it changed what a view shows, the time it was seen apart; null where there is no room for its wire. */
  applyPoint(point: MetricObservation, at: number): boolean | null {
    if (point.metric === 'status')
      return this.#applyStatus(point.attributes[ATTR.state] as BreakerState, point.value, at);
    const series = breakerSeries(point);
    if (series !== undefined) return this.readings.set(series, point.value, at);
    const ofWire = wireSeries(point);
    if (ofWire === undefined) return false;
    const wire = this.#wire(point.attributes[ATTR.wireName]!);
    return wire === undefined ? null : wire.set(ofWire, point.value, at);
  }

  applyEvent(event: EventObservation, at: number): boolean {
    const state = stateAfter(event);
    return state !== undefined && this.#enter(state, at, true);
  }

  applyInventory(breaker: InventoryBreaker, now: number): void {
    this.#leftAt = null;
    this.saw(now);
    this.settings = breaker.settings;
    this.applied = breaker.applied ?? null;
    for (const wire of breaker.neutralWires) {
      const readings = this.#wire(wire.name);
      if (readings && wire.capacity !== undefined) setWireCapacity(readings, wire.capacity, now);
    }
    this.#enter(breaker.state, now, false);
  }

  /**
   * Takes one point of several, one per state. A breaker has 1 in the state it is in; a group of keyed breakers counts
   * them, so that several are above 0, and the one that most needs eyes stands for the group. The points of an export
   * come one by one: a state stands until its own point is 0.
   */
  #applyStatus(state: BreakerState, count: number, at: number): boolean {
    this.readings.set(stateSeries(state), count, at);
    const current = this.#worst();
    if (current !== null) return this.#sawState(current, this.#worstSince(current), false);
    // A group without a breaker: none of them is open.
    const isWhole = BREAKER_STATES.every((each) => this.readings.timeOf(stateSeries(each)) === at);
    return isWhole && this.#sawState('closed', at, false);
  }

  /** A state that was told otherwise than by the metric. Of a group it is that of one breaker: the others are as they were. */
  #enter(state: BreakerState, at: number, began: boolean): boolean {
    const isGroup = BREAKER_STATES.reduce((sum, each) => sum + this.#countOf(each), 0) > 1;
    for (const each of BREAKER_STATES) {
      if (each === state) this.readings.set(stateSeries(each), isGroup ? Math.max(1, this.#countOf(each)) : 1, at);
      else if (!isGroup) this.readings.set(stateSeries(each), 0, at);
    }
    return (!isGroup || this.#worst() === state) && this.#sawState(state, at, began);
  }

  #worst(): BreakerState | null {
    return mostUrgent((state) => this.#countOf(state) > 0);
  }

  /** The newest word on that it is in this state, and in none that needs eyes more. */
  #worstSince(worst: BreakerState): number {
    let newest = Number.NEGATIVE_INFINITY;
    for (const state of BREAKER_STATES) {
      const at = this.readings.timeOf(stateSeries(state));
      if (at > newest && (state === worst || isMoreUrgent(state, worst))) newest = at;
    }
    return newest;
  }

  #countOf(state: BreakerState): number {
    return this.readings.get(stateSeries(state));
  }

  /** The newer evidence wins by its own time. An event that comes late still tells when the present state began. */
  #sawState(state: BreakerState, at: number, began: boolean): boolean {
    if (state === this.state) {
      this.#stateAt = Math.max(this.#stateAt, at);
      if (!began || at >= this.stateSince || at < this.#otherAt) return false;
      this.stateSince = at;
      return true;
    }
    if (at < this.#stateAt) {
      this.#otherAt = Math.max(this.#otherAt, at);
      return false;
    }
    this.#otherAt = this.#stateAt;
    this.#stateAt = at;
    this.stateSince = at;
    this.state = state;
    return true;
  }

  #wire(name: string): Readings | undefined {
    const known = this.wires.get(name);
    if (known) return known;
    if (this.wires.size >= MAX_WIRES) return undefined;
    const wire = new Readings(WIRE_SERIES);
    this.wires.set(name, wire);
    return wire;
  }
}

/** The state that an event says was entered; undefined where it says nothing of it. */
function stateAfter({ event, attributes }: EventObservation): BreakerState | undefined {
  switch (event) {
    case 'trip':
      // In shadow a trip is told but not made.
      return attributes[ATTR.previousState] === 'shadow' ? undefined : 'open';
    case 'halfOpen':
      return 'half_open';
    case 'reset':
      return 'closed';
    case 'override':
      return OVERRIDE_MODES.find((mode) => mode === attributes[ATTR.mode]);
    default:
      return undefined;
  }
}
