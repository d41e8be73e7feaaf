import type { BreakerSettings } from '@switchgear/conventions';
import type { MachineState } from '../machine/state.ts';

/** The step of the recovery ramp that a half-open breaker is in. */
export interface RampStep {
  /** When it began: monotonic ms of the breaker. */
  readonly since: number;
  /** Of the calls that come in it, those that are let through: in (0, 1]. */
  readonly share: number;
  /** Calls that came in it so far, replays too. */
  readonly offered: number;
  /** Those of them that were let through. */
  readonly admitted: number;
}

/** Undefined where the breaker is in no such step, as while it probes. */
export function rampStepOf(state: MachineState, { halfOpen }: BreakerSettings): RampStep | undefined {
  if (state.kind !== 'half_open' || state.step === 0) return undefined;
  const { stepSince, step, offered, admitted } = state;
  return { since: stepSince, share: halfOpen.ramp[step - 1] ?? 1, offered, admitted };
}
