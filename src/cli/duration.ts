import { usage } from './failure.ts';

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * Reads `90s`, `30m`, `8h` or `2d` as milliseconds.
 * @throws CliFailure (usage) that names the option and the rule.
 */
export function parseDuration(text: string, option: string): number {
  const match = /^(\d{1,6})([smhd])$/.exec(text);
  const ms = match ? Number(match[1]) * UNIT_MS[match[2]!]! : 0;
  if (ms <= 0) throw usage(`${option} must be a number with s, m, h or d, such as 30m; got "${text}"`);
  return ms;
}

/**
 * Reads an RFC 3339 time with its offset.
 * @throws CliFailure (usage) where it is not one, or where it is past.
 */
export function parseTime(text: string, option: string, now: number): string {
  const at = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$/.test(text)
    ? Date.parse(text)
    : Number.NaN;
  if (Number.isNaN(at))
    throw usage(`${option} must be a time with its offset, such as 2026-01-31T12:00:00Z; got "${text}"`);
  if (at <= now) throw usage(`${option} must be in the future, got "${text}"`);
  return new Date(at).toISOString();
}

/** How long ago or how far off, in the largest unit that says enough: `12s`, `4m`, `3h`, `2d`. */
export function shortSpan(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 100) return `${seconds}s`;
  if (seconds < 6_000) return `${Math.round(seconds / 60)}m`;
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)}h`;
  return `${Math.round(seconds / 86_400)}d`;
}

/** A length of time to the millisecond, in the largest unit that is whole: `250ms`, `1.5s`, `30m`. */
export function exactSpan(ms: number): string {
  if (ms < 1_000) return `${ms}ms`;
  const unit = ['d', 'h', 'm'].find((each) => ms % UNIT_MS[each]! === 0) ?? 's';
  return `${ms / UNIT_MS[unit]!}${unit}`;
}
