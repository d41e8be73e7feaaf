import type { Operation } from '../calls/operations.ts';
import { stayAlive, type Timer } from '../clock.ts';
import { outside } from '../outside.ts';
import { diagError, diagWarn } from '../telemetry/isolated-observer.ts';
import { DrainRate } from './drain-rate.ts';
import type { HeldCalls } from './held-calls.ts';
import { LiveCalls } from './live-calls.ts';
import { ProbeTurns } from './probe-turns.ts';
import type { RampStep } from './ramp-step.ts';
import { RampTurns } from './ramp-turns.ts';
import type { Receipt } from './receipt.ts';
import type { Spool, SpooledCall } from './spool/spool.ts';
import type { ReplayResult, WireHost } from './wire.ts';

/** A call that was replayed as often as allowed and failed each time, or failed in a way no replay mends. */
export interface DeadCall {
  readonly receipt: Receipt;
  readonly input: unknown;
  readonly key: string | undefined;
  readonly idempotencyKey: string;
  /** Wall time, ms. */
  readonly divertedAt: number;
  readonly attempts: number;
  readonly error: unknown;
}

export interface DrainOptions {
  readonly wire: string;
  readonly ttlMs: number;
  readonly maxAttempts: number;
  readonly backoff: { readonly baseMs: number; readonly maxMs: number };
  readonly perSecond: number;
  /** Replays at a time. */
  readonly concurrency: number;
  readonly onDead: ((call: DeadCall) => void | Promise<void>) | undefined;
}

/** Longest wait before the breaker is asked again, in ms: an override can be lifted at any time. */
const ASK_AGAIN_MS = 1_000;
/** Shortest wait for a place of the concurrency limit, in ms. */
const LEAST_WAIT_MS = 10;
/** Milliseconds without a live call after which a held one may probe, or take what a step of the ramp lets through. */
const LIVE_CALLS_FIRST_MS = 1_000;
/** Wait before a breaker that probes is looked at again, in ms: nobody tells of live calls, or that it has come to its ramp. */
const LOOK_AGAIN_MS = 100;
/** How long a call waits whose function has not been protected yet. */
const UNKNOWN_OPERATION_MS = 5_000;
/** Most calls taken ahead of their replay: about a twentieth of a second of them. */
const MOST_AHEAD = 256;
/** Share of the latest replay in the mean of their durations. */
const LATEST_SHARE = 0.1;

/**
 * Replays held calls through the breaker, oldest first and one at a time of each key. It has a timer only while it holds
 * calls, or while other processes may have put some into its spool.
 * Live calls probe a breaker that is due; where none comes, held calls do, each in its turn, so that a buffer empties even
 * where live traffic has ended. In the recovery ramp replays go at the share of the step, beside what that lets through of
 * the live calls.
 */
export class Drain {
  readonly #host: WireHost;
  readonly #spool: Spool;
  readonly #held: HeldCalls;
  readonly #options: DrainOptions;
  readonly #rate: DrainRate;
  readonly #liveCalls: LiveCalls;
  readonly #probeTurns = new ProbeTurns();
  readonly #rampTurns = new RampTurns();
  /** Taken, and not started yet. */
  #ahead: SpooledCall[] = [];
  readonly #running = new Set<string>();
  /** Calls on their way back to the spool. */
  readonly #returning = new Set<Promise<void>>();
  #timer: Timer | undefined;
  /** The timer waits for calls that are not due, and a new one need not wait so long. */
  #isSparse = false;
  #isStepping = false;
  #stepAgain = false;
  #isPaused = false;
  #isStopped = false;
  #isSpoolIll = false;
  readonly #unknown = new Set<string>();
  #startedAt: number | undefined;
  /** Since when the breaker has been waiting for probes. */
  #dueSince: number | undefined;
  #meanMs = 0;
  /** When expired calls were looked for: wall time, ms. */
  #lookedAt = Number.NEGATIVE_INFINITY;
  #replayed = 0;
  #dead = 0;

