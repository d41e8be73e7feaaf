import type { WireHost } from './wire.ts';

/** Tells for how long no live call has come to the breaker, as far as somebody has looked. */
export class LiveCalls {
  readonly #host: Pick<WireHost, 'callsCome' | 'clock'>;
  #come = Number.NaN;
  #quietSince = 0;

  constructor(host: Pick<WireHost, 'callsCome' | 'clock'>) {
    this.#host = host;
  }

  /** Monotonic ms at which it was seen that one had come; of the first look, that time. */
  quietSince(): number {
    const come = this.#host.callsCome();
    if (come !== this.#come) {
      this.#come = come;
      this.#quietSince = this.#host.clock.monotonicMs();
    }
    return this.#quietSince;
  }

  /** Starts a replay, which is no live call, and tells whether it was let through. */
  without<Result>(start: () => Result): { readonly started: Result; readonly isLetThrough: boolean } {
    const before = this.#host.callsCome();
    const started = start();
    const come = this.#host.callsCome() - before;
    this.#come += come;
    return { started, isLetThrough: come > 0 };
  }
}
