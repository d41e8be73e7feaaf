import { DEFAULT_SETTINGS, type InvalidInputError } from '@switchgear/conventions';
import { describe, expect, test } from 'vitest';
import { parseInventory } from '../../../src/control-plane/opamp/inventory-check.ts';

const CURRENT = {
  ...DEFAULT_SETTINGS,
  cooldownMs: { baseMs: 1_000, maxMs: 60_000, factor: 2, jitter: 0.5 },
  halfOpen: { ...DEFAULT_SETTINGS.halfOpen, ramp: [0.1, 0.5] },
};

/** What the first version of the library reported. */
const OLDEST = {
  trip: { failureRatio: 0.4, minimumCalls: 20, failures: null, windowMs: 10_000 },
  cooldownMs: 30_000,
  halfOpen: { probes: 3, probeTimeoutMs: 10_000 },
  timeoutMs: 10_000,
};

describe('the inventory of a library as old as this control plane', () => {
  test('is read as it stands', () => {
    const document = report(CURRENT, { applied: { revision: 3, status: 'failed', error: 'why' } });
    expect(read(document)).toEqual(document);
  });
});

describe('the inventory of an older library', () => {
  test('is taken, and what it cannot do reads as turned off', () => {
    expect(settingsOf(read(report(OLDEST)))).toEqual({
      trip: {
        ...OLDEST.trip,
        consecutive: null,
        slowRatio: null,
        slowMs: null,
        countOverdue: false,
        windowCalls: null,
        debounceMs: null,
      },
      cooldownMs: 30_000,
      halfOpen: { ...OLDEST.halfOpen, ramp: [], rampStepMs: 1_000 },
      timeoutMs: 10_000,
      maxConcurrent: null,
    });
  });

  test('keeps the later settings that it has', () => {
    const { trip } = settingsOf(read(report({ ...OLDEST, trip: { ...OLDEST.trip, slowMs: 500 } })));
    expect(trip).toMatchObject({ slowMs: 500, slowRatio: null });
  });
});

describe('the inventory of a newer library', () => {
  test('is taken without what is not known here, wherever that stands', () => {
    const applied = { revision: 1, status: 'applied' };
    const document = report(CURRENT, { applied });
    const { payments } = document.breakers;
    const newer = {
      schema: 'switchgear.inventory/v1',
      zone: 'b',
      breakers: {
        payments: {
          ...payments,
          settings: {
            ...CURRENT,
            trip: { ...CURRENT.trip, percentile: 99 },
            cooldownMs: { ...CURRENT.cooldownMs, curve: 'linear' },
            halfOpen: { ...CURRENT.halfOpen, hold: { calls: 3 } },
            bulkhead: { queue: 10 },
          },
          neutralWires: payments.neutralWires.map((wire) => ({ ...wire, colour: 'blue' })),
          applied: { ...applied, at: '2026-01-01T00:00:00Z' },
          keys: ['a', 'b'],
        },
      },
    };
    expect(read(newer)).toEqual(document);
  });
});

describe('what is known is checked all the same', () => {
  test.each([
    ['settings.trip.slowRatio', { ...CURRENT, trip: { ...CURRENT.trip, slowRatio: 2 } }, 'must be in (0, 1]', 2],
    [
      'settings.trip.countOverdue',
      { ...CURRENT, trip: { ...CURRENT.trip, countOverdue: 1 } },
      'must be true or false',
      1,
    ],
    [
      'settings.trip.windowMs',
      { ...CURRENT, trip: { failureRatio: 1, minimumCalls: 1, failures: 1 } },
      'must be there',
      undefined,
    ],
    ['settings.halfOpen.probes', { ...CURRENT, halfOpen: { probeTimeoutMs: 1 } }, 'must be there', undefined],
    [
      'settings.cooldownMs.maxMs',
      { ...CURRENT, cooldownMs: { baseMs: 1, factor: 2, jitter: 0 } },
      'must be there',
      undefined,
    ],
    [
      'settings.cooldownMs.jitter',
      { ...CURRENT, cooldownMs: { ...CURRENT.cooldownMs, jitter: 2 } },
      'must be from 0 to 1',
      2,
    ],
    ['settings.halfOpen', { ...CURRENT, halfOpen: [] }, 'must be an object', []],
    ['settings', 'fast', 'must be an object', 'fast'],
  ])('%s', (field, settings, rule, value) => {
    expect(problemsOf(report(settings))).toEqual([{ field: `file.breakers.payments.${field}`, rule, value }]);
  });

  test.each([
    ['', null],
    ['', []],
    ['.schema', { schema: 'v9', breakers: {} }],
    ['.breakers', { schema: 'switchgear.inventory/v1', breakers: [] }],
    ['.breakers.payments', { schema: 'switchgear.inventory/v1', breakers: { payments: 'open' } }],
    ['.breakers.payments.neutralWires', report(CURRENT, { neutralWires: {} })],
    ['.breakers.payments.neutralWires[0].kind', report(CURRENT, { neutralWires: [{ name: 'orders' }] })],
  ])('file%s', (field, document) => {
    expect(problemsOf(document).map((problem) => problem.field)).toEqual([`file${field}`]);
  });

  test('a breaker named like what every object has is read like any other', () => {
    const text = JSON.stringify(report(CURRENT)).replace('"payments"', '"__proto__"');
    expect(Object.keys(parseInventory(Buffer.from(text), 'file').breakers)).toEqual(['__proto__']);
  });
});

function report(settings: unknown, parts: Record<string, unknown> = {}) {
  const neutralWires = [{ name: 'orders', kind: 'buffer', capacity: 100 }];
  const payments = { state: 'closed', generation: 0, settings, neutralWires, ...parts };
  return { schema: 'switchgear.inventory/v1', breakers: { payments } };
}

function read(document: unknown) {
  return parseInventory(Buffer.from(JSON.stringify(document)), 'file');
}

function settingsOf({ breakers }: ReturnType<typeof read>) {
  return breakers.payments!.settings;
}

function problemsOf(document: unknown) {
  try {
    read(document);
  } catch (error) {
    return (error as InvalidInputError).problems;
  }
  throw new Error('it was taken');
}
