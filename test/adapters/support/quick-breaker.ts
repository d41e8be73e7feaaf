import { type Breaker, type BreakerOptions, createBreaker } from '@switchgear/breaker';
import type { ManualClock } from '@switchgear/breaker/testing';
import { onTestFinished } from 'vitest';
import { judgeOutcomes } from '../../../src/adapters/outcomes/index.ts';

/** The cooldown of a quick breaker. */
export const COOLDOWN_MS = 1_000;

let made = 0;

/** A breaker for one test that trips by two failures in a row and is closed again after one good probe. */
export function quickBreaker(clock: ManualClock, options: BreakerOptions = {}): Breaker {
  const breaker = createBreaker(`quick-${++made}`, {
    telemetry: 'off',
    clock,
    trip: { consecutive: 2, failureRatio: null },
    cooldownMs: COOLDOWN_MS,
    halfOpen: { probes: 1, ramp: [] },
    ...judgeOutcomes(),
    ...options,
  }) as Breaker;
  onTestFinished(() => breaker.close());
  return breaker;
}
