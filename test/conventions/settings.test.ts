import {
  ATTR,
  applySettings,
  checkTripRules,
  DEFAULT_SETTINGS,
  describeProblem,
  EVENTS,
  InvalidInputError,
  METRICS,
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

  test('one of the two trip rules has to stand', () => {
    const none = applySettings(DEFAULT_SETTINGS, { trip: { failureRatio: null } });
    expect(checkTripRules(none)).toMatchObject([{ field: 'trip' }]);
    expect(checkTripRules(applySettings(none, { trip: { failures: 1 } }))).toEqual([]);
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
