import { applySettings, type BreakerSettings, DEFAULT_SETTINGS, presets } from '@switchgear/conventions';
import type { GuardConfig } from './service-config.ts';

/** All settings of a breaker of the file: the defaults, under its preset, under what it says itself. */
export function guardSettings(guard: GuardConfig): BreakerSettings {
  const base = guard.preset ? applySettings(DEFAULT_SETTINGS, presets[guard.preset]) : DEFAULT_SETTINGS;
  return applySettings(base, guard);
}
