import type { Clock } from './clock.ts';
import { CallTimeoutError } from './errors.ts';

/** What the guarded function is given. */
export interface CallContext {
  /** Aborted when the call times out or its caller cancels it. */
  readonly signal: AbortSignal;
  /** 1 for a live call; replays out of a buffer count on. */
  readonly attempt: number;
}

export type CallResult<T> =
  | { readonly kind: 'value'; readonly value: T }
  | { readonly kind: 'error'; readonly error: unknown }
  | { readonly kind: 'timeout'; readonly error: CallTimeoutError }
  | { readonly kind: 'cancelled'; readonly error: unknown };

export interface GuardOptions {
  readonly breaker: string;
  readonly clock: Clock;
  readonly timeoutMs: number | null;
  /** The caller's own signal. */
  readonly signal: AbortSignal | undefined;
  readonly attempt: number;
}

/**
 * Runs one call under its timeout and its caller's signal, and tells `settle` once how it ended; a result that comes too
 * late is let go. It takes a callback and makes no promise of its own: this is the path of every call.
 */
export function runGuarded<T>(
  run: (context: CallContext) => T | PromiseLike<T>,
  { breaker, clock, timeoutMs, signal, attempt }: GuardOptions,
  settle: (result: CallResult<T>) => void,
): void {
  if (signal?.aborted) {
    settle({ kind: 'cancelled', error: signal.reason });
    return;
  }
  const context = new GuardedContext(attempt);
  let isOver = false;
  const end = (result: CallResult<T>) => {
    if (isOver) return;
    isOver = true;
    timer?.cancel();
    signal?.removeEventListener('abort', onCancel);
    settle(result);
  };
  const onCancel = () => {
    end({ kind: 'cancelled', error: signal?.reason });
    context.abort(signal?.reason);
  };
  const onTimeout = () => {
    const error = new CallTimeoutError(breaker, timeoutMs ?? 0);
    end({ kind: 'timeout', error });
    context.abort(error);
  };
  const timer = timeoutMs === null ? undefined : clock.timer(timeoutMs, onTimeout);
  signal?.addEventListener('abort', onCancel, { once: true });
  start(run, context).then(
    (value) => end({ kind: 'value', value }),
    (error) => end({ kind: 'error', error }),
  );
}

/** Makes its signal when somebody asks for it: most calls never look, and a controller costs more than the breaker. */
class GuardedContext implements CallContext {
  readonly attempt: number;
  #controller: AbortController | undefined;
  #aborted: { readonly reason: unknown } | undefined;

  constructor(attempt: number) {
    this.attempt = attempt;
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#aborted) this.#controller.abort(this.#aborted.reason);
    }
    return this.#controller.signal;
  }

  abort(reason: unknown): void {
    this.#aborted = { reason };
    this.#controller?.abort(reason);
  }
}

function start<T>(run: (context: CallContext) => T | PromiseLike<T>, context: CallContext): Promise<T> {
  try {
    // Resolving a native promise gives that promise itself.
    return Promise.resolve(run(context));
  } catch (error) {
    return Promise.reject(error);
  }
}
