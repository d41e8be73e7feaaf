import { type BreakerSettings, checkSettingsRules, DEFAULT_SETTINGS } from '@switchgear/conventions';
import { expect, test } from 'vitest';
import { SharedSettings } from '../../../src/breaker/memory/shared-settings.ts';

/** Each setting as long as it can be written. */
const LONGEST: BreakerSettings = {
  trip: {
    failureRatio: 0.12345678901234568,
    minimumCalls: 1_000_000,
    failures: 1_000_000,
    consecutive: 1_000_000,
    slowRatio: 1.2345678901234568e-300,
    slowMs: 86_399_999,
    countOverdue: false,
    windowMs: 86_399_999,
    windowCalls: 1_000,
    debounceMs: 86_399_999,
  },
  cooldownMs: { baseMs: 86_399_999, maxMs: 86_400_000, factor: 99.12345678901234, jitter: 1.2345678901234568e-300 },
  halfOpen: {
    probes: 1_000,
    probeTimeoutMs: 86_399_999,
    ramp: Array.from({ length: 10 }, (_, step) => (step + 1.2345678901234567) * 1e-300),
    rampStepMs: 86_399_999,
  },
  timeoutMs: 86_399_999,
  maxConcurrent: 1_000_000,
};

test('settings come back as they were written, once each time they change', () => {
  const owner = new SharedSettings();
  const other = new SharedSettings(owner.buffer);
  expect(other.readIfChanged()).toBeUndefined();
  for (let change = 1; change <= 5; change++) {
    const settings = withTimeout(change);
    owner.write(settings);
    expect(other.readIfChanged()).toEqual(settings);
    expect(other.readIfChanged()).toBeUndefined();
  }
});

test('of several changes, a thread that reads late has the last one', () => {
  const owner = new SharedSettings();
  for (let change = 1; change <= 4; change++) owner.write(withTimeout(change));
  expect(new SharedSettings(owner.buffer).readIfChanged()).toEqual(withTimeout(4));
});

test('shorter settings leave nothing of longer ones', () => {
  const owner = new SharedSettings();
  const other = new SharedSettings(owner.buffer);
  for (const settings of [LONGEST, LONGEST, DEFAULT_SETTINGS, DEFAULT_SETTINGS, LONGEST]) {
    owner.write(settings);
    expect(other.readIfChanged()).toEqual(settings);
  }
});

test('there is room for the longest settings, three times over', () => {
  expect(checkSettingsRules(LONGEST)).toEqual([]);
  expect(JSON.stringify(LONGEST).length * 3).toBeLessThan(4_096);
});

test.each([0, 1, 100, 500])(
  'an owner that was killed after %d bytes leaves the settings that were in force',
  (bytes) => {
    const owner = new SharedSettings();
    owner.write(withTimeout(1));
    const reader = new SharedSettings(owner.buffer);
    const { store } = Atomics;
    let left = bytes;
    Atomics.store = ((...given: Parameters<typeof store>) => {
      if (left-- === 0) throw new Error('killed');
      return store(...given);
    }) as typeof store;
    try {
      expect(() => owner.write(LONGEST)).toThrow('killed');
    } finally {
      Atomics.store = store;
    }
    expect(reader.readIfChanged()).toEqual(withTimeout(1));
    expect(new SharedSettings(owner.buffer).readIfChanged()).toEqual(withTimeout(1));
    new SharedSettings(owner.buffer).write(withTimeout(3));
    expect(reader.readIfChanged()).toEqual(withTimeout(3));
  },
);

test('settings that change while they are read are read at the next call', () => {
  const owner = new SharedSettings();
  owner.write(withTimeout(1));
  const other = new SharedSettings(owner.buffer);
  const { from } = Uint8Array;
  Uint8Array.from = ((...given: Parameters<typeof from>) => {
    Uint8Array.from = from;
    const bytes = from.apply(Uint8Array, given);
    owner.write(withTimeout(2));
    return bytes;
  }) as typeof from;
  expect(other.readIfChanged()).toBeUndefined();
  expect(other.readIfChanged()).toEqual(withTimeout(2));
});

function withTimeout(timeoutMs: number): BreakerSettings {
  return { ...DEFAULT_SETTINGS, timeoutMs };
}
