import type { SettingsPatch } from '@switchgear/breaker';

/** Quick to trip and quick to probe, so that a run of a minute shows several of each. */
export const DEMO_SETTINGS = {
  trip: { failureRatio: 0.5, minimumCalls: 10, windowMs: 2_000 },
  cooldownMs: 1_500,
  halfOpen: { probes: 2, probeTimeoutMs: 1_000 },
} as const satisfies SettingsPatch;

/** Asks again soon and then less and less often, and lets traffic back in steps. */
export const WAREHOUSE_SETTINGS = {
  trip: DEMO_SETTINGS.trip,
  cooldownMs: { baseMs: 500, maxMs: 2_000, factor: 2, jitter: 0.2 },
  halfOpen: { ...DEMO_SETTINGS.halfOpen, ramp: [0.25, 0.5], rampStepMs: 250 },
} as const satisfies SettingsPatch;

/** How long the shop waits for each of the two, and how long a slow inventory takes. */
export const PAYMENTS_TIMEOUT_MS = 1_000;
export const INVENTORY_TIMEOUT_MS = 400;
export const SLOW_MS = 900;
