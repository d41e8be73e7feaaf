import { BREAKER_STATES, type BreakerState, type TransitionReason } from '@switchgear/conventions';
import { countCall } from '../memory/call-numbers.ts';
import { recordDuration } from '../memory/duration-histogram.ts';
import { LAYOUT } from '../memory/layout.ts';
import type { Publisher } from '../publisher.ts';
import type { IsolatedObserver } from '../telemetry/isolated-observer.ts';
import type { BreakerReport, ForeignFailure } from './foreign-breaker.ts';
import type { ForeignCore } from './foreign-core.ts';
import type { ForeignWires } from './foreign-wires.ts';

/** Takes in what a bridge tells: counts it, and hands it on as an own breaker does. */
export class ForeignReport implements BreakerReport {
  readonly #core: ForeignCore;
  readonly #wires: ForeignWires;
  readonly #observer: IsolatedObserver;
  readonly #publisher: Publisher;
  #isOver = false;

  constructor(core: ForeignCore, wires: ForeignWires, observer: IsolatedObserver, publisher: Publisher) {
    this.#core = core;
    this.#wires = wires;
    this.#observer = observer;
    this.#publisher = publisher;
  }

  /** Hears nothing more. */
  end(): void {
    this.#isOver = true;
  }

  state(to: BreakerState, reason?: TransitionReason, note?: string): void {
    if (!this.#isOver && BREAKER_STATES.includes(to)) this.#core.enter(to, reason, note);
  }

  succeeded(durationMs: number): void {
    if (this.#isOver) return;
    const ms = lengthOf(durationMs);
    const { cells, clock } = this.#core;
    const endedAt = clock.monotonicMs();
    recordDuration(cells, 'success', ms);
    this.#core.judge(false, this.#countSlow(ms), endedAt);
    this.#observer.timed('success', ms, this.#core.stateAt(endedAt - ms), endedAt);
  }

  failed(error: unknown, durationMs: number, failure?: ForeignFailure): void {
    this.#fail('failure', error, durationMs, failure);
  }

  timedOut(error: unknown, durationMs: number, failure?: ForeignFailure): void {
    this.#fail('timeout', error, durationMs, failure);
  }

  ignored(): void {
    if (!this.#isOver) countCall(this.#core.cells, 'ignored');
  }

  cancelled(): void {
    if (!this.#isOver) countCall(this.#core.cells, 'cancelled');
  }

  rejected(): void {
    if (this.#isOver) return;
    countCall(this.#core.cells, 'rejected');
    this.#observer.rejected();
    this.#publisher.turnedAway('rejected');
  }

  limited(): void {
    if (this.#isOver) return;
    countCall(this.#core.cells, 'limited');
    this.#publisher.turnedAway('limited');
  }

  diverted(wire: string): void {
    if (this.#isOver) return;
    this.served(wire);
    countCall(this.#core.cells, 'diverted');
    this.#publisher.turnedAway('diverted');
  }

  served(wire: string): void {
    if (this.#isOver || !this.#wires.count(wire)) return;
    const startedAt = this.#core.clock.monotonicMs();
    this.#observer.diverted({ wire, outcome: 'served', startedAt, error: undefined, receipt: undefined });
  }

  #fail(
    outcome: 'failure' | 'timeout',
    error: unknown,
    durationMs: number,
    { tripped = false }: ForeignFailure = {},
  ): void {
    if (this.#isOver) return;
    const ms = lengthOf(durationMs);
    const { cells, clock } = this.#core;
    const now = clock.monotonicMs();
    const state = this.#core.stateAt(now - ms);
    recordDuration(cells, outcome, ms);
    this.#core.judge(true, this.#countSlow(ms), now);
    this.#observer.timed(outcome, ms, state, now);
    const endedAt = clock.wallMs();
    this.#observer.failed({
      outcome,
      error,
      stateAtStart: state,
      startedAt: endedAt - ms,
      endedAt,
      tripped,
      // One that began before the last change tells of the time before.
      counted: tripped || state === this.#core.known,
    });
    this.#publisher.failed({ outcome, error, durationMs: ms, state, tripped });
  }

  #countSlow(durationMs: number): boolean {
    const { slowMs } = this.#core.settings.trip;
    const isSlow = slowMs !== null && durationMs > slowMs;
    if (isSlow) this.#core.cells.increment(LAYOUT.slowCalls);
    return isSlow;
  }
}

/** A library may not have measured it, or by a clock that was set back. */
function lengthOf(durationMs: number): number {
  return durationMs > 0 && Number.isFinite(durationMs) ? durationMs : 0;
}