  constructor(host: WireHost, spool: Spool, held: HeldCalls, options: DrainOptions) {
    this.#host = host;
    this.#spool = spool;
    this.#held = held;
    this.#options = options;
    this.#rate = new DrainRate(options.perSecond);
    this.#liveCalls = new LiveCalls(host);
    host.onReset(() => {
      this.#probeTurns.forget();
      this.start();
    });
    host.onTrip(() => this.#giveBackAhead());
    host.operations.onAdded(() => this.start());
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Whether a call is being replayed, or is about to be. */
  has(id: string): boolean {
    return this.#running.has(id) || this.#ahead.some((call) => call.id === id);
  }

  /** Calls that are being replayed, or are about to be. */
  get taken(): number {
    return this.#running.size + this.#ahead.length;
  }

  /** A call was taken in. */
  wake(): void {
    if (this.#isStopped || this.#isStepping || (this.#timer && !this.#isSparse)) return;
    this.#later(this.#waitMs(this.#host.rampStep()));
  }

  /** The breaker has closed, or there is something else to be done at once. */
  start(): void {
    if (this.#isStopped || this.#isEmpty()) return;
    if (this.#isStepping) this.#stepAgain = true;
    else this.#later(0);
  }

  /** No replay starts until `resume`; those in flight go on. */
  pause(): void {
    this.#isPaused = true;
    this.#giveBackAhead();
  }

  resume(): void {
    this.#isPaused = false;
    this.start();
  }

  /** Milliseconds until it may be empty at the rate of now; null where it is paused or an operator holds the breaker open. */
  timeToEmptyMs(): number | null {
    const { depth } = this.#held;
    if (depth === 0) return 0;
    const retryAfterMs = this.#host.retryAfterMs();
    if (this.#isPaused || retryAfterMs === null) return null;
    const step = this.#host.rampStep();
    const most = this.#meanMs > 0 ? (this.#concurrency(step) * 1_000) / this.#meanMs : Number.POSITIVE_INFINITY;
    return retryAfterMs + (depth / Math.min(this.#rate.perSecond * (step?.share ?? 1), most)) * 1_000;
  }

  /** Calls taken ahead are the spool's again once this resolves. */
  async returnAhead(): Promise<void> {
    this.#giveBackAhead();
    while (this.#returning.size > 0) await Promise.all(this.#returning);
  }

  /** Drains for at most `drainForMs`, and stops then: replays still in flight are not heard of any more. */
  async finish(drainForMs: number): Promise<void> {
    const { clock } = this.#host;
    const end = clock.monotonicMs() + drainForMs;
    this.start();
    // Its timers keep nothing alive, and a process that ends here would lose what its caller waits for.
    const letGo = stayAlive();
    while (this.#hasWork() && clock.monotonicMs() < end) await this.#wait(Math.min(20, end - clock.monotonicMs()));
    this.#isStopped = true;
    this.#timer?.cancel();
    await this.returnAhead();
    letGo();
  }

  /** Of a spool that other processes fill as well that is never sure: it is asked each second. */
  #isEmpty(): boolean {
    return !this.#spool.isShared && this.#held.depth === 0 && this.#running.size === 0;
  }

  #hasWork(): boolean {
    return this.#running.size > 0 || (!this.#isPaused && this.#held.depth > 0);
  }

  #later(delayMs: number): void {
    this.#timer?.cancel();
    this.#isSparse = false;
    // It is armed by the request that was diverted last, whose async context is no business of the calls replayed.
    outside(() => {
      this.#timer = this.#host.clock.timer(delayMs, () => {
        this.#timer = undefined;
        void this.#run();
      });
    });
  }

  /** Takes steps until there is nothing to do for now; only one such run is under way at a time. */
  async #run(): Promise<void> {
    if (this.#isStepping) {
      this.#stepAgain = true;
      return;
    }
    this.#isStepping = true;
    try {
      do {
        this.#stepAgain = false;
        await this.#step();
        this.#isSpoolIll = false;
      } while (this.#stepAgain && !this.#isStopped);
    } catch (error) {
      this.#tellSpoolIsIll(error);
      if (!this.#isStopped) this.#later(ASK_AGAIN_MS);
    } finally {
      this.#isStepping = false;
    }
  }

  async #step(): Promise<void> {
    const { clock } = this.#host;
    if (this.#isStopped) return;
    await this.#dropExpired();
    let unknown = 0;
    while (!this.#isStopped) {
      if (this.#isEmpty()) {
        this.#announceEnd();
        return;
      }
      const step = this.#host.rampStep();
      const waitMs = this.#isPaused ? ASK_AGAIN_MS : this.#waitMs(step);
      if (waitMs > 0) {
        // In the ramp it may be its turn at any moment.
        if (this.#isPaused || !step) this.#giveBackAhead();
        this.#wakeIn(waitMs);
        return;
      }
      const paceMs = this.#rate.waitMs(clock.monotonicMs());
      if (paceMs > 0) {
        this.#wakeIn(paceMs);
        return;
      }
      // One probe after the other: a second one would only hear that the first is out.
      if (this.#running.size >= (this.#isProbing(step) ? 1 : this.#concurrency(step))) {
        // The end of one of them steps on; until then others may expire.
        if (!this.#timer) this.#wakeIn(ASK_AGAIN_MS);
        return;
      }
      const call = this.#ahead.shift();
      if (!call) {
        if (!(await this.#takeAhead())) return;
        continue;
      }
      const operation = this.#held.find(call)?.replayedBy ?? this.#host.operations.find(call.operation);
      if (operation) this.#start(call, operation);
      else {
        this.#putOff(call);
        unknown += 1;
        // Others have their turn: there may be a million calls of a function that is not there.
        if (unknown % MOST_AHEAD === 0) {
          this.#later(1);
          return;
        }
      }
    }
  }

  async #takeAhead(): Promise<boolean> {
    const now = this.#host.clock.wallMs();
    this.#ahead.push(...(await this.#take(now)));
    if (this.#ahead.length > 0) return true;
    const dueAt = this.#spool.nextDueAt();
    if (this.#held.depth === 0 && this.#running.size === 0) {
      this.#announceEnd();
      if (!this.#spool.isShared) return false;
    }
    // What is left waits, or is behind what is in flight, whose end steps on.
    this.#wakeIn(dueAt === undefined ? ASK_AGAIN_MS : Math.max(1, dueAt - now));
    this.#isSparse = true;
    return false;
  }

  async #take(now: number): Promise<readonly SpooledCall[]> {
    const step = this.#host.rampStep();
    if (this.#isProbing(step)) return this.#takeProbe(now);
    const free = this.#concurrency(step) - this.#running.size;
    // A step of the ramp lets few through.
    const soon = step ? 0 : Math.min(MOST_AHEAD, Math.ceil(this.#rate.perSecond / 20));
    return this.#spool.take(Math.max(free, soon), now);
  }

  async #takeProbe(now: number): Promise<readonly SpooledCall[]> {
    const taken = await this.#spool.take(this.#probeTurns.needed, now);
    const probe = this.#probeTurns.choose(taken);
    for (const call of taken) if (call !== probe) this.#return(call, 0);
    return probe ? [probe] : [];
  }

  /** Replays at a time. */
  #concurrency(step: RampStep | undefined): number {
    const { concurrency } = this.#options;
    return step ? Math.max(1, Math.floor(concurrency * step.share)) : concurrency;
  }

  async #dropExpired(): Promise<void> {
    const now = this.#host.clock.wallMs();
    // Of a spool that had another time to live before, some may expire earlier than the oldest.
    if (now < Math.min(this.#lookedAt + ASK_AGAIN_MS, this.#oldestExpiresAt())) return;
    this.#lookedAt = now;
    await this.#held.expire(now);
  }

  /** Wakes after `ms`, or as the oldest call expires. */
  #wakeIn(ms: number): void {
    const expiresInMs = this.#oldestExpiresAt() - this.#host.clock.wallMs();
    // One that is past its time and still there is in flight, and its end will tell.
    this.#later(Math.min(ms, ASK_AGAIN_MS, expiresInMs > 0 ? expiresInMs : ms));
  }

  /** Wall time, ms; Infinity where nothing is held. */
  #oldestExpiresAt(): number {
    return (this.#spool.load().oldestDivertedAt ?? Number.POSITIVE_INFINITY) + this.#options.ttlMs;
  }

  /** Milliseconds until a replay may be tried; 0 for now. */
  #waitMs(step: RampStep | undefined): number {
    const retryAfterMs = this.#host.retryAfterMs();
    if (retryAfterMs === 0 && this.#isProbing(step)) return this.#probeWaitMs();
    this.#dueSince = undefined;
    if (retryAfterMs !== 0) return Math.min(retryAfterMs ?? ASK_AGAIN_MS, ASK_AGAIN_MS);
    if (!this.#hasPlace() || (step && !this.#rampTurns.mayAsk(step, this.#isQuiet()))) {
      return Math.max(LEAST_WAIT_MS, this.#rate.paceMs);
    }
    return 0;
  }

  /** Live calls probe, as long as there are any. */
  #probeWaitMs(): number {
    const now = this.#host.clock.monotonicMs();
    this.#dueSince ??= now;
    const waitMs = Math.max(this.#dueSince, this.#liveCalls.quietSince()) + LIVE_CALLS_FIRST_MS - now;
    return Math.min(Math.max(0, waitMs), LOOK_AGAIN_MS);
  }

  /** Whether a call that is let through now is a probe. */
  #isProbing(step: RampStep | undefined): boolean {
    const state = this.#host.state();
    return state === 'open' || (state === 'half_open' && !step);
  }

  #isQuiet(): boolean {
    return this.#host.clock.monotonicMs() - this.#liveCalls.quietSince() >= LIVE_CALLS_FIRST_MS;
  }

  /** The last free place of the concurrency limit is for live calls, where it is not the only one. */
  #hasPlace(): boolean {
    return this.#host.freePlaces() > (this.#host.maxConcurrent() === 1 ? 0 : 1);
  }

  #start(call: SpooledCall, operation: Operation): void {
    const now = this.#host.clock.monotonicMs();
    this.#startedAt ??= now;
    this.#rate.started(now);
    this.#running.add(call.id);
    const ended = () => {
      this.#running.delete(call.id);
      if (!this.#isStopped) void this.#run();
    };
    this.#replay(call, operation, now).then(ended, (error) => {
      diagError(`A replay of wire "${this.#options.wire}" of breaker "${this.#host.breaker}" broke off`, error);
      ended();
    });
  }

  async #replay(call: SpooledCall, operation: Operation, startedAt: number): Promise<void> {
    const { clock } = this.#host;
    const waitedMs = Math.max(0, clock.wallMs() - call.divertedAt);
    const step = this.#host.rampStep();
    const { started, isLetThrough } = this.#liveCalls.without(() =>
      this.#host.replay((context) => operation.run(call.input, context), {
        attempt: call.attempts + 1,
        idempotencyKey: call.idempotencyKey,
        divertedAt: call.divertedAt,
      }),
    );
    if (step) this.#rampTurns.asked(isLetThrough);
    const result = await started;
    // What it holds was given up, or is kept for the next process.
    if (this.#isStopped) return;
    const now = clock.monotonicMs();
    const durationMs = now - startedAt;
    if (result.kind === 'denied' && step) {
      // It was counted as a call of the step, and asks again.
      this.#ahead.unshift(call);
      return;
    }
    if (result.kind === 'denied') {
      // At least its pace: a concurrency limit that is full may be free again at any time.
      this.#rate.holdBack(
        now,
        Math.max(this.#rate.paceMs, Math.min(result.retryAfterMs ?? ASK_AGAIN_MS, ASK_AGAIN_MS)),
      );
      await this.#giveBack(call, call.attempts, 0);
      return;
    }
    this.#adapt(result, startedAt, now);
    if (result.kind === 'succeeded') {
      const told = { waitedMs, durationMs, receipt: call.id };
      if (await this.#surely(() => this.#held.replayed(call, told, result.value))) this.#replayed += 1;
      return;
    }
    const { error } = result;
    // A failed probe tells of the dependency, not of the call: a long outage must not use up the call's attempts.
    const attempts = result.kind === 'failed' && result.asProbe ? call.attempts : call.attempts + 1;
    if (result.kind === 'failed' && result.asProbe) this.#probeTurns.failed(call);
    if (result.kind === 'failed' && attempts < this.#options.maxAttempts) {
      this.#host.report.retried({ receipt: call.id, durationMs, error });
      await this.#giveBack(call, attempts, attempts > call.attempts ? this.#backoffMs(attempts) : 0);
      return;
    }
    await this.#bury(call, attempts, error, durationMs);
  }

  #adapt(result: Exclude<ReplayResult, { kind: 'denied' }>, startedAt: number, now: number): void {
    const durationMs = now - startedAt;
    this.#meanMs = this.#meanMs === 0 ? durationMs : this.#meanMs + LATEST_SHARE * (durationMs - this.#meanMs);
    const slowMs = this.#host.slowMs();
    // Of a failed probe the breaker itself takes note.
    if (result.kind === 'failed' && result.asProbe) return;
    if (result.kind === 'failed' || (slowMs !== null && durationMs > slowMs)) this.#rate.wentBadly(startedAt, now);
    else this.#rate.wentWell(now);
  }

  /** In memory nobody but its handler has a dead call, so without one it is dropped. A durable spool keeps it in any case. */
  async #bury(call: SpooledCall, attempts: number, error: unknown, durationMs: number): Promise<void> {
    const { receipt, isKept } = await this.#handOver(call, attempts, error);
    const told = { receipt: receipt.id, durationMs, error };
    const { clock } = this.#host;
    if (!isKept) await this.#surely(() => this.#held.drop(call, 'exhausted', error));
    else if (await this.#surely(() => this.#held.died(call, told, clock.wallMs()))) this.#dead += 1;
  }

  async #handOver(call: SpooledCall, attempts: number, error: unknown): Promise<{ receipt: Receipt; isKept: boolean }> {
    const { onDead, wire } = this.#options;
    const { input, key, idempotencyKey, divertedAt } = call;
    const receipt = this.#held.receiptOf(call, this.#host.breaker, wire);
    if (!onDead) return { receipt, isKept: this.#spool.isDurable };
    try {
      await onDead({ receipt, input, key, idempotencyKey, divertedAt, attempts, error });
      return { receipt, isKept: true };
    } catch (thrown) {
      diagError(`onDead of wire "${wire}" of breaker "${this.#host.breaker}" threw`, thrown);
      return { receipt, isKept: this.#spool.isDurable };
    }
  }

  /** A call of an earlier process whose function is not protected yet. */
  #putOff(call: SpooledCall): void {
    if (!this.#unknown.has(call.operation) && this.#unknown.size < MOST_AHEAD) {
      this.#unknown.add(call.operation);
      diagWarn(
        `Wire "${this.#options.wire}" of breaker "${this.#host.breaker}" holds calls of "${call.operation}", which wait until a function is protected under that name`,
      );
    }
    this.#return(call, UNKNOWN_OPERATION_MS);
  }

  #giveBackAhead(): void {
    const calls = this.#ahead;
    this.#ahead = [];
    for (const call of calls) this.#return(call, 0);
  }

  #return(call: SpooledCall, afterMs: number): void {
    const returned = this.#giveBack(call, call.attempts, afterMs).then(() => {
      this.#returning.delete(returned);
    });
    this.#returning.add(returned);
  }

