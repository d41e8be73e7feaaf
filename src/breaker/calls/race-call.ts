import { AsyncResource } from 'node:async_hooks';
import type { Clock } from '../clock.ts';
import { CallTimeoutError } from '../errors.ts';
import type { ActiveCall } from './active-call.ts';
import type { CallContext } from './call-context.ts';
import { type Cancellable, stopWaiting, waitFor } from './caller-signal.ts';
import { Deadline, deadlineQueue } from './deadline-queue.ts';

/** What can end a call before its function does. */
export interface CallLimits {
  readonly breaker: string;
  readonly clock: Clock;
  readonly timeoutMs: number | null;
  /** The caller's own signal. */
  readonly signal: AbortSignal | undefined;
}

/**
 * Runs a call against its timeout and its caller's signal. `answer` or `fail` is told once how it ended, in the caller's
 * async context, and what that returns or throws becomes the result; what comes too late is let go. A timeout and a
 * cancellation mark the call as `cut` and abort its signal.
 */
export function raceCall(
  call: ActiveCall,
  run: (context: CallContext) => unknown,
  limits: CallLimits,
  answer: (value: unknown) => unknown,
  fail: (error: unknown) => unknown,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const race = new Race(call, limits, answer, fail, resolve, reject);
    // Its listener would never hear of it.
    if (limits.signal?.aborted) race.cancel();
    else race.start(run);
  });
}

class Race extends Deadline implements Cancellable {
  readonly #call: ActiveCall;
  readonly #limits: CallLimits;
  readonly #answer: (value: unknown) => unknown;
  readonly #fail: (error: unknown) => unknown;
  readonly #resolve: (value: unknown) => void;
  readonly #reject: (error: unknown) => void;
  readonly #context = new AsyncResource('SWITCHGEARCALL');
  #isOver = false;

  constructor(
    call: ActiveCall,
    limits: CallLimits,
    answer: (value: unknown) => unknown,
    fail: (error: unknown) => unknown,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
  ) {
    super(call.startedAt);
    this.#call = call;
    this.#limits = limits;
    this.#answer = answer;
    this.#fail = fail;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  start(run: (context: CallContext) => unknown): void {
    const { clock, timeoutMs, signal } = this.#limits;
    if (timeoutMs !== null) deadlineQueue(clock, timeoutMs).add(this);
    if (signal) waitFor(signal, this);
    let returned: unknown;
    try {
      returned = run(this.#call);
    } catch (error) {
      this.#end(this.#fail, error);
      return;
    }
    const promise = returned instanceof Promise ? returned : Promise.resolve(returned);
    promise.then(
      (value) => this.#end(this.#answer, value),
      (error) => this.#end(this.#fail, error),
    );
  }

  cancel(): void {
    this.#context.runInAsyncScope(() => this.#cut('cancelled', this.#limits.signal?.reason));
  }

  override fallDue(): void {
    const { breaker, timeoutMs } = this.#limits;
    this.#context.runInAsyncScope(() => this.#cut('timeout', new CallTimeoutError(breaker, timeoutMs ?? 0)));
  }

  #cut(outcome: 'timeout' | 'cancelled', reason: unknown): void {
    if (this.#isOver) return;
    this.#call.cut = outcome;
    this.#end(this.#fail, reason);
    this.#call.abort(reason);
  }

  #end(settle: (result: unknown) => unknown, result: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.queue?.remove(this);
    if (this.#limits.signal) stopWaiting(this.#limits.signal, this);
    try {
      this.#resolve(settle(result));
    } catch (error) {
      this.#reject(error);
    }
  }
}
