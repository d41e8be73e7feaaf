import type { Clock } from '../clock.ts';
import { outside } from '../outside.ts';
import { diagError, diagWarn } from '../telemetry/isolated-observer.ts';
import { type Spool, SpoolError, type SpoolOpening } from './spool/spool.ts';

/** Waits before a spool that could not be opened is tried again, in ms: each twice the one before. */
const FIRST_AGAIN_MS = 1_000;
const LONGEST_AGAIN_MS = 10_000;

/** Opens a spool, and tries again where that fails: another process may still have its file. */
export class SpoolStart {
  readonly #spool: Spool;
  readonly #owner: { readonly breaker: string; readonly wire: string };
  readonly #clock: Clock;
  readonly #onOpen: (opening: SpoolOpening) => void;
  #attempt: Promise<void>;
  #isOpen = false;
  #failure: unknown;
  #isStopped = false;

  /** @param onOpen called once, in the moment from which it is open; where it throws, it is not */
  constructor(
    spool: Spool,
    owner: { readonly breaker: string; readonly wire: string },
    clock: Clock,
    onOpen: (opening: SpoolOpening) => void,
  ) {
    this.#spool = spool;
    this.#owner = owner;
    this.#clock = clock;
    this.#onOpen = onOpen;
    this.#attempt = this.#open(FIRST_AGAIN_MS);
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Why it is not open; undefined where that is not known yet. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Resolves at the end of the attempt that is under way, or was the last one. */
  get attempt(): Promise<void> {
    return this.#attempt;
  }

  /** There is no further attempt. */
  stop(): void {
    this.#isStopped = true;
  }

  async #open(againMs: number): Promise<void> {
    const { breaker, wire } = this.#owner;
    const name = `Wire "${wire}" of breaker "${breaker}"`;
    try {
      const opening = await this.#spool.open(this.#owner);
      this.#onOpen(opening);
      this.#isOpen = true;
      this.#failure = undefined;
      if (opening.damage) diagWarn(`${name}: ${opening.damage.report}`);
    } catch (error) {
      if (this.#failure === undefined) diagError(`${name} has no spool`, error);
      this.#failure = error ?? new SpoolError('SPOOL_FAILED', 'It could not be opened');
      if (!this.#isStopped) this.#openLater(againMs);
    }
  }

  #openLater(afterMs: number): void {
    outside(() => {
      this.#clock.timer(afterMs, () => {
        if (!this.#isStopped) this.#attempt = this.#open(Math.min(LONGEST_AGAIN_MS, 2 * afterMs));
      });
    });
  }
}
