import { SETTINGS_LIMITS, type SettingsPatch } from '@switchgear/conventions';
import type { OpossumBreaker, OpossumInside } from './opossum-breaker.ts';

interface Range {
  readonly min: number;
  readonly max: number;
}

/** The settings of an opossum breaker in this library's words. What is out of their range here stands at its end. */
export function settingsOf(breaker: OpossumBreaker): SettingsPatch {
  const { options = {} } = breaker as OpossumInside;
  const { trip, timeoutMs, maxConcurrent, cooldownMs } = SETTINGS_LIMITS;
  const percentage = options.errorThresholdPercentage;
  return {
    trip: {
      // At 0 it opens with the first failure, and at 100 never.
      failureRatio: percentage !== undefined && percentage > 0 && percentage <= 100 ? percentage / 100 : null,
      minimumCalls: within(trip.minimumCalls, breaker.volumeThreshold),
      windowMs: within(trip.windowMs, options.rollingCountTimeout),
    },
    cooldownMs: within(cooldownMs, options.resetTimeout),
    halfOpen: { probes: 1 },
    timeoutMs: options.timeout ? within(timeoutMs, options.timeout) : null,
    maxConcurrent:
      options.capacity === undefined || options.capacity > maxConcurrent.max
        ? null
        : within(maxConcurrent, options.capacity),
  };
}

function within({ min, max }: Range, value: number | undefined): number | undefined {
  if (value === undefined || Number.isNaN(value)) return undefined;
  return Math.min(max, Math.max(min, Math.round(value)));
}
