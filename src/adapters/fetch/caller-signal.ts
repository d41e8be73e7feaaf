/** The calls that have a signal. It has one listener for all of them: Node.js walks along all to add or to take off one. */
const watching = new WeakMap<AbortSignal, Set<CallerSignal>>();

/**
 * What a caller's signal says of its call to a breaker: an abort cancels the call. A deadline of the caller does not: that the
 * answer took too long is news of the dependency, so the call goes on to its own rejection, which is judged.
 */
export class CallerSignal {
  readonly #calls: Set<CallerSignal>;
  readonly #controller = new AbortController();

  constructor(caller: AbortSignal) {
    this.#calls = watching.get(caller) ?? watch(caller);
    this.#calls.add(this);
  }

  /** Aborts where the caller cancels. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  abort(reason: unknown): void {
    this.#controller.abort(reason);
  }

  stop(): void {
    this.#calls.delete(this);
  }
}

/** Whether a reason is that of `AbortSignal.timeout`. */
export function isTimeout(reason: unknown): boolean {
  return reason instanceof Error && reason.name === 'TimeoutError';
}

function watch(caller: AbortSignal): Set<CallerSignal> {
  const calls = new Set<CallerSignal>();
  watching.set(caller, calls);
  const onAbort = () => {
    const { reason } = caller;
    if (!isTimeout(reason)) for (const call of calls) call.abort(reason);
  };
  caller.addEventListener('abort', onAbort, { once: true });
  return calls;
}
