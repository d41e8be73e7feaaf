import { type Check, integer, isRecord, nullable, number, object, text } from './checks.ts';
import type { Problem } from './problem.ts';

/** When a breaker trips. Several rules may stand together; the first that is met trips it. */
export interface TripSettings {
  /** Failures and timeouts as a share of the window's calls at which it trips, in (0, 1]. `null` turns the rule off. */
  readonly failureRatio: number | null;
  /**
   * Executed calls the window must hold before a ratio is judged, 1 to 1,000,000. Of a window of `windowCalls` calls it
   * never asks for more than it can hold.
   */
  readonly minimumCalls: number;
  /** Failures and timeouts in the window at which it trips, 1 to 1,000,000. `null` turns the rule off. */
  readonly failures: number | null;
  /** Failures and timeouts in a row, however far apart, at which it trips, 1 to 1,000,000. `null` turns the rule off. */
  readonly consecutive: number | null;
  /** Slow calls as a share of the window's calls at which it trips, in (0, 1]. `null` turns the rule off. */
  readonly slowRatio: number | null;
  /** Milliseconds beyond which an executed call counts as slow, 1 to 86,400,000. `null` turns the count off. */
  readonly slowMs: number | null;
  /** A call in flight for longer than `slowMs` counts as slow at once, and not only when it ends. */
  readonly countOverdue: boolean;
  /** Length of the sliding window in milliseconds, 100 to 86,400,000 (a day). */
  readonly windowMs: number;
  /** Makes the window one of the last so many executed calls, whatever their age, 1 to 1,000. `null`: of `windowMs`. */
  readonly windowCalls: number | null;
  /**
   * Milliseconds after a counted failure in which further ones are not judged at all, 1 to 86,400,000: one burst of errors
   * counts once. Probes are always judged. `null` turns it off.
   */
  readonly debounceMs: number | null;
}

/** A cooldown that grows with each trip that no reset came between. */
export interface CooldownBackoff {
  /** The first cooldown in milliseconds, 1 to 86,400,000. */
  readonly baseMs: number;
  /** The longest, in milliseconds, 1 to 86,400,000; default ten times `baseMs`, at most a day. */
  readonly maxMs: number;
  /** What each further one is multiplied by, 1 to 100; default 2. */
  readonly factor: number;
  /**
   * The share of a cooldown that is left to chance, 0 to 1: it lasts from `1 - jitter` of its length to all of it.
   * Default 1, which AWS calls full jitter: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
   */
  readonly jitter: number;
}

/** How it finds out that the dependency is well again. */
export interface HalfOpenSettings {
  /** Good probes needed before traffic returns, 1 to 1,000; as many are out at a time, but never more than 16. */
  readonly probes: number;
  /** Milliseconds after which a probe that has not answered counts as failed, 1 to 86,400,000. */
  readonly probeTimeoutMs: number;
  /**
   * After good probes, the shares of calls let through in steps, each in (0, 1) and above the one before, at most 10.
   * Empty: all of them at once.
   */
  readonly ramp: readonly number[];
  /** Least time of a step of the ramp in milliseconds, 1 to 86,400,000. A step also needs a call to judge it by. */
  readonly rampStepMs: number;
}

/** The numbers of a breaker that can be changed while it runs. */
export interface BreakerSettings {
  readonly trip: TripSettings;
  /** Milliseconds a breaker stays open before it lets probes through, 1 to 86,400,000; or how they grow. */
  readonly cooldownMs: number | CooldownBackoff;
  readonly halfOpen: HalfOpenSettings;
  /** Milliseconds after which a call is aborted and counts as a timeout, 1 to 86,400,000; `null` waits for ever. */
  readonly timeoutMs: number | null;
  /** Most calls in flight, 1 to 1,000,000; one more is `limited`, which is no failure. `null`: no limit. */
  readonly maxConcurrent: number | null;
}

type Patch<Settings> = { readonly [Key in keyof Settings]?: Settings[Key] | undefined };

/** A change to some of a breaker's settings; what it does not name stays as it was. */
export interface SettingsPatch {
  readonly trip?: Patch<TripSettings> | undefined;
  /** An object replaces the whole of it: what it leaves out takes its default. */
  readonly cooldownMs?: number | (Pick<CooldownBackoff, 'baseMs'> & Patch<CooldownBackoff>) | undefined;
  readonly halfOpen?: Patch<HalfOpenSettings> | undefined;
  readonly timeoutMs?: number | null | undefined;
  readonly maxConcurrent?: number | null | undefined;
}

