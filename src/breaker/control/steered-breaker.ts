import type { BreakerSettings, BreakerState, Override, SettingsPatch } from '@switchgear/conventions';
import type { OverrideSource } from '../override-hold.ts';

/** What the control plane knows and steers: a breaker of this library, or one of another that reports through it. */
export interface SteeredBreaker {
  readonly name: string;
  readonly state: BreakerState;
  readonly generation: number;
  readonly settings: BreakerSettings;
  readonly neutralWires: readonly SteeredWire[];
  readonly override: Override | undefined;
  readonly overrideSource: OverrideSource | undefined;
  /** Wall time by the breaker's clock, ms since the epoch. */
  wallMs(): number;
  /** @throws where it cannot be held so */
  holdIn(override: Override, source: { readonly reason: OverrideSource; readonly revision: number }): void;
  release(reason: OverrideSource): boolean;
  /** @throws where it cannot */
  act(kind: 'trip' | 'reset', note: string): boolean;
  /** @throws where it cannot be given these settings; `undefined`, its own ones, is never refused */
  configure(patch: SettingsPatch | undefined): void;
  onTransition(listener: () => void): () => void;
}

interface SteeredWire {
  readonly name: string;
  readonly kind: string;
  load?(): { readonly capacity: number };
}
