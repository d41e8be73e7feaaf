/**
 * What a caller's signal says of its call to a breaker: an abort cancels the call. A deadline of the caller does not: that the
 * answer took too long is news of the dependency, so the call goes on to its own rejection, which is judged.
 */
export class CallerSignal {
  readonly #caller: AbortSignal;
  readonly #controller = new AbortController();

  constructor(caller: AbortSignal) {
    this.#caller = caller;
    caller.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Aborts where the caller cancels. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  stop(): void {
    this.#caller.removeEventListener('abort', this.#onAbort);
  }

  readonly #onAbort = () => {
    const { reason } = this.#caller;
    if (!isTimeout(reason)) this.#controller.abort(reason);
  };
}

/** Whether a reason is that of `AbortSignal.timeout`. */
export function isTimeout(reason: unknown): boolean {
  return reason instanceof Error && reason.name === 'TimeoutError';
}