const DAY_MS = 86_400_000;

/**
 * Settings that suit a call to another HTTP service. No call is aborted that would have had its answer without a breaker;
 * a dependency that hangs is noticed all the same, since calls past `slowMs` count while they are in flight.
 */
export const DEFAULT_SETTINGS: BreakerSettings = {
  trip: {
    failureRatio: 0.5,
    minimumCalls: 20,
    failures: null,
    consecutive: null,
    slowRatio: 0.5,
    slowMs: 10_000,
    countOverdue: true,
    windowMs: 10_000,
    windowCalls: null,
    debounceMs: null,
  },
  cooldownMs: 30_000,
  halfOpen: { probes: 3, probeTimeoutMs: 10_000, ramp: [], rampStepMs: 1_000 },
  timeoutMs: null,
  maxConcurrent: null,
};

/**
 * What one setting may be: a whole number from `min` to `max`; a number from `min` to `max`; a ratio above `min` and up to
 * `max`; a list of at most `most` rising ratios below 1; or true or false.
 */
export type SettingLimit =
  | {
      readonly kind: 'integer' | 'number' | 'ratio';
      readonly min: number;
      readonly max: number;
      /** `null` turns the setting off. */
      readonly nullable: boolean;
    }
  | { readonly kind: 'risingRatios'; readonly most: number }
  | { readonly kind: 'boolean' };

const ratio = { kind: 'ratio', min: 0, max: 1, nullable: true } as const;
const calls = { kind: 'integer', min: 1, max: 1_000_000, nullable: false } as const;
const durationMs = { kind: 'integer', min: 1, max: DAY_MS, nullable: false } as const;
const canBeOff = { nullable: true } as const;

/** The limits of every setting, by its path: what is checked here, and what the API's schema is made from. */
export const SETTINGS_LIMITS = {
  trip: {
    failureRatio: ratio,
    minimumCalls: calls,
    failures: { ...calls, ...canBeOff },
    consecutive: { ...calls, ...canBeOff },
    slowRatio: ratio,
    slowMs: { ...durationMs, ...canBeOff },
    countOverdue: { kind: 'boolean' },
    windowMs: { ...durationMs, min: 100 },
    windowCalls: { ...calls, max: 1_000, ...canBeOff },
    debounceMs: { ...durationMs, ...canBeOff },
  },
  /** Of a fixed cooldown. */
  cooldownMs: durationMs,
  /** Of one that grows: all but `baseMs` may be left out. */
  cooldownBackoff: {
    baseMs: durationMs,
    maxMs: durationMs,
    factor: { kind: 'number', min: 1, max: 100, nullable: false },
    jitter: { kind: 'number', min: 0, max: 1, nullable: false },
  },
  halfOpen: {
    probes: { ...calls, max: 1_000 },
    probeTimeoutMs: durationMs,
    ramp: { kind: 'risingRatios', most: 10 },
    rampStepMs: durationMs,
  },
  timeoutMs: { ...durationMs, ...canBeOff },
  maxConcurrent: { ...calls, ...canBeOff },
} as const satisfies {
  readonly trip: Record<keyof TripSettings, SettingLimit>;
  readonly cooldownMs: SettingLimit;
  readonly cooldownBackoff: Record<keyof CooldownBackoff, SettingLimit>;
  readonly halfOpen: Record<keyof HalfOpenSettings, SettingLimit>;
  readonly timeoutMs: SettingLimit;
  readonly maxConcurrent: SettingLimit;
};

const fixedCooldown = checkOf(SETTINGS_LIMITS.cooldownMs);
const { baseMs: baseMsCheck, ...growthChecks } = checksOf(SETTINGS_LIMITS.cooldownBackoff);
const growingCooldown = object({ baseMs: baseMsCheck! }, growthChecks);

