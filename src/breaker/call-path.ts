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
  call(run: (context: CallContext) => unknown, options: ExecuteOptions, replay: Replay | undefined): Promise<unknown> {
    const admission = this.#core.admit();
    if (!admission.admitted) return this.#turnAway(options, replay, admission.retryAfterMs);
    return new Promise((resolve, reject) => {
      this.#execute(run, admission, options.signal, 1, ({ result, tripped }) => {
        if (result.kind === 'value') resolve(result.value);
        // The call that trips the breaker is diverted as well: its caller deserves no less than the next one.
        else if (tripped && this.#wires.length > 0) resolve(this.#divertTripping(options, replay, result.error));
        else reject(result.error);
      });
    });
  }

  /** Sends a held call through the breaker like any other. */
  replay(replay: Replay, attempt: number): Promise<ReplayResult> {
    const admission = this.#core.admit();
    if (!admission.admitted) return Promise.resolve({ kind: 'denied', retryAfterMs: admission.retryAfterMs });
    const asProbe = admission.permit.lease !== null;
    return new Promise((resolve) => {
      this.#execute(replay, admission, undefined, attempt, ({ result, outcome }) => {
        if (result.kind === 'value') resolve({ kind: 'succeeded' });
        else if (outcome === 'ignored') resolve({ kind: 'ignored', error: result.error });
        else resolve({ kind: 'failed', error: result.error, asProbe });
      });
    });
  }

  async #turnAway(options: ExecuteOptions, replay: Replay | undefined, retryAfterMs: number | null): Promise<unknown> {
    const answer = await this.#divert(options, replay, undefined);
    if (answer.taken) {
      this.#core.count('diverted');
      return answer.value;
    }
    this.#core.count('rejected');
    this.#observer.rejected();
    throw new BreakerOpenError(this.#options.name, retryAfterMs, answer.causes);
  }

  async #divertTripping(options: ExecuteOptions, replay: Replay | undefined, error: unknown): Promise<unknown> {
    const answer = await this.#divert(options, replay, error);
    if (answer.taken) return answer.value;
    throw error;
  }

  #execute<T>(
    run: (context: CallContext) => T | PromiseLike<T>,
    { permit, state }: { readonly permit: Permit; readonly state: BreakerState },
    signal: AbortSignal | undefined,
    attempt: number,
    done: (executed: Executed<T>) => void,
  ): void {
    const { clock, name: breaker } = this.#options;
    const began = clock.monotonicMs();
    const timeoutMs = this.#timeoutMs(permit.lease !== null);
    runGuarded(run, { breaker, clock, timeoutMs, signal, attempt }, (result) => {
      const ended = clock.monotonicMs();
      const durationMs = ended - began;
      const outcome = this.#judge(result);
      const tripped = this.#core.settle(permit, outcome, ended, (trips, counted) => {
        if (outcome === 'ignored' || outcome === 'cancelled') return;
        this.#core.countIfSlow(durationMs);
        this.#observer.timed(outcome, durationMs, state);
        if (outcome === 'success') return;
        const error = result.kind === 'value' ? undefined : result.error;
        // Wall time is read for failures alone; the monotonic clock says how long ago the call began.
        const endedAt = clock.wallMs();
        const startedAt = endedAt - durationMs;
        this.#observer.failed({ outcome, error, stateAtStart: state, startedAt, endedAt, tripped: trips, counted });
      });
      done({ result, outcome, tripped });
    });
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
