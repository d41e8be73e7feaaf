import { applySettings, type BreakerSettings, DEFAULT_SETTINGS, type SettingsPatch } from '@switchgear/conventions';
import {
  type Decision,
  type Effect,
  initialState,
  type MachineEvent,
  type MachineState,
  type Permit,
  type Verdict,
} from '../../../src/breaker/machine/state.ts';
import { transition } from '../../../src/breaker/machine/transition.ts';
import type { WindowCounts } from '../../../src/breaker/window/window-counts.ts';

/** Half of at least four calls trips it; a second of cooldown, two probes of half a second, no ramp. */
export const SETTINGS: BreakerSettings = applySettings(DEFAULT_SETTINGS, {
  trip: { failureRatio: 0.5, minimumCalls: 4, slowRatio: null },
  cooldownMs: 1_000,
  halfOpen: { probes: 2, probeTimeoutMs: 500, ramp: [], rampStepMs: 100 },
});

/** A machine with its state, its time and its settings at hand. Every event answers with what it did, in words. */
export class DrivenMachine {
  state: MachineState = initialState(0);
  now = 0;
  chance = 0;
  settings = SETTINGS;
  /** Of the calls let through, in their order. */
  readonly permits: Permit[] = [];

  constructor(patch: SettingsPatch = {}) {
    this.configure(patch);
  }

  configure(patch: SettingsPatch): this {
    this.settings = applySettings(this.settings, patch);
    return this;
  }

  at(now: number): this {
    this.now = now;
    return this;
  }

  /** Takes the machine, just made, to half-open at this time, with its first probe out. */
  halfOpenAt(now: number): this {
    this.feed({ type: 'mode', mode: 'forced_open', reason: 'operator' });
    this.at(now).feed({ type: 'mode', mode: 'auto', reason: 'operator' });
    this.call();
    return this;
  }

  /** Takes the machine, just made, to the first step of its ramp at this time, by good probes. */
  rampAt(now: number): this {
    this.halfOpenAt(now);
    for (let probe = 0; probe < this.settings.halfOpen.probes; probe++) {
      if (probe > 0) this.call();
      this.good();
    }
    return this;
  }

  decide(event: MachineEvent): Decision {
    return transition(this.state, event, { now: this.now, settings: this.settings, chance: this.chance });
  }

  feed(event: MachineEvent): string[] {
    const { state, effects } = this.decide(event);
    this.state = state;
    for (const effect of effects) if (effect.type === 'admit') this.permits.push(effect.permit);
    return effects.map(inWords);
  }

  call(): string[] {
    return this.feed({ type: 'call' });
  }

  /** Offers so many calls and shows each as let through (`+`) or not (`-`). */
  offer(calls: number): string {
    const fates = Array.from({ length: calls }, () => (this.call().some((word) => word === 'admit') ? '+' : '-'));
    return fates.join('');
  }

  tick(): string[] {
    return this.feed({ type: 'tick' });
  }

  good(permit = this.lastPermit): string[] {
    return this.settle({ permit });
  }

  bad(permit = this.lastPermit): string[] {
    return this.settle({ permit, failed: true });
  }

  slow(permit = this.lastPermit): string[] {
    return this.settle({ permit, slow: true });
  }

  settle(verdict: Partial<Verdict>): string[] {
    const common = { permit: this.lastPermit, failed: false, slow: false, overdueStep: undefined, counts: counts() };
    return this.feed({ type: 'settled', ...common, ...verdict });
  }

  overdue(window = counts(), permit = this.lastPermit): string[] {
    return this.feed({ type: 'overdue', permit, counts: window });
  }

  release(permit = this.lastPermit): string[] {
    return this.feed({ type: 'released', permit });
  }

  trip(): string[] {
    return this.feed({ type: 'trip', reason: 'operator' });
  }

  reset(): string[] {
    return this.feed({ type: 'reset', reason: 'operator' });
  }

  mode(mode: 'auto' | 'forced_open' | 'disabled' | 'shadow'): string[] {
    return this.feed({ type: 'mode', mode, reason: 'operator' });
  }

  /** Of the call let through last; before the first call, one of the current generation without a lease. */
  get lastPermit(): Permit {
    return this.permits.at(-1) ?? this.permit;
  }

  /** Of the current generation, without a lease. */
  get permit(): Permit {
    return { generation: this.state.generation, lease: null };
  }
}

/** What a window holds: nothing, but for what is named. */
export function counts(of: Partial<WindowCounts> = {}): WindowCounts {
  return { executed: 0, failed: 0, slow: 0, consecutive: 0, ...of };
}

function inWords(effect: Effect): string {
  switch (effect.type) {
    case 'transition':
      return `${effect.from.kind} -> ${effect.to.kind} (${effect.reason})`;
    case 'deny':
      return `deny ${effect.retryAfterMs}`;
    case 'admit':
      return effect.permit.lease === null ? 'admit' : `probe ${effect.permit.lease}`;
    case 'shadow_trip':
      return `shadow trip (${effect.reason})`;
  }
}
