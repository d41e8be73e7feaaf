import type { Operation } from '../calls/operations.ts';
import { stayAlive, type Timer } from '../clock.ts';
import { outside } from '../outside.ts';
import { diagError, diagWarn } from '../telemetry/isolated-observer.ts';
import { CallsAhead } from './calls-ahead.ts';
import { ASK_AGAIN_MS, DrainPace, type PaceOptions } from './drain-pace.ts';
import { DrainSummary } from './drain-summary.ts';
import { GiveBack } from './give-back.ts';
import type { HeldCalls } from './held-calls.ts';
import { ProbeTurns } from './probe-turns.ts';
import type { RampStep } from './ramp-step.ts';
import { Replayer, type ReplayOptions } from './replayer.ts';
import type { Spool, SpooledCall } from './spool/spool.ts';
import { SureWork } from './sure-work.ts';
import type { WireHost } from './wire.ts';

export interface DrainOptions extends PaceOptions, Omit<ReplayOptions, 'keepsDead'> {
  readonly ttlMs: number;
}

/** How long a call waits whose function has not been protected yet. */
const UNKNOWN_OPERATION_MS = 5_000;
/** Calls of unknown functions that are put off before others have their turn. */
const PUT_OFF_A_TURN = 256;
/** Names of such functions that are told of. */
const MOST_TOLD = 256;

/**
 * Replays held calls through the breaker, oldest first and one at a time of each key. It has a timer only while it holds
 * calls, or while other processes may have put some into its spool.
 */
