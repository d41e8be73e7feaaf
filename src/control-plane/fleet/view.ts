import type { AppliedRevision, BreakerSettings, BreakerState, CallOutcome, Override } from '@switchgear/conventions';

/** live: heard of in time; stale: overdue; gone: said goodbye, or overdue for so long that nothing is expected. */
export type Liveness = 'live' | 'stale' | 'gone';

/** The load on one neutral wire, summed over live instances where it stands in a breaker's view. */
export interface WireView {
  readonly name: string;
  /** Calls it has taken since its instance started, by what it did with them. */
  readonly served: number;
  readonly buffered: number;
  readonly failed: number;
  readonly depth: number;
  readonly capacity: number;
  /** The oldest over all instances, in seconds. */
  readonly oldestAgeSeconds: number;
  readonly replayed: number;
  readonly dead: number;
  readonly dropped: number;
}

export interface InstanceView {
  readonly instance: string;
  readonly version: string | null;
  readonly environment: string | null;
  readonly liveness: Liveness;
  readonly lastSeenAt: string;
  /** The last state heard of; null where only the inventory named the breaker, without a state yet. */
  readonly state: BreakerState | null;
  readonly stateSince: string | null;
  readonly failureRatio: number | null;
  readonly calls: Readonly<Record<CallOutcome, number>>;
  readonly wires: readonly WireView[];
  /** What became of the desired state here; null where it has not reported. */
  readonly applied: AppliedRevision | null;
  readonly settings: BreakerSettings | null;
}

/** What became of a breaker's desired state over its live instances. `revision` 0 means that nothing is desired. */
export interface DeliveryView {
  readonly revision: number;
  readonly applied: number;
  readonly failed: number;
  readonly pending: number;
}

/** One breaker of one service over all its instances: counts per state, never an average. */
export interface BreakerView {
  readonly service: string;
  readonly breaker: string;
  /** The state of live instances that most needs eyes: forced_open, open, half_open, disabled, shadow, closed; null where none is live. */
  readonly state: BreakerState | null;
  /** Live instances per state. */
  readonly states: Readonly<Record<BreakerState, number>>;
  readonly instances: Readonly<Record<Liveness, number>>;
  /** Sum over live instances. */
  readonly calls: Readonly<Record<CallOutcome, number>>;
  readonly wires: readonly WireView[];
  readonly override: Override | null;
  readonly delivery: DeliveryView;
  /** When any instance of it was last heard of. */
  readonly lastSeenAt: string;
}

export interface BreakerDetail extends BreakerView {
  readonly byInstance: readonly InstanceView[];
}

/** One process with breakers. */
export interface AgentView {
  readonly service: string;
  readonly instance: string;
  readonly version: string | null;
  readonly environment: string | null;
  readonly liveness: Liveness;
  readonly lastSeenAt: string;
  /** How many breakers it has. */
  readonly breakers: number;
  /** Whether it polls for its desired state over OpAMP. */
  readonly connected: boolean;
}
