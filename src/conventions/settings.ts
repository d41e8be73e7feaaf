import { type Check, integer, isRecord, nullable, number, object, text } from './checks.ts';
import type { Problem } from './problem.ts';

/** When a breaker trips. Both rules may stand together; either trips it. */
export interface TripSettings {
  /** Failures and timeouts as a share of executed calls at which it trips, in (0, 1]. `null` turns the rule off. */
  readonly failureRatio: number | null;
  /** Executed calls the window must hold before the ratio is judged, 1 to 1,000,000. */
  readonly minimumCalls: number;
  /** Failures and timeouts in the window at which it trips, 1 to 1,000,000. `null` turns the rule off. */
  readonly failures: number | null;
  /** Length of the sliding window in milliseconds, 100 to 86,400,000 (a day). */
  readonly windowMs: number;
  /** Milliseconds beyond which an executed call counts as slow, 1 to 86,400,000. `null` turns the count off. */
  readonly slowMs: number | null;
}

/** How it finds out that the dependency is well again. */
export interface HalfOpenSettings {
  /** Probes at a time, and good probes needed for a reset, 1 to 1,000. */
  readonly probes: number;
  /** Milliseconds after which a probe that has not answered counts as failed, 1 to 86,400,000. */
  readonly probeTimeoutMs: number;
}

/** The numbers of a breaker that can be changed while it runs. */
export interface BreakerSettings {
  readonly trip: TripSettings;
  /** Milliseconds a breaker stays open before it lets probes through, 1 to 86,400,000. */
  readonly cooldownMs: number;
  readonly halfOpen: HalfOpenSettings;
  /** Milliseconds after which a call is aborted and counts as a timeout, 1 to 86,400,000; `null` waits for ever. */
  readonly timeoutMs: number | null;
}

/** A change to some of a breaker's settings; what it does not name stays as it was. */
export interface SettingsPatch {
  readonly trip?: { readonly [Key in keyof TripSettings]?: TripSettings[Key] | undefined } | undefined;
  readonly cooldownMs?: number | undefined;
  readonly halfOpen?: { readonly [Key in keyof HalfOpenSettings]?: HalfOpenSettings[Key] | undefined } | undefined;
  readonly timeoutMs?: number | null | undefined;
}

/** Settings that suit a call to another HTTP service. */
export const DEFAULT_SETTINGS: BreakerSettings = {
  trip: { failureRatio: 0.5, minimumCalls: 20, failures: null, windowMs: 10_000, slowMs: 5_000 },
  cooldownMs: 30_000,
  halfOpen: { probes: 3, probeTimeoutMs: 10_000 },
  timeoutMs: 10_000,
};

/** What one setting may be: a whole number from `min` to `max`, or a ratio above `min` and up to `max`. */
export interface SettingLimit {
  readonly kind: 'integer' | 'ratio';
  readonly min: number;
  readonly max: number;
  /** `null` turns the setting off. */
  readonly nullable: boolean;
}

const DAY_MS = 86_400_000;
const ratio = { kind: 'ratio', min: 0, max: 1, nullable: true } as const;
const calls = { kind: 'integer', min: 1, max: 1_000_000, nullable: false } as const;
const durationMs = { kind: 'integer', min: 1, max: DAY_MS, nullable: false } as const;

/** The limits of every setting, by its path: what is checked here, and what the API's schema is made from. */
export const SETTINGS_LIMITS = {
  trip: {
    failureRatio: ratio,
    minimumCalls: calls,
    failures: { ...calls, nullable: true },
    windowMs: { ...durationMs, min: 100 },
    slowMs: { ...durationMs, nullable: true },
  },
  cooldownMs: durationMs,
  halfOpen: { probes: { ...calls, max: 1_000 }, probeTimeoutMs: durationMs },
  timeoutMs: { ...durationMs, nullable: true },
} as const satisfies {
  readonly trip: Record<keyof TripSettings, SettingLimit>;
  readonly cooldownMs: SettingLimit;
  readonly halfOpen: Record<keyof HalfOpenSettings, SettingLimit>;
  readonly timeoutMs: SettingLimit;
};

/** The rule of every setting, by its path. */
export const SETTINGS_CHECKS = {
  trip: object({}, checksOf(SETTINGS_LIMITS.trip)),
  cooldownMs: checkOf(SETTINGS_LIMITS.cooldownMs),
  halfOpen: object({}, checksOf(SETTINGS_LIMITS.halfOpen)),
  timeoutMs: checkOf(SETTINGS_LIMITS.timeoutMs),
} as const satisfies Record<keyof BreakerSettings, Check>;

/** A patch: any of the settings, and nothing else. */
export const settingsPatch: Check = object({}, SETTINGS_CHECKS);

/** The rule of a breaker's name: it becomes a metric attribute, so it is short and has no control characters. */
export const breakerName: Check = (value, field) => {
  const problems = text(1, 120)(value, field);
  if (problems.length > 0) return problems;
  return /^[^\p{C}\s](?:[^\p{C}]*[^\p{C}\s])?$/u.test(value as string)
    ? []
    : [{ field, rule: 'must not contain control characters or begin or end with a space', value }];
};

/** What is wrong with a patch, at `field`; an empty list where nothing is. */
export function checkSettingsPatch(value: unknown, field = ''): Problem[] {
  return settingsPatch(value, field);
}

/** Lays a patch over settings. A trip rule needs one of its two rules: what is left is checked by `checkTripRules`. */
export function applySettings(base: BreakerSettings, patch: SettingsPatch): BreakerSettings {
  return {
    trip: { ...base.trip, ...defined(patch.trip) },
    cooldownMs: patch.cooldownMs ?? base.cooldownMs,
    halfOpen: { ...base.halfOpen, ...defined(patch.halfOpen) },
    timeoutMs: patch.timeoutMs === undefined ? base.timeoutMs : patch.timeoutMs,
  };
}

/** A breaker with neither rule would never trip, which is what `disabled` is for. */
export function checkTripRules(settings: BreakerSettings, field = 'trip'): Problem[] {
  return settings.trip.failureRatio === null && settings.trip.failures === null
    ? [{ field, rule: 'must keep at least one of failureRatio and failures', value: settings.trip }]
    : [];
}

function defined<T extends object>(patch: T | undefined): { [Key in keyof T]: Exclude<T[Key], undefined> } {
  const entries = isRecord(patch) ? Object.entries(patch).filter(([, value]) => value !== undefined) : [];
  return Object.fromEntries(entries) as { [Key in keyof T]: Exclude<T[Key], undefined> };
}

function checksOf(limits: Readonly<Record<string, SettingLimit>>): Record<string, Check> {
  return Object.fromEntries(Object.entries(limits).map(([key, limit]) => [key, checkOf(limit)]));
}

function checkOf({ kind, min, max, nullable: canBeOff }: SettingLimit): Check {
  const check =
    kind === 'integer'
      ? integer(min, max)
      : number(`must be in (${min}, ${max}]`, (value) => value > min && value <= max);
  return canBeOff ? nullable(check) : check;
}
