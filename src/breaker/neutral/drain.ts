import type { Timer } from '../clock.ts';
import type { HeldCall, MemorySpool } from './memory-spool.ts';
import type { Receipt } from './receipt.ts';
import type { WireHost } from './wire.ts';

/** A call that was replayed as often as allowed and failed each time, or failed in a way no replay mends. */
export interface DeadCall {
  readonly receipt: Receipt;
  readonly input: unknown;
  readonly key: string | undefined;
  readonly attempts: number;
  readonly error: unknown;
}

export interface DrainOptions {
  readonly ttlMs: number;
  readonly maxAttempts: number;
  readonly perSecond: number;
  readonly onDead: ((call: DeadCall) => void | Promise<void>) | undefined;
}

/** Longest wait before the breaker is asked again, in ms: an override can be lifted at any time. */
const ASK_AGAIN_MS = 1_000;

/**
 * Replays held calls through the breaker, one after the other, oldest first, at most `perSecond`. It has a timer only
 * while it holds calls. A breaker that is due for a probe gets the oldest held call as one, so that a buffer empties
 * even where live traffic has ended.
 */
export class Drain {
  readonly #host: WireHost;
  readonly #spool: MemorySpool;
  readonly #options: DrainOptions;
  #timer: Timer | undefined;
  #replaying: Promise<void> | undefined;
  #stopped = false;
  #startedAt: number | undefined;
  #replayed = 0;
  #dead = 0;

  constructor(host: WireHost, spool: MemorySpool, options: DrainOptions) {
    this.#host = host;
    this.#spool = spool;
    this.#options = options;
  }

  /** Goes on as soon as the breaker may let a call through. */
  wake(): void {
    if (this.#stopped || this.#replaying || this.#spool.depth === 0) return;
    const waitMs = this.#host.retryAfterMs();
    this.#later(Math.min(waitMs ?? ASK_AGAIN_MS, ASK_AGAIN_MS));
  }

  /** Gives up calls past their time to live. */
  dropExpired(): void {
    const now = this.#host.clock.monotonicMs();
    // The one that is being replayed is settled by its replay.
    if (this.#replaying) return;
    for (let oldest = this.#spool.peek(); oldest; oldest = this.#spool.peek()) {
      if (now - oldest.divertedAt < this.#options.ttlMs) return;
      this.#spool.removeOldest();
      this.#host.report.dropped('expired', this.#spool.depth);
    }
  }

  /** Drains for at most `drainForMs`, then drops what is left, reason `shutdown`. */
  async finish(drainForMs: number): Promise<void> {
    const { clock } = this.#host;
    const end = clock.monotonicMs() + drainForMs;
    this.wake();
    while (this.#spool.depth > 0 && clock.monotonicMs() < end) {
      await new Promise<void>((resolve) => clock.timer(Math.min(20, end - clock.monotonicMs()), resolve));
    }
    this.#stopped = true;
    this.#timer?.cancel();
    for (; this.#spool.depth > 0; this.#spool.removeOldest()) {
      this.#host.report.dropped('shutdown', this.#spool.depth - 1);
    }
  }

  #later(delayMs: number): void {
    this.#timer?.cancel();
    this.#timer = this.#host.clock.timer(delayMs, () => {
      this.#timer = undefined;
      this.#next();
    });
  }

  #next(): void {
    this.dropExpired();
    const oldest = this.#spool.peek();
    if (this.#stopped || this.#replaying || !oldest) return;
    const began = this.#host.clock.monotonicMs();
    this.#startedAt ??= began;
    this.#replaying = this.#replay(oldest).then((pauseMs) => {
      this.#replaying = undefined;
      if (this.#spool.depth === 0) this.#announceEnd();
      else if (!this.#stopped) this.#later(Math.max(0, pauseMs - (this.#host.clock.monotonicMs() - began)));
    });
  }

  /** @returns ms from the replay's start to the next */
  async #replay(held: HeldCall): Promise<number> {
    const { report, clock } = this.#host;
    const paceMs = 1_000 / this.#options.perSecond;
    const result = await this.#host.replay(held.replay, held.attempts + 1);
    if (this.#stopped) return paceMs;
    if (result.kind === 'denied') return Math.min(result.retryAfterMs ?? ASK_AGAIN_MS, ASK_AGAIN_MS);
    held.attempts += 1;
    const receipt = held.receipt.id;
    if (result.kind === 'succeeded') {
      this.#spool.removeOldest();
      this.#replayed += 1;
      report.replayed({ waitedMs: clock.monotonicMs() - held.divertedAt, receipt });
    } else if (result.kind === 'failed' && held.attempts < this.#options.maxAttempts) {
      report.retried({ receipt, error: result.error });
    } else {
      await this.#bury(held, result.error);
    }
    return paceMs;
  }

  async #bury(held: HeldCall, error: unknown): Promise<void> {
    const { receipt, input, key, attempts } = held;
    const { onDead } = this.#options;
    this.#spool.removeOldest();
    this.#dead += 1;
    try {
      if (!onDead) throw error;
      await onDead({ receipt, input, key, attempts, error });
      this.#host.report.dead({ receipt: receipt.id, error });
    } catch {
      this.#host.report.dropped('exhausted', this.#spool.depth);
    }
  }

  #announceEnd(): void {
    const durationMs = this.#host.clock.monotonicMs() - (this.#startedAt ?? 0);
    this.#host.report.drained({ replayed: this.#replayed, dead: this.#dead, durationMs });
    this.#startedAt = undefined;
    this.#replayed = 0;
    this.#dead = 0;
  }
}
