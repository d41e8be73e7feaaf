import type { AdmittedCall, BreakerCore } from '../core.ts';
import type { CallContext, CallOrigin } from './call-context.ts';
import { Deadline } from './deadline-queue.ts';
import { createIdempotencyKey } from './idempotency-key.ts';

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
  #origin: CallOrigin | undefined;

  constructor(
    core: BreakerCore,
    pass: AdmittedCall['pass'],
    startedAt: number,
    attempt: number,
    origin: CallOrigin | undefined,
  ) {
    super(startedAt);
    this.#core = core;
    this.#origin = origin;
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

  get idempotencyKey(): string {
    const known = this.#origin?.idempotencyKey;
    if (known !== undefined) return known;
    const idempotencyKey = createIdempotencyKey();
    this.#origin = { idempotencyKey };
    return idempotencyKey;
  }

  get divertedAt(): number | undefined {
    return this.#origin?.divertedAt;
  }

  abort(reason: unknown): void {
    this.#aborted = { reason };
    this.#controller?.abort(reason);
  }

  override fallDue(): void {
    this.#core.overdue(this);
  }
}
