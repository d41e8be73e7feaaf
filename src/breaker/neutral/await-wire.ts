import { type Cancellable, stopWaiting, waitFor } from '../calls/caller-signal.ts';
import { Deadline, deadlineQueue } from '../calls/deadline-queue.ts';
import type { Clock } from '../clock.ts';
import { stackless, WireTimeoutError } from '../errors.ts';
import type { WireAnswer } from './wire.ts';

/** What ends the wait for a wire before its answer does. */
export interface WireLimits {
  readonly wire: string;
  readonly clock: Clock;
  readonly timeoutMs: number | null;
  /** The caller's own. */
  readonly signal: AbortSignal | undefined;
}

/**
 * The answer of a wire, or a rejection with WireTimeoutError or with the reason of the caller's signal, whichever is first.
 * @param tooLate is told an answer that came after that
 */
export function awaitWire(
  answer: PromiseLike<WireAnswer<unknown>>,
  limits: WireLimits,
  tooLate: (answer: WireAnswer<unknown>) => void,
): Promise<WireAnswer<unknown>> {
  const { timeoutMs, signal, clock } = limits;
  if (timeoutMs === null && !signal) return Promise.resolve(answer);
  return new Promise((resolve, reject) => {
    const wait = new WireWait(clock.monotonicMs(), limits, reject);
    wait.start();
    answer.then(
      (value) => (wait.end() ? resolve(value) : tooLate(value)),
      (error) => wait.end() && reject(error),
    );
  });
}

class WireWait extends Deadline implements Cancellable {
  readonly #limits: WireLimits;
  readonly #reject: (error: unknown) => void;
  #isOver = false;

  constructor(now: number, limits: WireLimits, reject: (error: unknown) => void) {
    super(now);
    this.#limits = limits;
    this.#reject = reject;
  }

  start(): void {
    const { clock, timeoutMs, signal } = this.#limits;
    if (timeoutMs !== null) deadlineQueue(clock, timeoutMs).add(this);
    // Its listener would never hear of it.
    if (signal?.aborted) this.cancel();
    else if (signal) waitFor(signal, this);
  }

  /** False where it was over before. */
  end(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    this.queue?.remove(this);
    if (this.#limits.signal) stopWaiting(this.#limits.signal, this);
    return true;
  }

  cancel(): void {
    if (this.end()) this.#reject(this.#limits.signal?.reason);
  }

  override fallDue(): void {
    const { wire, timeoutMs } = this.#limits;
    if (this.end()) this.#reject(stackless(() => new WireTimeoutError(wire, timeoutMs ?? 0)));
  }
}
