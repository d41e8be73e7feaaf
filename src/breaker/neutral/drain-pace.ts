import { DrainRate } from './drain-rate.ts';
import { LiveCalls } from './live-calls.ts';
import type { RampStep } from './ramp-step.ts';
import { RampTurns } from './ramp-turns.ts';
import type { ReplayResult, WireHost } from './wire.ts';

/** Longest wait before the breaker is asked again, in ms: an override can be lifted at any time. */
export const ASK_AGAIN_MS = 1_000;
/** Shortest wait for a place of the concurrency limit, in ms. */
const LEAST_WAIT_MS = 10;
/** Milliseconds without a live call after which a held one may probe, or take what a step of the ramp lets through. */
const LIVE_CALLS_FIRST_MS = 1_000;
/** Wait before a breaker that probes is looked at again, in ms: nobody tells of live calls, or that it has come to its ramp. */
const LOOK_AGAIN_MS = 100;
/** Share of the latest replay in the mean of their durations. */
const LATEST_SHARE = 0.1;

export interface PaceOptions {
  readonly perSecond: number;
  /** Replays at a time. */
  readonly concurrency: number;
}

/** An attempt that the breaker let through. */
type Judged = Exclude<ReplayResult, { readonly kind: 'denied' }>;

/**
 * When a replay may start: once the breaker may let it through, live calls have had their turn, and the one before is long enough
 * ago. Live calls probe a breaker that is due; where none comes, held calls do, so that a buffer empties even where live
 * traffic has ended. In the recovery ramp replays go at the share of the step, beside what that lets through of the
 * live calls.
 */
export class DrainPace {
  readonly #host: WireHost;
  readonly #options: PaceOptions;
  readonly #rate: DrainRate;
  readonly #liveCalls: LiveCalls;
  readonly #rampTurns = new RampTurns();
  /** Since when the breaker has been waiting for probes. */
  #dueSince: number | undefined;
  #meanMs = 0;

  constructor(host: WireHost, options: PaceOptions) {
    this.#host = host;
    this.#options = options;
    this.#rate = new DrainRate(options.perSecond);
    this.#liveCalls = new LiveCalls(host);
  }

  /** Replays a second at most, now. */
  get perSecond(): number {
    return this.#rate.perSecond;
  }

  /** Whether a call that is let through now is a probe. */
  isProbing(step: RampStep | undefined): boolean {
    const state = this.#host.state();
    return state === 'open' || (state === 'half_open' && !step);
  }

  /** Replays at a time. */
  concurrency(step: RampStep | undefined): number {
    // One probe after the other: a second one would only hear that the first is out.
    return this.isProbing(step) ? 1 : this.#mostAtATime(step);
  }

  /** Milliseconds until the breaker may be asked; 0 for now. */
  waitMs(step: RampStep | undefined): number {
    const retryAfterMs = this.#host.retryAfterMs();
    if (retryAfterMs === 0 && this.isProbing(step)) return this.#probeWaitMs();
    this.#dueSince = undefined;
    if (retryAfterMs !== 0) return Math.min(retryAfterMs ?? ASK_AGAIN_MS, ASK_AGAIN_MS);
    if (!this.#hasPlace() || (step && !this.#rampTurns.mayAsk(step, this.#isQuiet()))) {
      return Math.max(LEAST_WAIT_MS, this.#rate.paceMs);
    }
    return 0;
  }

  /** Milliseconds until the rate allows the next one; 0 for now. */
  paceWaitMs(): number {
    return this.#rate.waitMs(this.#host.clock.monotonicMs());
  }

  /** @param startedAt monotonic ms */
  started(startedAt: number): void {
    this.#rate.started(startedAt);
  }

  /** Asks the breaker for a replay. */
  ask(step: RampStep | undefined, replay: () => Promise<ReplayResult>): Promise<ReplayResult> {
    const { started, isLetThrough } = this.#liveCalls.without(replay);
    if (step) this.#rampTurns.asked(isLetThrough);
    return started;
  }

  /** The breaker let it not through: at least its pace goes by, since a concurrency limit that is full may be free at any time. */
  denied(retryAfterMs: number | null): void {
    const waitMs = Math.max(this.#rate.paceMs, Math.min(retryAfterMs ?? ASK_AGAIN_MS, ASK_AGAIN_MS));
    this.#rate.holdBack(this.#host.clock.monotonicMs(), waitMs);
  }

  /** Takes note of how a replay went: the rate falls where they fail or are slow. */
  ended(result: Judged, startedAt: number, endedAt: number): void {
    const durationMs = endedAt - startedAt;
    this.#meanMs = this.#meanMs === 0 ? durationMs : this.#meanMs + LATEST_SHARE * (durationMs - this.#meanMs);
    const slowMs = this.#host.slowMs();
    // Of a failed probe the breaker itself takes note.
    if (result.kind === 'failed' && result.asProbe) return;
    if (result.kind === 'failed' || (slowMs !== null && durationMs > slowMs)) this.#rate.wentBadly(startedAt, endedAt);
    else this.#rate.wentWell(endedAt);
  }

  /** Milliseconds in which so many may be replayed, at the rate of now; null where an operator holds the breaker open. */
  timeToEmptyMs(depth: number): number | null {
    const retryAfterMs = this.#host.retryAfterMs();
    if (retryAfterMs === null) return null;
    const step = this.#host.rampStep();
    const most = this.#meanMs > 0 ? (this.#mostAtATime(step) * 1_000) / this.#meanMs : Number.POSITIVE_INFINITY;
    return retryAfterMs + (depth / Math.min(this.#rate.perSecond * (step?.share ?? 1), most)) * 1_000;
  }

  #mostAtATime(step: RampStep | undefined): number {
    const { concurrency } = this.#options;
    return step ? Math.max(1, Math.floor(concurrency * step.share)) : concurrency;
  }

  /** Live calls probe, as long as there are any. */
  #probeWaitMs(): number {
    const now = this.#host.clock.monotonicMs();
    this.#dueSince ??= now;
    const waitMs = Math.max(this.#dueSince, this.#liveCalls.quietSince()) + LIVE_CALLS_FIRST_MS - now;
    return Math.min(Math.max(0, waitMs), LOOK_AGAIN_MS);
  }

  #isQuiet(): boolean {
    return this.#host.clock.monotonicMs() - this.#liveCalls.quietSince() >= LIVE_CALLS_FIRST_MS;
  }

  /** The last free place of the concurrency limit is for live calls, where it is not the only one. */
  #hasPlace(): boolean {
    return this.#host.freePlaces() > (this.#host.maxConcurrent() === 1 ? 0 : 1);
  }
}
