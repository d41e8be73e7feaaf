import type { BreakerReport, ForeignBreaker, ForeignWire } from '@switchgear/breaker';
import type { BreakerState, SettingsPatch } from '@switchgear/conventions';
import type { OpossumBreaker, OpossumInside } from './opossum-breaker.ts';
import { CACHE, FALLBACK, listenToOpossum } from './opossum-events.ts';
import { settingsOf } from './opossum-settings.ts';

/** A breaker of opossum, as `reportBreaker` takes it. */
export class OpossumSource implements ForeignBreaker {
  readonly settings: SettingsPatch;
  readonly wires: readonly ForeignWire[];
  readonly holds = { forced_open: () => this.#holdOpen(), disabled: () => this.#disable() } as const;
  readonly #breaker: OpossumBreaker & OpossumInside;
  readonly #onShutdown: () => void;
  #isHeldOpen = false;

  constructor(breaker: OpossumBreaker, onShutdown: () => void) {
    this.#breaker = breaker;
    this.#onShutdown = onShutdown;
    this.settings = settingsOf(breaker);
    this.wires = wiresOf(breaker);
  }

  state(): BreakerState {
    const { enabled, opened, halfOpen } = this.#breaker;
    if (!enabled) return 'disabled';
    if (opened) return this.#isHeldOpen ? 'forced_open' : 'open';
    return halfOpen ? 'half_open' : 'closed';
  }

  activeCalls(): number {
    const { options, semaphore } = this.#breaker;
    return options?.capacity === undefined || semaphore === undefined ? 0 : options.capacity - semaphore.count;
  }

  attach(report: BreakerReport): () => void {
    return listenToOpossum(this.#breaker, report, {
      state: () => this.state(),
      isHeldOpen: () => this.#isHeldOpen,
      onShutdown: this.#onShutdown,
    });
  }

  trip(): void {
    this.#breaker.open();
  }

  reset(): void {
    this.#breaker.close();
  }

  /** What holds it is the listener to its events. Let go, it stays open until its own timer lets a probe through. */
  #holdOpen(): () => void {
    const { enabled } = this.#breaker;
    this.#isHeldOpen = true;
    if (!enabled) this.#breaker.enable();
    this.#breaker.open();
    return () => {
      this.#isHeldOpen = false;
      if (!enabled) this.#breaker.disable();
    };
  }

  #disable(): () => void {
    const { enabled } = this.#breaker;
    this.#breaker.disable();
    return () => {
      if (enabled && !this.#breaker.isShutdown) this.#breaker.enable();
    };
  }
}

function wiresOf(breaker: OpossumBreaker & OpossumInside): ForeignWire[] {
  const wires: ForeignWire[] = [];
  if (hasFallback(breaker)) wires.push(FALLBACK);
  if (breaker.options?.cache) wires.push(CACHE);
  return wires;
}

/** opossum keeps its fallback under a symbol and does not say whether there is one; where it is not found, the first use tells. */
function hasFallback(breaker: object): boolean {
  const key = Object.getOwnPropertySymbols(breaker).find(({ description }) => description === 'fallback');
  return key !== undefined && typeof (breaker as Record<symbol, unknown>)[key] === 'function';
}