export class Drain {
  readonly #host: WireHost;
  readonly #spool: Spool;
  readonly #held: HeldCalls;
  readonly #ttlMs: number;
  readonly #whose: string;
  readonly #pace: DrainPace;
  readonly #work: SureWork;
  readonly #giveBack: GiveBack;
  readonly #replayer: Replayer;
  readonly #ahead: CallsAhead;
  readonly #running = new Set<string>();
  #timer: Timer | undefined;
  /** The timer waits for calls that are not due, and a new one need not wait so long. */
  #isSparse = false;
  #isStepping = false;
  #stepAgain = false;
  #isPaused = false;
  readonly #unknown = new Set<string>();
  readonly #summary = new DrainSummary();
  /** When expired calls were looked for: wall time, ms. */
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(host: WireHost, spool: Spool, held: HeldCalls, options: DrainOptions) {
    this.#host = host;
    this.#spool = spool;
    this.#held = held;
    this.#ttlMs = options.ttlMs;
    this.#whose = `wire "${options.wire}" of breaker "${host.breaker}"`;
    const pace = new DrainPace(host, options);
    const work = new SureWork(host.clock, this.#whose);
    const giveBack = new GiveBack(held, host.clock, work);
    const probeTurns = new ProbeTurns();
    const ports = { host, held, pace, probeTurns, giveBack, work };
    this.#pace = pace;
    this.#work = work;
    this.#giveBack = giveBack;
    this.#ahead = new CallsAhead(spool, pace, probeTurns, giveBack);
    this.#replayer = new Replayer(ports, { ...options, keepsDead: spool.isDurable }, this.#whose);
    host.onReset(() => {
      probeTurns.forget();
      this.start();
    });
    host.onTrip(() => this.#ahead.giveBack());
    host.operations.onAdded(() => this.start());
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Whether a call is being replayed, or is about to be. */
  has(id: string): boolean {
    return this.#running.has(id) || this.#ahead.has(id);
  }

  /** Calls that are being replayed, or are about to be. */
  get taken(): number {
    return this.#running.size + this.#ahead.size;
  }

  /** A call was taken in. */
  wake(): void {
    if (this.#work.isStopped || this.#isStepping || (this.#timer && !this.#isSparse)) return;
    this.#later(this.#pace.waitMs(this.#host.rampStep()));
  }

  /** The breaker has closed, or there is something else to be done at once. */
  start(): void {
    if (this.#work.isStopped || this.#isEmpty()) return;
    if (this.#isStepping) this.#stepAgain = true;
    else this.#later(0);
  }

  /** No replay starts until `resume`; those in flight go on. */
  pause(): void {
    this.#isPaused = true;
    this.#ahead.giveBack();
  }

  resume(): void {
    this.#isPaused = false;
    this.start();
  }

  /** Milliseconds until it may be empty at the rate of now; null where it is paused or an operator holds the breaker open. */
  timeToEmptyMs(): number | null {
    const { depth } = this.#held;
    if (depth === 0) return 0;
    return this.#isPaused ? null : this.#pace.timeToEmptyMs(depth);
  }

  /** Calls taken ahead are the spool's again once this resolves. */
  async returnAhead(): Promise<void> {
    this.#ahead.giveBack();
    await this.#giveBack.settled();
  }

  /** Drains for at most `drainForMs`, and stops then: replays still in flight are not heard of any more. */
  async finish(drainForMs: number): Promise<void> {
    const { clock } = this.#host;
    const end = clock.monotonicMs() + drainForMs;
    this.start();
    // Its timers keep nothing alive, and a process that ends here would lose what its caller waits for.
    const letGo = stayAlive();
    while (this.#hasWork() && clock.monotonicMs() < end) await this.#wait(Math.min(20, end - clock.monotonicMs()));
    this.#work.stop();
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
        this.#work.succeeded();
      } while (this.#stepAgain && !this.#work.isStopped);
    } catch (error) {
      this.#work.failed(error);
      if (!this.#work.isStopped) this.#later(ASK_AGAIN_MS);
    } finally {
      this.#isStepping = false;
    }
  }

  async #step(): Promise<void> {
    if (this.#work.isStopped) return;
    await this.#dropExpired();
    let unknown = 0;
    while (!this.#work.isStopped) {
      if (this.#isEmpty()) {
        this.#announceEnd();
        return;
      }
      const step = this.#host.rampStep();
      const waitMs = this.#isPaused ? ASK_AGAIN_MS : this.#pace.waitMs(step);
      if (waitMs > 0) {
        // In the ramp it may be its turn at any moment.
        if (this.#isPaused || !step) this.#ahead.giveBack();
        this.#wakeIn(waitMs);
        return;
      }
      const paceMs = this.#pace.paceWaitMs();
      if (paceMs > 0) {
        this.#wakeIn(paceMs);
        return;
      }
      if (this.#running.size >= this.#pace.concurrency(step)) {
        // The end of one of them steps on; until then others may expire.
        if (!this.#timer) this.#wakeIn(ASK_AGAIN_MS);
        return;
      }
      const call = this.#ahead.next();
      if (!call) {
        if (!(await this.#takeAhead(step))) return;
        continue;
      }
      const operation = this.#held.find(call)?.replayedBy ?? this.#host.operations.find(call.operation);
      if (operation) this.#start(call, operation);
      else {
        this.#putOff(call);
        unknown += 1;
        // Others have their turn: there may be a million calls of a function that is not there.
        if (unknown % PUT_OFF_A_TURN === 0) {
          this.#later(1);
          return;
        }
      }
    }
  }

  async #takeAhead(step: RampStep | undefined): Promise<boolean> {
    const now = this.#host.clock.wallMs();
    if (await this.#ahead.take(step, now, this.#running.size)) return true;
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
    return (this.#spool.load().oldestDivertedAt ?? Number.POSITIVE_INFINITY) + this.#ttlMs;
  }

  #start(call: SpooledCall, operation: Operation): void {
    const now = this.#host.clock.monotonicMs();
    this.#summary.started(now);
    this.#pace.started(now);
    this.#running.add(call.id);
    const goOn = () => {
      this.#running.delete(call.id);
      if (!this.#work.isStopped) void this.#run();
    };
    this.#replayer.replay(call, operation, now).then(
      (end) => {
        this.#summary.count(end);
        if (end === 'asks_again') this.#ahead.putFirst(call);
        goOn();
      },
      (error) => {
        diagError(`A replay of ${this.#whose} broke off`, error);
        goOn();
      },
    );
  }

  /** A call of an earlier process whose function is not protected yet. */
  #putOff(call: SpooledCall): void {
    if (!this.#unknown.has(call.operation) && this.#unknown.size < MOST_TOLD) {
      this.#unknown.add(call.operation);
      const until = 'wait until a function is protected under that name';
      diagWarn(`Calls of "${call.operation}" held by ${this.#whose} ${until}`);
    }
    this.#giveBack.unharmed(call, UNKNOWN_OPERATION_MS);
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => this.#host.clock.timer(ms, resolve));
  }

  #announceEnd(): void {
    const summary = this.#summary.end(this.#host.clock.monotonicMs());
    if (summary) this.#host.report.drained(summary);
  }
}
