import { checkSettingsPatch, describeProblem, isRecord, type SettingsPatch } from '@switchgear/conventions';
import { usage } from './failure.ts';

/**
 * Reads `trip.failureRatio=0.3 trip.countOverdue=true halfOpen.ramp=[0.1,0.5] cooldownMs.baseMs=1000` as a settings patch.
 * @throws CliFailure (usage) that names the setting, its rule and the value.
 */
export function readSettings(pairs: readonly string[]): SettingsPatch {
  const patch: Record<string, unknown> = Object.create(null);
  for (const pair of pairs) {
    const [, path, text] = /^([A-Za-z]+(?:\.[A-Za-z]+)?)=(.+)$/s.exec(pair) ?? [];
    if (path === undefined || text === undefined) throw usage(`a setting must be path=value, got "${pair}"`);
    put(patch, path, readValue(path, text));
  }
  const problems = checkSettingsPatch(patch);
  if (problems.length > 0) throw usage(problems.map(describeProblem).join('; '));
  return patch as SettingsPatch;
}

function put(patch: Record<string, unknown>, path: string, value: unknown): void {
  const [head, tail] = path.split('.') as [string, string?];
  if (tail === undefined) {
    if (Object.hasOwn(patch, head)) throw usage(`\`${head}\` is given twice`);
    patch[head] = value;
    return;
  }
  patch[head] ??= Object.create(null);
  const group = patch[head];
  if (!isRecord(group)) throw usage(`\`${head}\` is given whole and in part: leave one out`);
  if (Object.hasOwn(group, tail)) throw usage(`\`${path}\` is given twice`);
  group[tail] = value;
}

/** A list and an object are JSON; a word that is nothing else stays text, for the rule of its setting to refuse. */
function readValue(path: string, text: string): unknown {
  if (/^[[{]/.test(text)) {
    try {
      return JSON.parse(text);
    } catch {
      throw usage(`\`${path}\` must be JSON where it begins with "${text[0]}", such as [0.1,0.5]; got "${text}"`);
    }
  }
  if (/^-?\d+(\.\d+)?$/.test(text)) return Number(text);
  const words: Readonly<Record<string, unknown>> = { null: null, true: true, false: false };
  return Object.hasOwn(words, text) ? words[text] : text;
}
