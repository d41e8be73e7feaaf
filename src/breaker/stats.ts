import {
  type BreakerState,
  CALL_OUTCOMES,
  type CallOutcome,
  DROP_REASONS,
  type TransitionReason,
} from '@switchgear/conventions';
import { POSSIBLE_TRANSITIONS } from './machine/transition.ts';
import type { BreakerReadings, WireReadings } from './telemetry/observer.ts';

export interface WireStats {
  readonly name: string;
  readonly kind: string;
  readonly served: number;
  readonly buffered: number;
  readonly failed: number;
  readonly replayed: number;
  readonly retried: number;
  readonly dead: number;
  readonly dropped: number;
  /** Calls held now. */
  readonly depth: number;
}

/** What a breaker has counted since it was made. */
export interface BreakerStats {
  readonly calls: Readonly<Record<CallOutcome, number>>;
  readonly transitions: readonly {
    readonly state: BreakerState;
    readonly reason: TransitionReason;
    readonly count: number;
  }[];
  readonly wires: readonly WireStats[];
}

export function readStats(readings: BreakerReadings): BreakerStats {
  const calls = Object.fromEntries(CALL_OUTCOMES.map((outcome) => [outcome, readings.calls(outcome)]));
  return {
    calls: calls as Record<CallOutcome, number>,
    transitions: POSSIBLE_TRANSITIONS.map(([state, reason]) => ({
      state,
      reason,
      count: readings.transitions(state, reason),
    })),
    wires: readings.wires.map(readWire),
  };
}

function readWire(wire: WireReadings): WireStats {
  // First, because a look at the load gives up what has expired, and that is among the dropped.
  const depth = wire.load()?.depth ?? 0;
  return {
    name: wire.name,
    kind: wire.kind,
    served: wire.calls('served'),
    buffered: wire.calls('buffered'),
    failed: wire.calls('failed'),
    replayed: wire.drained('replayed'),
    retried: wire.drained('retried'),
    dead: wire.drained('dead'),
    dropped: DROP_REASONS.reduce((sum, reason) => sum + wire.dropped(reason), 0),
    depth,
  };
}
