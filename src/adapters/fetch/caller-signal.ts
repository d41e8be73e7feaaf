import { BreakerLimitError, BreakerOpenError } from '@switchgear/breaker';
import { isTimeoutReason } from '../http-calls/timeout-reason.ts';

/** The calls that have a signal. It has one listener for all of them: Node.js walks along all to add or to take off one. */
const watching = new WeakMap<AbortSignal, Set<CallerSignal>>();

/**
 * What a caller's signal says of its call to a breaker: an abort cancels the call. A deadline of the caller does not while the
 * call is being sent: that the answer took too long is news of the dependency, so the call goes on to its own rejection,
 * which is judged. Of a call that is with the wires it says that nobody waits for them any more.
 */
export class CallerSignal {
  readonly #calls: Set<CallerSignal> | undefined;
  readonly #controller = new AbortController();
  #isSending = false;

  /** @param caller undefined where it is told by `abort` alone */
  constructor(caller: AbortSignal | undefined) {
    this.#calls = caller && (watching.get(caller) ?? watch(caller));
    this.#calls?.add(this);
  }

  /** Aborts where the caller cancels. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  async whileSending<T>(send: () => Promise<T>): Promise<T> {
    this.#isSending = true;
    try {
      return await send();
    } finally {
      this.#isSending = false;
    }
  }

  abort(reason: unknown): void {
    if (!this.#isSending || !isTimeoutReason(reason)) this.#controller.abort(reason);
  }

  stop(): void {
    this.#calls?.delete(this);
  }
}

/** A caller that left while a wire had its call is told what it would be told without a breaker. */
export function reasonToTell(error: unknown, caller: AbortSignal | undefined): unknown {
  const isTurnedAway = error instanceof BreakerOpenError || error instanceof BreakerLimitError;
  return isTurnedAway && caller?.aborted ? caller.reason : error;
}

function watch(caller: AbortSignal): Set<CallerSignal> {
  const calls = new Set<CallerSignal>();
  watching.set(caller, calls);
  const onAbort = () => {
    for (const call of calls) call.abort(caller.reason);
  };
  caller.addEventListener('abort', onAbort, { once: true });
  return calls;
}
