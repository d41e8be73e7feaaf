import {
  BREAKER_STATES,
  type BreakerSettings,
  type BreakerState,
  OVERRIDE_MODES,
  type TransitionReason,
} from '@switchgear/conventions';
import type { Clock } from '../clock.ts';
import { countTransition, forgetOpening, noteOpening, readOpening } from '../memory/call-numbers.ts';
import type { Cells } from '../memory/cells.ts';
import { createCells, LAYOUT, transitionsCell } from '../memory/layout.ts';
import type { Publisher } from '../publisher.ts';
import { diagError } from '../telemetry/isolated-observer.ts';
import { CallWindow } from '../window/call-window.ts';
import type { WindowCounts } from '../window/window-counts.ts';

export interface ForeignCoreParts {
  readonly name: string;
  readonly settings: BreakerSettings;
  readonly clock: Clock;
  readonly publisher: Publisher;
  /** How long a trip lasts, where that is known; 0 where it is not. */
  readonly cooldownMs: number;
  /** Asks the other library for its state. */
  readonly ask: () => BreakerState;
}

/** The state and the numbers of a breaker that another library decides for: keeps what it is told, and publishes it. */
export class ForeignCore {
  readonly settings: BreakerSettings;
  readonly clock: Clock;
  readonly cells: Cells;
  readonly #parts: ForeignCoreParts;
  readonly #origin: number;
  readonly #window: CallWindow;
  #state: BreakerState = 'closed';
  #before: BreakerState;
  /** When it came to be in its state: monotonic ms. */
  #since: number;
  #generation = 1;
  #isSteered = false;

  constructor(parts: ForeignCoreParts) {
    const { settings, clock } = parts;
    this.settings = settings;
    this.clock = clock;
    this.cells = createCells(settings.trip.windowCalls);
    this.#parts = parts;
    this.#origin = clock.monotonicMs();
    this.#window = new CallWindow(this.cells, LAYOUT.window, settings.trip);
    this.#state = this.#ask();
    this.#before = this.#state;
    this.#since = this.#origin;
    forgetOpening(this.cells);
    if (isHeldBack(this.#state)) noteOpening(this.cells, 0);
  }

  /** Asks the other library, which may have changed it without a word. */
  get state(): BreakerState {
    if (!this.#isSteered) this.enter(this.#ask());
    return this.#state;
  }

  get generation(): number {
    return this.#generation;
  }

  /** The state as it is known, without asking. */
  get known(): BreakerState {
    return this.#state;
  }

  /** The state that a call began in which was let through at a time, as far back as the last change: monotonic ms. */
  stateAt(monotonicMs: number): BreakerState {
    // Libraries round: a probe may seem to have begun before the breaker let it.
    return monotonicMs >= this.#since || isHeldBack(this.#before) ? this.#state : this.#before;
  }

  window(): WindowCounts {
    return this.#window.counts(this.#timeOf(this.clock.monotonicMs()));
  }

  /** Counts an executed call in the window, as an own breaker does: while it is closed. */
  judge(failed: boolean, slow: boolean, monotonicMs: number): void {
    if (this.#state !== 'closed' && this.#state !== 'shadow') return;
    const now = this.#timeOf(monotonicMs);
    if (failed || slow) this.#window.record(now, { failed, slow, overdueMark: undefined });
    else this.#window.recordSuccess(now);
  }

  /** Takes note of a state, and publishes it where it is another one. While it is steered, only what comes of that counts. */
  enter(to: BreakerState, reason?: TransitionReason, note?: string): void {
    if (to !== this.#state && !this.#isSteered) this.#change(to, reason, note);
  }

  /** Has the other library act. What comes of it is one change, for this reason. Returns whether there was one. */
  steer(reason: TransitionReason, note: string | undefined, act: () => void): boolean {
    const before = this.state;
    this.#isSteered = true;
    try {
      act();
    } finally {
      this.#isSteered = false;
      this.enter(this.#ask(), reason, note);
    }
    return this.#state !== before;
  }

  #change(to: BreakerState, told: TransitionReason | undefined, note: string | undefined): void {
    const from = this.#state;
    const reason = told !== undefined && transitionsCell(to, told) !== undefined ? told : usualReason(from, to);
    const now = this.#timeOf(this.clock.monotonicMs());
    const window = this.#window.counts(now);
    const opening = to === 'closed' ? readOpening(this.cells) : undefined;
    this.#before = from;
    this.#state = to;
    this.#since = this.#origin + now;
    this.#generation += 1;
    // Let go of while it is open, it stays so: that is no trip.
    if (to !== 'open' || !isMode(from)) countTransition(this.cells, to, reason);
    if (isHeldBack(to)) noteOpening(this.cells, now);
    else if (to !== 'half_open') {
      forgetOpening(this.cells);
      this.#window.clear();
    }
    const { publisher, cooldownMs } = this.#parts;
    publisher.transitioned({
      from,
      to,
      reason,
      at: this.clock.wallMs(),
      generation: this.#generation,
      note,
      window,
      cooldownMs: to === 'open' ? cooldownMs : 0,
      openMs: opening && now - opening.at,
      meanwhile: opening && { diverted: opening.diverted, rejected: opening.rejected },
    });
  }

  /** What it answers reaches telemetry and the control plane, so a fault of a bridge is found here. */
  #ask(): BreakerState {
    const { ask, name } = this.#parts;
    try {
      const state = ask();
      if (BREAKER_STATES.includes(state)) return state;
      throw new TypeError(`${String(state)} is no state`);
    } catch (error) {
      diagError(`The bridge to breaker "${name}" could not tell its state`, error);
      return this.#state;
    }
  }

  #timeOf(monotonicMs: number): number {
    return Math.max(0, monotonicMs - this.#origin);
  }
}

function isHeldBack(state: BreakerState): boolean {
  return state === 'open' || state === 'forced_open';
}

/** What somebody sets, rather than what it finds itself. */
function isMode(state: BreakerState): boolean {
  return OVERRIDE_MODES.some((mode) => mode === state);
}

/** Why a breaker usually goes from one state to another. */
function usualReason(from: BreakerState, to: BreakerState): TransitionReason {
  if (isMode(from) || isMode(to)) return 'operator';
  if (to === 'half_open') return 'cooldown';
  if (to === 'open') return from === 'half_open' ? 'probe_failed' : 'threshold';
  return from === 'half_open' ? 'probes_passed' : 'operator';
}