  async #giveBack(call: SpooledCall, attempts: number, afterMs: number): Promise<void> {
    await this.#surely(() => this.#held.giveBack(call, attempts, this.#host.clock.wallMs() + afterMs));
  }

  /** Tries again until the spool has done it: undefined where the drain was stopped before. */
  async #surely<Done>(work: () => Promise<Done>): Promise<Done | undefined> {
    for (;;) {
      try {
        const done = await work();
        this.#isSpoolIll = false;
        return done;
      } catch (error) {
        if (this.#isStopped) return undefined;
        this.#tellSpoolIsIll(error);
        await this.#wait(ASK_AGAIN_MS);
      }
    }
  }

  /** Once, until it does something again. */
  #tellSpoolIsIll(error: unknown): void {
    if (!this.#isSpoolIll)
      diagError(`The spool of wire "${this.#options.wire}" of breaker "${this.#host.breaker}"`, error);
    this.#isSpoolIll = true;
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => this.#host.clock.timer(ms, resolve));
  }

  #backoffMs(attempts: number): number {
    const { baseMs, maxMs } = this.#options.backoff;
    return Math.min(maxMs, baseMs * 2 ** (attempts - 1));
  }

  #announceEnd(): void {
    if (this.#startedAt === undefined) return;
    const durationMs = this.#host.clock.monotonicMs() - this.#startedAt;
    this.#host.report.drained({ replayed: this.#replayed, dead: this.#dead, durationMs });
    this.#startedAt = undefined;
    this.#replayed = 0;
    this.#dead = 0;
  }
}
