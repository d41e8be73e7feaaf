import type { BreakerState } from '@switchgear/conventions';
import type { BreakerCore, SettledOutcome } from './core.ts';
import { BreakerOpenError } from './errors.ts';
import { type CallContext, type CallResult, runGuarded } from './guarded-call.ts';
import type { Permit } from './machine/state.ts';
import { type AttachedWire, divert } from './neutral/divert.ts';
import type { DivertedCall, Replay, ReplayResult } from './neutral/wire.ts';
import type { ValidOptions } from './options.ts';
import { diagError, type IsolatedObserver } from './telemetry/isolated-observer.ts';

export interface ExecuteOptions {
  /** The caller's own signal: when it aborts, the call is `cancelled`, which decides nothing. */
  readonly signal?: AbortSignal | undefined;
  /** Handed to the neutral wires. */
  readonly input?: unknown;
  /** Groups calls whose order matters; handed to the neutral wires. */
  readonly key?: string | undefined;
}

/** What a call that was executed left behind. */
interface Executed<T> {
  readonly result: CallResult<T>;
  readonly outcome: SettledOutcome;
  readonly tripped: boolean;
}

/** The way of one call through a breaker: permit, call, record, and over the neutral wires where it is not let through. */
export class CallPath {
  readonly #options: ValidOptions;
  readonly #core: BreakerCore;
  readonly #wires: readonly AttachedWire[];
  readonly #observer: IsolatedObserver;

  constructor(options: ValidOptions, core: BreakerCore, wires: readonly AttachedWire[], observer: IsolatedObserver) {
    this.#options = options;
    this.#core = core;
    this.#wires = wires;
    this.#observer = observer;
  }

  /** @param replay runs the same call once more; undefined where that cannot be done */
  async call(
    run: (context: CallContext) => unknown,
    options: ExecuteOptions,
    replay: Replay | undefined,
  ): Promise<unknown> {
    const admission = this.#core.admit();
    if (!admission.admitted) {
      const answer = await this.#divert(options, replay, undefined);
      if (answer.taken) {
        this.#core.count('diverted');
        return answer.value;
      }
      this.#core.count('rejected');
      this.#observer.rejected();
      throw new BreakerOpenError(this.#options.name, admission.retryAfterMs, answer.causes);
    }
    const { result, tripped } = await this.#execute(run, admission, options.signal, 1);
    if (result.kind === 'value') return result.value;
    if (!tripped || this.#wires.length === 0) throw result.error;
    // The call that trips the breaker is diverted as well: its caller deserves no less than the next one.
    const answer = await this.#divert(options, replay, result.error);
    if (answer.taken) return answer.value;
    throw result.error;
  }

  /** Sends a held call through the breaker like any other. */
  async replay(replay: Replay, attempt: number): Promise<ReplayResult> {
    const admission = this.#core.admit();
    if (!admission.admitted) return { kind: 'denied', retryAfterMs: admission.retryAfterMs };
    const { result, outcome } = await this.#execute(replay, admission, undefined, attempt);
    if (result.kind === 'value') return { kind: 'succeeded' };
    if (outcome === 'ignored') return { kind: 'ignored', error: result.error };
    return { kind: 'failed', error: result.error, asProbe: admission.permit.lease !== null };
  }

  async #execute<T>(
    run: (context: CallContext) => T | PromiseLike<T>,
    { permit, state }: { readonly permit: Permit; readonly state: BreakerState },
    signal: AbortSignal | undefined,
    attempt: number,
  ): Promise<Executed<T>> {
    const { clock, name: breaker } = this.#options;
    const began = clock.monotonicMs();
    const startedAt = clock.wallMs();
    const timeoutMs = this.#timeoutMs(permit.lease !== null);
    const result = await runGuarded(run, { breaker, clock, timeoutMs, signal, attempt });
    const durationMs = clock.monotonicMs() - began;
    const outcome = this.#judge(result);
    const tripped = this.#core.settle(permit, outcome, (trips, counted) => {
      if (outcome === 'ignored' || outcome === 'cancelled') return;
      this.#core.countIfSlow(durationMs);
      this.#observer.timed(outcome, durationMs, state);
      if (outcome === 'success') return;
      const error = result.kind === 'value' ? undefined : result.error;
      const endedAt = startedAt + durationMs;
      this.#observer.failed({ outcome, error, stateAtStart: state, startedAt, endedAt, tripped: trips, counted });
    });
    return { result, outcome, tripped };
  }

  #timeoutMs(isProbe: boolean): number | null {
    const { timeoutMs, halfOpen } = this.#core.settings;
    if (!isProbe) return timeoutMs;
    return timeoutMs === null ? halfOpen.probeTimeoutMs : Math.min(timeoutMs, halfOpen.probeTimeoutMs);
  }

  #judge(result: CallResult<unknown>): SettledOutcome {
    switch (result.kind) {
      case 'value':
        return 'success';
      case 'timeout':
      case 'cancelled':
        return result.kind;
      case 'error':
        return this.#isFailure(result.error) ? 'failure' : 'ignored';
    }
  }

  #isFailure(error: unknown): boolean {
    try {
      return this.#options.isFailure(error);
    } catch (thrown) {
      diagError(`isFailure of breaker "${this.#options.name}" threw`, thrown);
      return true;
    }
  }

  #divert({ input, key, signal }: ExecuteOptions, replay: Replay | undefined, error: unknown) {
    const { clock, wireMode, name: breaker } = this.#options;
    const divertedAt = clock.monotonicMs();
    const call: DivertedCall = { breaker, input, key, signal, error, replay, divertedAt };
    return divert(this.#wires, wireMode, call, clock, (wireCall) => this.#observer.diverted(wireCall));
  }
}
