import { SETTINGS_LIMITS, type SettingLimit } from '@switchgear/conventions';

/** Every setting by the path that `config set` takes, with what it may be. */
export function settingsHelp(): string {
  const { trip, cooldownMs, cooldownBackoff, halfOpen, timeoutMs, maxConcurrent } = SETTINGS_LIMITS;
  const limits: [string, SettingLimit][] = [
    ...under('trip', trip),
    ['cooldownMs', cooldownMs],
    ...under('cooldownMs', cooldownBackoff),
    ...under('halfOpen', halfOpen),
    ['timeoutMs', timeoutMs],
    ['maxConcurrent', maxConcurrent],
  ];
  const width = Math.max(...limits.map(([path]) => path.length));
  const lines = limits.map(([path, limit]) => {
    const range = path === 'cooldownMs' ? `${rangeText(limit)}; or one that grows, by baseMs` : rangeText(limit);
    return `  ${path.padEnd(width)}  ${range}\n`;
  });
  return `Settings:\n${lines.join('')}`;
}

function under(group: string, limits: Readonly<Record<string, SettingLimit>>): [string, SettingLimit][] {
  return Object.entries(limits).map(([key, limit]) => [`${group}.${key}`, limit]);
}

function rangeText(limit: SettingLimit): string {
  switch (limit.kind) {
    case 'boolean':
      return 'true or false';
    case 'risingRatios':
      return `at most ${limit.most} rising shares below 1, such as [0.1,0.5]`;
    default: {
      const range = limit.kind === 'ratio' ? `above ${limit.min}, to ${limit.max}` : `${limit.min} to ${limit.max}`;
      return limit.nullable ? `${range}, or null` : range;
    }
  }
}
