import type { AdmittedCall, BreakerCore } from '../core.ts';
import { Deadline } from './deadline-queue.ts';

/** What the guarded function is given. */
export interface CallContext {
  /** Aborted when the call times out or its caller cancels it. */
  readonly signal: AbortSignal;
  /** 1 for a live call; replays out of a buffer count on. */
  readonly attempt: number;
}

/** A call in flight, which is also what its function is given. It falls due when it is slow before it has ended. */
export class ActiveCall extends Deadline implements AdmittedCall, CallContext {
  readonly pass: AdmittedCall['pass'];
  readonly attempt: number;
  overdueMark: number | undefined = undefined;
  /** What ended it before its function did. */
  cut: 'timeout' | 'cancelled' | undefined = undefined;
  readonly #core: BreakerCore;
  /** Made when somebody asks for it: most calls never look, and a controller costs more than the breaker. */
  #controller: AbortController | undefined = undefined;
  #aborted: { readonly reason: unknown } | undefined = undefined;

  constructor(core: BreakerCore, pass: AdmittedCall['pass'], startedAt: number, attempt: number) {
    super(startedAt);
    this.#core = core;
    this.pass = pass;
    this.attempt = attempt;
  }

  get startedAt(): number {
    return this.addedAt;
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

  override fallDue(): void {
    this.#core.overdue(this);
  }
}
