import type { Clock } from '../clock.ts';
import type { HeldCalls } from './held-calls.ts';
import type { SpooledCall } from './spool/spool.ts';
import type { SureWork } from './sure-work.ts';

/** Gives calls that were taken back to their spool. */
export class GiveBack {
  readonly #held: HeldCalls;
  readonly #clock: Clock;
  readonly #work: SureWork;
  /** Calls on their way back that nobody waits for. */
  readonly #returning = new Set<Promise<void>>();

  constructor(held: HeldCalls, clock: Clock, work: SureWork) {
    this.#held = held;
    this.#clock = clock;
    this.#work = work;
  }

  /** After an attempt: resolves once the spool has it, to be taken again after a while. */
  async retry(call: SpooledCall, attempts: number, afterMs: number): Promise<void> {
    await this.#work.surely(() => this.#held.giveBack(call, attempts, this.#clock.wallMs() + afterMs));
  }

  /** Without an attempt: the caller goes on meanwhile. */
  unharmed(call: SpooledCall, afterMs = 0): void {
    const returned = this.retry(call, call.attempts, afterMs).then(() => {
      this.#returning.delete(returned);
    });
    this.#returning.add(returned);
  }

  /** All that were on their way back are the spool's again once this resolves. */
  async settled(): Promise<void> {
    while (this.#returning.size > 0) await Promise.all(this.#returning);
  }
}
