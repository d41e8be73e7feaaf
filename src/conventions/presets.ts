import type { SettingsPatch } from './settings.ts';

/** Settings to start from, by the kind of dependency; docs/breaker.md has the reasons for the numbers. */
export const presets = {
  /** A call to another service over HTTP, answered in well under a second. */
  http: {
    trip: { failureRatio: 0.5, minimumCalls: 20, windowMs: 10_000, slowMs: 2_000, slowRatio: 0.8 },
    cooldownMs: { baseMs: 10_000, maxMs: 120_000, factor: 2, jitter: 0.5 },
    halfOpen: { probes: 3, probeTimeoutMs: 5_000, ramp: [0.1, 0.5], rampStepMs: 2_000 },
    timeoutMs: 10_000,
  },
  /** A database behind a pool: it fails as a whole, comes back at once, and must not be met by every waiting query. */
  database: {
    trip: { failureRatio: 0.5, minimumCalls: 10, consecutive: 5, windowMs: 10_000, slowMs: 1_000, slowRatio: 0.9 },
    cooldownMs: { baseMs: 2_000, maxMs: 30_000, factor: 2, jitter: 0.5 },
    halfOpen: { probes: 2, probeTimeoutMs: 2_000, ramp: [0.05, 0.25, 0.5], rampStepMs: 2_000 },
    timeoutMs: 5_000,
  },
  /** A broker or queue that calls are published to: few errors in good times, so a burst of them means that it is gone. */
  queue: {
    trip: { failureRatio: 0.25, minimumCalls: 20, consecutive: 10, windowMs: 30_000, slowMs: 5_000, slowRatio: 0.9 },
    cooldownMs: { baseMs: 5_000, maxMs: 60_000, factor: 2, jitter: 0.5 },
    halfOpen: { probes: 1, probeTimeoutMs: 5_000, ramp: [0.25], rampStepMs: 5_000 },
    timeoutMs: 30_000,
  },
} as const satisfies Readonly<Record<string, SettingsPatch>>;
