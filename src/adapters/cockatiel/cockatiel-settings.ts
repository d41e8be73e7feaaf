import { isRecord, SETTINGS_LIMITS, type SettingsPatch } from '@switchgear/conventions';
import type { CockatielInside } from './cockatiel-breaker.ts';

type Trip = NonNullable<SettingsPatch['trip']>;

/** The settings of a cockatiel breaker in this library's words, as far as they can be found. */
export function settingsOf({ options }: CockatielInside): SettingsPatch {
  const cooldownMs = whole(options?.halfOpenAfter, SETTINGS_LIMITS.cooldownMs);
  return {
    trip: tripOf(options?.breaker),
    // A backoff does not say how long it takes.
    ...(cooldownMs !== undefined && { cooldownMs }),
    halfOpen: { probes: whole(options?.halfOpenSampling?.calls, SETTINGS_LIMITS.halfOpen.probes) ?? 1 },
  };
}

/** By the fields of its three kinds of breakers; one of somebody's own says nothing. */
function tripOf(breaker: unknown): Trip {
  if (!isRecord(breaker)) return {};
  const { threshold, duration, samples, minimumNumberOfCalls, minimumRpms } = breaker;
  const { trip } = SETTINGS_LIMITS;
  const failureRatio = typeof threshold === 'number' && threshold > 0 && threshold < 1 ? threshold : undefined;
  if (typeof duration === 'number' && typeof minimumRpms === 'number') {
    return {
      failureRatio,
      minimumCalls: whole(Math.ceil(duration * minimumRpms), trip.minimumCalls),
      windowMs: whole(duration, trip.windowMs),
    };
  }
  if (Array.isArray(samples)) {
    return {
      failureRatio,
      minimumCalls: whole(minimumNumberOfCalls, trip.minimumCalls),
      windowCalls: whole(samples.length, trip.windowCalls),
    };
  }
  return isConsecutive(breaker) ? { consecutive: whole(threshold, trip.consecutive) } : {};
}

/** It has a threshold and the failures in a row, and nothing else. */
function isConsecutive(breaker: Record<string, unknown>): boolean {
  return Object.keys(breaker).sort().join() === 'state,threshold' && typeof breaker.state === 'number';
}

/** A number that is out of its range here stands at its end. */
function whole(value: unknown, { min, max }: { readonly min: number; readonly max: number }): number | undefined {
  if (typeof value !== 'number' || Number.isNaN(value)) return undefined;
  return Math.min(max, Math.max(min, Math.round(value)));
}
