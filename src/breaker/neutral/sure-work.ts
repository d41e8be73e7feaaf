import type { Clock } from '../clock.ts';
import { diagError } from '../telemetry/isolated-observer.ts';

/** Wait before a spool that failed is tried again, in ms. */
const TRY_AGAIN_MS = 1_000;

/** Work on a spool that has to be done some time. A spool that fails is told of once, until it does something again. */
export class SureWork {
  readonly #clock: Clock;
  readonly #whose: string;
  #isIll = false;
  #isStopped = false;

  /** @param whose wire it is, in words */
  constructor(clock: Clock, whose: string) {
    this.#clock = clock;
    this.#whose = whose;
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** What fails from now on is not tried again. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Tries again until it is done: undefined where it was stopped before. */
  async surely<Done>(work: () => Promise<Done>): Promise<Done | undefined> {
    for (;;) {
      try {
        const done = await work();
        this.#isIll = false;
        return done;
      } catch (error) {
        if (this.#isStopped) return undefined;
        this.failed(error);
        await new Promise<void>((resolve) => this.#clock.timer(TRY_AGAIN_MS, resolve));
      }
    }
  }

  /** Other work on the spool failed. */
  failed(error: unknown): void {
    if (!this.#isIll) diagError(`The spool of ${this.#whose}`, error);
    this.#isIll = true;
  }

  /** Other work on the spool was done. */
  succeeded(): void {
    this.#isIll = false;
  }
}
