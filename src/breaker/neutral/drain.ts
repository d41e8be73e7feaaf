import type { BreakerState } from '@switchgear/conventions';
import { stayAlive, type Timer } from '../clock.ts';
import { outside } from '../outside.ts';
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
/** Milliseconds for which a breaker that is due for a probe is left to live calls. */
const LIVE_CALLS_FIRST_MS = 1_000;
/** Wait after a call's first failed replay, in ms; it doubles with each further one. */
const BACKOFF_BASE_MS = 250;
const BACKOFF_MAX_MS = 10_000;

/**
 * Replays held calls through the breaker, one after the other, oldest first, at most `perSecond`. It has a timer only
 * while it holds calls. Live calls probe a breaker that is due; where none comes, the oldest held call does, so that a
 * buffer empties even where live traffic has ended.
 */
export class Drain {
  readonly #host: WireHost;
  readonly #spool: MemorySpool;
  readonly #options: DrainOptions;
  #timer: Timer | undefined;
  #replaying: Promise<void> | undefined;
  #stopped = false;
  #startedAt: number | undefined;
  /** Since when the breaker has been due for a probe that no live call made. */
  #dueSince: number | undefined;
  #replayed = 0;
  #dead = 0;

  constructor(host: WireHost, spool: MemorySpool, options: DrainOptions) {
    this.#host = host;
    this.#spool = spool;
    this.#options = options;
  }

  /** A call was taken in. */
  wake(): void {
    if (this.#stopped || this.#replaying || this.#timer || this.#spool.depth === 0) return;
    this.#later(this.#waitMs());
  }

  /** The breaker has closed. */
  start(): void {
    if (this.#stopped || this.#replaying || this.#spool.depth === 0) return;
    this.#later(0);
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
    this.start();
    // Its timers keep nothing alive, and a process that ends here would lose what its caller waits for.
    const letGo = stayAlive();
    while ((this.#spool.depth > 0 || this.#replaying) && clock.monotonicMs() < end) {
      await new Promise<void>((resolve) => clock.timer(Math.min(20, end - clock.monotonicMs()), resolve));
    }
    letGo();
    this.#stopped = true;
    this.#timer?.cancel();
    for (; this.#spool.depth > 0; this.#spool.removeOldest()) {
      this.#host.report.dropped('shutdown', this.#spool.depth - 1);
    }
  }

  #later(delayMs: number): void {
    this.#timer?.cancel();
    // It is armed by the request that was diverted last, whose async context is no business of the calls replayed.
    outside(() => {
      this.#timer = this.#host.clock.timer(delayMs, () => {
        this.#timer = undefined;
        this.#next();
      });
    });
  }

  #next(): void {
    this.dropExpired();
    const oldest = this.#spool.peek();
    if (this.#stopped || this.#replaying || !oldest) return;
    const waitMs = this.#waitMs();
    if (waitMs > 0) {
      this.#later(waitMs);
      return;
    }
    const began = this.#host.clock.monotonicMs();
    this.#startedAt ??= began;
    this.#replaying = this.#replay(oldest).then((pauseMs) => {
      this.#replaying = undefined;
      if (this.#spool.depth === 0) this.#announceEnd();
      else if (!this.#stopped) this.#later(Math.max(0, pauseMs - (this.#host.clock.monotonicMs() - began)));
    });
  }

  /** Milliseconds until a replay may be tried; 0 for now. */
  #waitMs(): number {
    const retryAfterMs = this.#host.retryAfterMs();
    const isDue = retryAfterMs === 0 && isRecovering(this.#host.state());
    if (!isDue) {
      this.#dueSince = undefined;
      return Math.min(retryAfterMs ?? ASK_AGAIN_MS, ASK_AGAIN_MS);
    }
    const now = this.#host.clock.monotonicMs();
    this.#dueSince ??= now;
    return Math.max(0, this.#dueSince + LIVE_CALLS_FIRST_MS - now);
  }

  /** @returns ms from the replay's start to the next */
  async #replay(held: HeldCall): Promise<number> {
    const { report, clock } = this.#host;
    const paceMs = 1_000 / this.#options.perSecond;
    const result = await this.#host.replay(held.replay, held.attempts + 1);
    if (this.#stopped) return paceMs;
    // At least its pace: a concurrency limit that is full may be free again at any time.
    if (result.kind === 'denied') return Math.max(paceMs, Math.min(result.retryAfterMs ?? ASK_AGAIN_MS, ASK_AGAIN_MS));
    const receipt = held.receipt.id;
    // A failed probe tells of the dependency, not of the call: a long outage must not use up the call's attempts.
    const counts = result.kind !== 'failed' || !result.asProbe;
    if (counts) held.attempts += 1;
    if (result.kind === 'succeeded') {
      this.#spool.removeOldest();
      this.#replayed += 1;
      report.replayed({ waitedMs: clock.monotonicMs() - held.divertedAt, receipt });
      return paceMs;
    }
    if (result.kind === 'failed' && held.attempts < this.#options.maxAttempts) {
      report.retried({ receipt, error: result.error });
      return counts ? Math.max(paceMs, backoffMs(held.attempts)) : paceMs;
    }
    await this.#bury(held, result.error);
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

/** States in which a call that is let through is a probe. */
function isRecovering(state: BreakerState): boolean {
  return state === 'open' || state === 'half_open';
}

function backoffMs(attempts: number): number {
  return Math.min(BACKOFF_MAX_MS, BACKOFF_BASE_MS * 2 ** (attempts - 1));
}
