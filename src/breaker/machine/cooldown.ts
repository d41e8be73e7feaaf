import type { BreakerSettings } from '@switchgear/conventions';

/**
 * Milliseconds of a cooldown: fixed, or `baseMs` times `factor` for each reopening, at most `maxMs`, less a share of
 * chance. With `jitter` 1 this is "full jitter": https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 * @param reopenings how often it has opened again without a reset between
 * @param chance drawn by the caller, in [0, 1)
 */
export function cooldownLengthMs(cooldown: BreakerSettings['cooldownMs'], reopenings: number, chance: number): number {
  if (typeof cooldown === 'number') return cooldown;
  const { baseMs, maxMs, factor, jitter } = cooldown;
  const grown = Math.min(maxMs, baseMs * factor ** reopenings);
  return grown * (1 - jitter * chance);
}
