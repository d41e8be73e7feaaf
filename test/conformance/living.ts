import type { BreakerOptions } from '../../src/breaker/index.ts';
import { NO_RULE } from '../breaker/support.ts';

/** Something that has series until it is closed. */
export interface Living {
  close(): Promise<void>;
}

export const good = () => 'good';

/** Fails twice and is open; probes after a second. */
export const QUICK_TRIP = {
  trip: { ...NO_RULE, failures: 2, failureRatio: 0.9, minimumCalls: 1_000 },
  cooldownMs: 1_000,
  halfOpen: { probes: 1, probeTimeoutMs: 500 },
} as const satisfies BreakerOptions;
