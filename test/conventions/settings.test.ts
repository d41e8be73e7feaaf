import {
  ATTR,
  applySettings,
  checkSettingsPatch,
  checkSettingsRules,
  DEFAULT_SETTINGS,
  describeProblem,
  EVENTS,
  InvalidInputError,
  METRICS,
  SETTINGS_LIMITS,
  type SettingsPatch,
  timestamp,
} from '@switchgear/conventions';
import { describe, expect, test } from 'vitest';

describe('settings', () => {
  test('a patch changes what it names and nothing else, and leaves its base as it was', () => {
    const before = structuredClone(DEFAULT_SETTINGS);
    const after = applySettings(DEFAULT_SETTINGS, { trip: { failures: 5 }, timeoutMs: null });
    expect(after).toEqual({ ...before, trip: { ...before.trip, failures: 5 }, timeoutMs: null });
    expect(DEFAULT_SETTINGS).toEqual(before);
  });

  test('undefined in a patch stands for nothing said', () => {
    const patch = { trip: { windowMs: undefined }, cooldownMs: undefined, halfOpen: undefined, timeoutMs: undefined };
    expect(applySettings(DEFAULT_SETTINGS, patch)).toEqual(DEFAULT_SETTINGS);
  });

  test('a list and a cooldown are replaced whole', () => {
    const base = applySettings(DEFAULT_SETTINGS, {
      halfOpen: { ramp: [0.1, 0.5] },
      cooldownMs: { baseMs: 100, factor: 3, jitter: 0 },
    });
    const after = applySettings(base, { halfOpen: { ramp: [0.2] }, cooldownMs: { baseMs: 200 } });
    expect(after.halfOpen.ramp).toEqual([0.2]);
    expect(after.cooldownMs).toEqual({ baseMs: 200, maxMs: 2_000, factor: 2, jitter: 1 });
    expect(applySettings(after, { cooldownMs: 5_000 }).cooldownMs).toBe(5_000);
  });

  test('a cooldown that says nothing of its longest goes to ten times its first, at most a day', () => {
    const longest = (cooldownMs: SettingsPatch['cooldownMs']) =>
      applySettings(DEFAULT_SETTINGS, { cooldownMs }).cooldownMs;
    expect(longest({ baseMs: 1_000 })).toMatchObject({ maxMs: 10_000 });
    expect(longest({ baseMs: 50_000_000 })).toMatchObject({ maxMs: 86_400_000 });
    expect(longest({ baseMs: 1_000, maxMs: 1_500 })).toMatchObject({ maxMs: 1_500 });
  });

  test('of every group of settings each can be patched alone', () => {
    const patch: SettingsPatch = {
      trip: {
        failureRatio: null,
        minimumCalls: 1,
        failures: 2,
        consecutive: 3,
        slowRatio: 0.1,
        slowMs: 4,
        countOverdue: false,
        windowMs: 500,
        windowCalls: 6,
        debounceMs: 7,
      },
      cooldownMs: 8,
      halfOpen: { probes: 9, probeTimeoutMs: 10, ramp: [0.5], rampStepMs: 11 },
      timeoutMs: 12,
      maxConcurrent: 13,
    };
    expect(applySettings(DEFAULT_SETTINGS, patch)).toEqual(patch);
    for (const group of ['trip', 'halfOpen'] as const) {
      for (const [key, value] of Object.entries(patch[group]!)) {
        const after = applySettings(DEFAULT_SETTINGS, { [group]: { [key]: value } });
        expect(after).toEqual({ ...DEFAULT_SETTINGS, [group]: { ...DEFAULT_SETTINGS[group], [key]: value } });
      }
    }
  });
});

describe('the defaults', () => {
  test('keep every rule', () => {
    expect(checkSettingsPatch(DEFAULT_SETTINGS)).toEqual([]);
    expect(checkSettingsRules(DEFAULT_SETTINGS)).toEqual([]);
  });

  test('have every setting that has a limit, and no other', () => {
    const { cooldownBackoff: _, ...limits } = SETTINGS_LIMITS;
    expect(Object.keys(DEFAULT_SETTINGS)).toEqual(Object.keys(limits));
    expect(Object.keys(DEFAULT_SETTINGS.trip)).toEqual(Object.keys(limits.trip));
    expect(Object.keys(DEFAULT_SETTINGS.halfOpen)).toEqual(Object.keys(limits.halfOpen));
  });

  test('abort no call, limit none, and trip for what fails or hangs', () => {
    expect(DEFAULT_SETTINGS).toMatchObject({
      trip: { failureRatio: 0.5, slowRatio: 0.5, slowMs: 10_000, countOverdue: true },
      halfOpen: { ramp: [] },
      timeoutMs: null,
      maxConcurrent: null,
    });
  });
});