/** The rule of every setting, by its path. */
export const SETTINGS_CHECKS = {
  trip: object({}, checksOf(SETTINGS_LIMITS.trip)),
  cooldownMs: (value, field) => (isRecord(value) ? growingCooldown(value, field) : fixedCooldown(value, field)),
  halfOpen: object({}, checksOf(SETTINGS_LIMITS.halfOpen)),
  timeoutMs: checkOf(SETTINGS_LIMITS.timeoutMs),
  maxConcurrent: checkOf(SETTINGS_LIMITS.maxConcurrent),
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

/** Lays a patch over settings. What results is to be checked by `checkSettingsRules`. */
export function applySettings(base: BreakerSettings, patch: SettingsPatch): BreakerSettings {
  return {
    trip: patch.trip ? { ...base.trip, ...defined(patch.trip) } : base.trip,
    cooldownMs: patch.cooldownMs === undefined ? base.cooldownMs : cooldownOf(patch.cooldownMs),
    halfOpen: patch.halfOpen ? { ...base.halfOpen, ...defined(patch.halfOpen) } : base.halfOpen,
    timeoutMs: patch.timeoutMs === undefined ? base.timeoutMs : patch.timeoutMs,
    maxConcurrent: patch.maxConcurrent === undefined ? base.maxConcurrent : patch.maxConcurrent,
  };
}

/** The rules that settings must keep together. */
export function checkSettingsRules({ trip, cooldownMs }: BreakerSettings): Problem[] {
  const problems: Problem[] = [];
  // A breaker without a rule would never trip, which is what `disabled` is for.
  if ([trip.failureRatio, trip.failures, trip.consecutive, trip.slowRatio].every((rule) => rule === null)) {
    const rule = 'must keep at least one of failureRatio, failures, consecutive and slowRatio';
    problems.push({ field: 'trip', rule, value: trip });
  }
  if (trip.slowRatio !== null && trip.slowMs === null) {
    problems.push({ field: 'trip.slowMs', rule: 'must be set where slowRatio is', value: trip.slowMs });
  }
  if (typeof cooldownMs === 'object' && cooldownMs.maxMs < cooldownMs.baseMs) {
    problems.push({ field: 'cooldownMs.maxMs', rule: 'must not be below baseMs', value: cooldownMs.maxMs });
  }
  return problems;
}

function cooldownOf(cooldown: NonNullable<SettingsPatch['cooldownMs']>): BreakerSettings['cooldownMs'] {
  if (typeof cooldown === 'number') return cooldown;
  const { baseMs, maxMs = Math.min(baseMs * 10, DAY_MS), factor = 2, jitter = 1 } = cooldown;
  return { baseMs, maxMs, factor, jitter };
}

function defined<T extends object>(patch: T): { [Key in keyof T]: Exclude<T[Key], undefined> } {
  const entries = Object.entries(patch).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [Key in keyof T]: Exclude<T[Key], undefined> };
}

function checksOf(limits: Readonly<Record<string, SettingLimit>>): Record<string, Check> {
  return Object.fromEntries(Object.entries(limits).map(([key, limit]) => [key, checkOf(limit)]));
}

function checkOf(limit: SettingLimit): Check {
  switch (limit.kind) {
    case 'boolean':
      return boolean;
    case 'risingRatios':
      return risingRatios(limit.most);
    default: {
      const check = numberCheckOf(limit);
      return limit.nullable ? nullable(check) : check;
    }
  }
}

function numberCheckOf({ kind, min, max }: Extract<SettingLimit, { min: number }>): Check {
  if (kind === 'integer') return integer(min, max);
  return kind === 'ratio'
    ? number(`must be in (${min}, ${max}]`, (value) => value > min && value <= max)
    : number(`must be from ${min} to ${max}`, (value) => value >= min && value <= max);
}

function boolean(value: unknown, field: string): Problem[] {
  return typeof value === 'boolean' ? [] : [{ field, rule: 'must be true or false', value }];
}

function risingRatios(most: number): Check {
  const rule = `must be a list of at most ${most} numbers in (0, 1), each above the one before`;
  return (value, field) => {
    const rises = (list: readonly unknown[]) =>
      list.every((share, index) => {
        const before = index === 0 ? 0 : (list[index - 1] as number);
        return typeof share === 'number' && share > before && share < 1;
      });
    return Array.isArray(value) && value.length <= most && rises(value) ? [] : [{ field, rule, value }];
  };
}
