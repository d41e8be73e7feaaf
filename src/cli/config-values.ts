import { checkSettingsPatch, describeProblem, isRecord, type SettingsPatch } from '@switchgear/conventions';
import { usage } from './failure.ts';

/**
 * Reads `trip.failureRatio=0.3 cooldownMs=60000` as a settings patch.
 * @throws CliFailure (usage) that names the setting, its rule and the value.
 */
export function readSettings(pairs: readonly string[]): SettingsPatch {
  const patch: Record<string, unknown> = Object.create(null);
  for (const pair of pairs) {
    const [, path, text] = /^([A-Za-z]+(?:\.[A-Za-z]+)?)=(.+)$/s.exec(pair) ?? [];
    if (path === undefined || text === undefined) throw usage(`a setting must be path=value, got "${pair}"`);
    const [head, tail] = path.split('.') as [string, string?];
    if (tail === undefined) patch[head] = readValue(text);
    else {
      if (!isRecord(patch[head])) patch[head] = Object.create(null);
      (patch[head] as Record<string, unknown>)[tail] = readValue(text);
    }
  }
  const problems = checkSettingsPatch(patch);
  if (problems.length > 0) throw usage(problems.map(describeProblem).join('; '));
  return patch as SettingsPatch;
}

function readValue(text: string): unknown {
  if (text === 'null') return null;
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}
