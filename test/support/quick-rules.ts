import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { alerts, DEFAULT_CONFIG } from '../../src/mixin/index.ts';

/** Tells these alerts apart from the shipped ones, which have no such label. */
export const QUICK_PACE = { pace: 'quick' } as const;

/**
 * Writes the mixin's alerts with windows of seconds, so that a test sees them resolve too; the shipped ones look back over
 * minutes. Only the windows differ. Returns the file's path.
 */
export function writeQuickAlerts(folder: string): string {
  const groups = alerts({ ...DEFAULT_CONFIG, window: '15s', evaluationInterval: '1s' }).map((group) => ({
    ...group,
    name: `${group.name}.quick`,
    rules: group.rules.map((rule) => ({ ...rule, labels: { ...rule.labels, ...QUICK_PACE } })),
  }));
  const path = join(folder, 'quick-alerts.yaml');
  // JSON is YAML.
  writeFileSync(path, JSON.stringify({ groups }));
  return path;
}
