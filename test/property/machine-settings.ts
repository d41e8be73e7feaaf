import { applySettings, type BreakerSettings, DEFAULT_SETTINGS, type SettingsPatch } from '@switchgear/conventions';

type Four<Value> = readonly [Value, Value, Value, Value];

/** A setting and what it may be changed to: values so small that short sequences reach what they decide. */
const CHOICES: readonly Four<SettingsPatch>[] = [
  trip('failureRatio', [null, 0.25, 0.5, 1]),
  trip('minimumCalls', [1, 2, 3, 5]),
  trip('failures', [null, null, 2, 4]),
  trip('consecutive', [null, null, 2, 3]),
  trip('slowRatio', [null, 0.25, 0.5, 1]),
  trip('windowMs', [100, 300, 1_000, 3_000]),
  trip('windowCalls', [null, null, 3, 6]),
  halfOpen('probes', [1, 2, 3, 20]),
  halfOpen('probeTimeoutMs', [5, 30, 40, 200]),
  halfOpen('ramp', [[], [0.5], [0.1, 0.5], [0.25, 0.5, 0.75]]),
  halfOpen('rampStepMs', [1, 10, 20, 50]),
  [
    { cooldownMs: 50 },
    { cooldownMs: { baseMs: 20, maxMs: 100, factor: 2, jitter: 0 } },
    { cooldownMs: { baseMs: 10, maxMs: 1_000, factor: 3, jitter: 0.5 } },
    { cooldownMs: { baseMs: 40, maxMs: 60, factor: 1.5, jitter: 1 } },
  ],
  // Of the rest the machine must take no notice.
  trip('slowMs', [1, 10, 1_000, 10_000]),
  trip('countOverdue', [true, false, true, false]),
  trip('debounceMs', [null, 1, 50, 5_000]),
  [{ timeoutMs: null }, { timeoutMs: 1 }, { timeoutMs: 100 }, { timeoutMs: 10_000 }],
  [{ maxConcurrent: null }, { maxConcurrent: 1 }, { maxConcurrent: 2 }, { maxConcurrent: 100 }],
];

/** How many bits of a number choose all settings: two for each. */
export const SETTINGS_BITS = 2 * CHOICES.length;

/** All settings, as the bits of a number below 2^SETTINGS_BITS choose them. */
export function settingsOf(bits: number): BreakerSettings {
  const settings = {
    ...DEFAULT_SETTINGS,
    trip: { ...DEFAULT_SETTINGS.trip },
    halfOpen: { ...DEFAULT_SETTINGS.halfOpen },
  };
  let left = bits;
  for (const choices of CHOICES) {
    const { trip, halfOpen, ...rest } = choices[left % 4]!;
    left = Math.floor(left / 4);
    if (trip) Object.assign(settings.trip, trip);
    else if (halfOpen) Object.assign(settings.halfOpen, halfOpen);
    else Object.assign(settings, rest);
  }
  return settings;
}

/** A change to one setting, whichever the number chooses. */
export function patchOf(choice: number): SettingsPatch {
  return CHOICES[choice % CHOICES.length]![Math.floor(choice / CHOICES.length) % 4]!;
}

export function patched(settings: BreakerSettings, choice: number): BreakerSettings {
  return applySettings(settings, patchOf(choice));
}

function trip<Key extends keyof BreakerSettings['trip']>(
  key: Key,
  values: Four<BreakerSettings['trip'][Key]>,
): Four<SettingsPatch> {
  return values.map((value) => ({ trip: { [key]: value } })) as unknown as Four<SettingsPatch>;
}

function halfOpen<Key extends keyof BreakerSettings['halfOpen']>(
  key: Key,
  values: Four<BreakerSettings['halfOpen'][Key]>,
): Four<SettingsPatch> {
  return values.map((value) => ({ halfOpen: { [key]: value } })) as unknown as Four<SettingsPatch>;
}
