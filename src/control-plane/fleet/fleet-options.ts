import type { BreakerState } from '@switchgear/conventions';
import type { AgentIdentity } from '../ingest/observation.ts';
import type { LivenessLimits } from './liveness.ts';
import type { Liveness } from './view.ts';

export interface FleetOptions {
  /** Milliseconds since the epoch. Default `Date.now`. */
  readonly now?: () => number;
  /** Silence after which an instance is stale. Default 90,000. */
  readonly staleAfterMs?: number;
  /** Silence after which it is gone. Default 600,000. */
  readonly goneAfterMs?: number;
  /** Silence after which it is no longer kept. Default 86,400,000. */
  readonly forgetAfterMs?: number;
  /** Breakers times instances that are kept; processes without breakers have the same bound. Default 200,000. */
  readonly maxBreakerInstances?: number;
}

export interface BreakerQuery {
  readonly service?: string;
  readonly state?: BreakerState;
  /** Part of the service or breaker, in any case. */
  readonly q?: string;
  readonly cursor?: string;
  /** 1 to 1,000. Default 100. */
  readonly limit?: number;
}

export interface FleetStats {
  readonly services: number;
  readonly breakers: number;
  /** Breakers times instances. */
  readonly instances: Record<Liveness, number>;
  /** Live ones per state. */
  readonly states: Record<BreakerState, number>;
  /** Observations and reports turned away since the start because there was no room. */
  readonly refused: number;
}

/** A breaker on an instance, as it was known before a restart. */
export interface RestoredBreaker {
  readonly agent: AgentIdentity;
  readonly breaker: string;
  /** Milliseconds since the epoch. */
  readonly lastSeenAt: number;
  /** Default false. */
  readonly gone?: boolean;
}

/** The defaults laid under the options. */
export function withDefaults(options: FleetOptions): {
  now: () => number;
  limits: LivenessLimits;
  maxBreakerInstances: number;
} {
  return {
    now: options.now ?? Date.now,
    limits: {
      staleAfterMs: options.staleAfterMs ?? 90_000,
      goneAfterMs: options.goneAfterMs ?? 600_000,
      forgetAfterMs: options.forgetAfterMs ?? 86_400_000,
    },
    maxBreakerInstances: options.maxBreakerInstances ?? 200_000,
  };
}