describe('one setting', () => {
  const ratio = 'must be in (0, 1]';
  const calls = 'must be an integer from 1 to 1000000';
  const day = 'must be an integer from 1 to 86400000';
  const shares = 'must be a list of at most 10 numbers in (0, 1), each above the one before';
  test.each<[string, SettingsPatch, string, unknown]>([
    ['trip.failureRatio', { trip: { failureRatio: 0 } }, ratio, 0],
    ['trip.failureRatio', { trip: { failureRatio: Number.NaN } }, ratio, Number.NaN],
    ['trip.minimumCalls', { trip: { minimumCalls: 0 } }, calls, 0],
    ['trip.failures', { trip: { failures: 1.5 } }, calls, 1.5],
    ['trip.consecutive', { trip: { consecutive: 0 } }, calls, 0],
    ['trip.consecutive', { trip: { consecutive: 1_000_001 } }, calls, 1_000_001],
    ['trip.slowRatio', { trip: { slowRatio: 1.01 } }, ratio, 1.01],
    ['trip.slowMs', { trip: { slowMs: 0 } }, day, 0],
    ['trip.countOverdue', { trip: { countOverdue: null as unknown as boolean } }, 'must be true or false', null],
    ['trip.windowMs', { trip: { windowMs: 99 } }, 'must be an integer from 100 to 86400000', 99],
    ['trip.windowCalls', { trip: { windowCalls: 1_001 } }, 'must be an integer from 1 to 1000', 1_001],
    ['trip.debounceMs', { trip: { debounceMs: 0 } }, day, 0],
    ['cooldownMs', { cooldownMs: 0 }, day, 0],
    ['cooldownMs', { cooldownMs: null as unknown as number }, day, null],
    ['cooldownMs.baseMs', { cooldownMs: { baseMs: 0 } }, day, 0],
    ['cooldownMs.baseMs', { cooldownMs: {} as { baseMs: number } }, day, undefined],
    ['cooldownMs.maxMs', { cooldownMs: { baseMs: 1, maxMs: 86_400_001 } }, day, 86_400_001],
    ['cooldownMs.factor', { cooldownMs: { baseMs: 1, factor: 0.9 } }, 'must be from 1 to 100', 0.9],
    ['cooldownMs.jitter', { cooldownMs: { baseMs: 1, jitter: 1.1 } }, 'must be from 0 to 1', 1.1],
    ['halfOpen.probes', { halfOpen: { probes: 1_001 } }, 'must be an integer from 1 to 1000', 1_001],
    ['halfOpen.probeTimeoutMs', { halfOpen: { probeTimeoutMs: 0 } }, day, 0],
    ['halfOpen.ramp', { halfOpen: { ramp: [0] } }, shares, [0]],
    ['halfOpen.ramp', { halfOpen: { ramp: [1] } }, shares, [1]],
    ['halfOpen.ramp', { halfOpen: { ramp: [0.5, 0.5] } }, shares, [0.5, 0.5]],
    ['halfOpen.ramp', { halfOpen: { ramp: [Number.NaN, 0.5] } }, shares, [Number.NaN, 0.5]],
    ['halfOpen.ramp', { halfOpen: { ramp: 0.5 as unknown as number[] } }, shares, 0.5],
    ['halfOpen.rampStepMs', { halfOpen: { rampStepMs: 0 } }, day, 0],
    ['timeoutMs', { timeoutMs: 0 }, day, 0],
    ['maxConcurrent', { maxConcurrent: 0 }, calls, 0],
    ['maxConcurrent', { maxConcurrent: 1_000_001 }, calls, 1_000_001],
  ])('%s out of its range is named: %j', (field, patch, rule, value) => {
    expect(checkSettingsPatch(patch)).toEqual([{ field, rule, value }]);
    expect(checkSettingsPatch(patch, 'config')).toMatchObject([{ field: `config.${field}` }]);
  });

  test('a ramp has at most ten steps', () => {
    const ramp = Array.from({ length: 11 }, (_, step) => (step + 1) / 12);
    expect(checkSettingsPatch({ halfOpen: { ramp: ramp.slice(1) } })).toEqual([]);
    expect(checkSettingsPatch({ halfOpen: { ramp } })).toHaveLength(1);
  });

  test('null turns off what can be off, and nothing else', () => {
    const offOf = (limits: object) =>
      Object.entries(limits)
        .filter(([, limit]) => (limit as { nullable?: boolean }).nullable)
        .map(([key]) => key);
    expect(offOf(SETTINGS_LIMITS.trip)).toEqual([
      'failureRatio',
      'failures',
      'consecutive',
      'slowRatio',
      'slowMs',
      'windowCalls',
      'debounceMs',
    ]);
    expect(offOf(SETTINGS_LIMITS.halfOpen)).toEqual([]);
    expect(offOf(SETTINGS_LIMITS.cooldownBackoff)).toEqual([]);
    expect(offOf(SETTINGS_LIMITS)).toEqual(['timeoutMs', 'maxConcurrent']);
    for (const key of Object.keys(SETTINGS_LIMITS.trip)) {
      const accepted = checkSettingsPatch({ trip: { [key]: null } }).length === 0;
      expect(accepted, key).toBe(offOf(SETTINGS_LIMITS.trip).includes(key));
    }
  });
});

describe('settings together', () => {
  const none = applySettings(DEFAULT_SETTINGS, { trip: { failureRatio: null, slowRatio: null } });

  test('keep at least one rule to trip by, whichever it is', () => {
    expect(checkSettingsRules(none)).toEqual([
      {
        field: 'trip',
        rule: 'must keep at least one of failureRatio, failures, consecutive and slowRatio',
        value: none.trip,
      },
    ]);
    for (const trip of [{ failureRatio: 0.5 }, { failures: 1 }, { consecutive: 1 }, { slowRatio: 0.5 }])
      expect(checkSettingsRules(applySettings(none, { trip }))).toEqual([]);
  });

  test('judge slowness only where slow is defined', () => {
    const trip = { slowMs: null };
    expect(checkSettingsRules(applySettings(DEFAULT_SETTINGS, { trip }))).toEqual([
      { field: 'trip.slowMs', rule: 'must be set where slowRatio is', value: null },
    ]);
    expect(checkSettingsRules(applySettings(none, { trip: { ...trip, failures: 1 } }))).toEqual([]);
  });

  test('have a longest cooldown that is not below the first', () => {
    const cooldown = (maxMs: number) => applySettings(DEFAULT_SETTINGS, { cooldownMs: { baseMs: 1_000, maxMs } });
    expect(checkSettingsRules(cooldown(999))).toEqual([
      { field: 'cooldownMs.maxMs', rule: 'must not be below baseMs', value: 999 },
    ]);
    expect(checkSettingsRules(cooldown(1_000))).toEqual([]);
  });
});

describe('a problem in words', () => {
  test.each([
    [5, '5'],
    [undefined, 'nothing'],
    [null, 'null'],
    ['x', '"x"'],
    [Number.NaN, 'NaN'],
    [() => 1, 'a function'],
    ['y'.repeat(200), `"${'y'.repeat(79)}…`],
  ])('%j is shown as %s', (value, shown) => {
    expect(describeProblem({ field: 'f', rule: 'must be so', value })).toBe(`\`f\` must be so, got ${shown}`);
  });

  test('a value that has no JSON does not throw', () => {
    expect(describeProblem({ field: 'f', rule: 'must be so', value: 7n })).toBe('`f` must be so, got 7');
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    expect(new InvalidInputError([{ field: 'f', rule: 'is odd', value: circular }]).message).toContain(
      '[object Object]',
    );
  });
});

test.each(['2026-02-30T00:00:00Z', '2026-01-01T25:00:00Z', '2026-01-01T00:00:00', '2026-13-01T00:00:00Z', 5, ''])(
  '%j is no time',
  (value) => {
    expect(timestamp(value, 'at')).toHaveLength(1);
  },
);

test('no two metrics, attributes or events share a name', () => {
  for (const names of [
    Object.values(METRICS).map(({ name }) => name),
    Object.values(METRICS).map(({ prometheus }) => prometheus),
    Object.values(EVENTS).map(({ name }) => name),
    Object.values(ATTR),
  ]) {
    expect(new Set(names).size).toBe(names.length);
  }
  expect(Object.keys(METRICS)).toHaveLength(17);
});
