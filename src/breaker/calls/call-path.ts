import type { BreakerSettings, BreakerState } from '@switchgear/conventions';
import type { Admission, BreakerCore, SettledOutcome } from '../core.ts';
import { BreakerLimitError, BreakerOpenError, stackless } from '../errors.ts';
import { countCall } from '../memory/call-numbers.ts';
import { type AttachedWire, type DivertResult, divert, divertSync } from '../neutral/divert.ts';
import { Lesson } from '../neutral/lesson.ts';
import type { Replay, ReplayOrigin, ReplayResult } from '../neutral/wire.ts';
import type { ValidOptions } from '../options.ts';
import { diagError, type IsolatedObserver } from '../telemetry/isolated-observer.ts';
import { ActiveCall } from './active-call.ts';
import type { CallContext, CallOrigin } from './call-context.ts';
import { CallToDivert } from './call-to-divert.ts';
import { type DeadlineQueue, deadlineQueue } from './deadline-queue.ts';
import type { Operation } from './operations.ts';
import { raceCall } from './race-call.ts';

export interface ExecuteOptions {
  /** The caller's own signal: when it aborts, the call is `cancelled`, which decides nothing. */
  readonly signal?: AbortSignal | undefined;
  /** Handed to the neutral wires. */
  readonly input?: unknown;
  /** Groups calls whose order matters; handed to the neutral wires. */
  readonly key?: string | undefined;
  /** Handed to the function and to its replays; default: one that is made for the call. */
  readonly idempotencyKey?: string | undefined;
}

/** What the wires are told of a call. */
export interface CallFacts extends ExecuteOptions {
  /** The function that was wrapped by `protect`. */
  readonly fn?: object | undefined;
  /** The same by its name, as a buffer keeps it. */
  readonly operation?: Operation | undefined;
}

/** Hears of calls as they end, before their callers do. */
export interface CallListener {
  failed(failure: CallFailure): void;
  turnedAway(outcome: 'rejected' | 'limited' | 'diverted'): void;
}

/** An executed call that failed or timed out. */
export interface CallFailure {
  readonly outcome: 'failure' | 'timeout';
  /** What it threw; undefined where its result was judged a failure. */
  readonly error: unknown;
  readonly durationMs: number;
  /** When the call came. */
  readonly state: BreakerState;
  /** This call tripped the breaker. */
  readonly tripped: boolean;
}

type Refusal = Extract<Admission, { admitted: false }>;
type Pass = Extract<Admission, { admitted: true }>;

const SOON = Promise.resolve();

/** The way of one call through a breaker: permit, call, record, and over the neutral wires where it is not let through. */
export class CallPath {
  readonly #options: ValidOptions;
  readonly #core: BreakerCore;
  readonly #wires: readonly AttachedWire[];
  readonly #observer: IsolatedObserver;
  readonly #listener: CallListener;
  /** Undefined where no wire learns from good calls. */
  readonly #lesson: Lesson | undefined;
  /** The settings that `#overdue` was found for. */
  #settings: BreakerSettings | undefined = undefined;
  #overdue: DeadlineQueue | undefined = undefined;

  constructor(
    options: ValidOptions,
    core: BreakerCore,
    wires: readonly AttachedWire[],
    observer: IsolatedObserver,
    listener: CallListener,
  ) {
    this.#options = options;
    this.#core = core;
    this.#wires = wires;
    this.#observer = observer;
    this.#listener = listener;
    this.#lesson = Lesson.of(observer.breaker, options, wires);
  }

  /** @param replay runs the same call once more; undefined where that cannot be done */
  call(
    run: (context: CallContext) => unknown,
    options: CallFacts | undefined,
    replay: Replay | undefined,
  ): Promise<unknown> {
    const pass = this.#core.admit();
    if (!pass.admitted) return this.#turnAway(pass, options, replay);
    const call = this.start(pass, 1, options);
    const timeoutMs = this.#timeoutMs(pass);
    const signal = options?.signal;
    if (timeoutMs !== null || signal !== undefined) {
      return this.#race(
        call,
        run,
        timeoutMs,
        signal,
        (value) => this.#answer(call, value, options, replay),
        (error) => this.#fail(call, error, options, replay),
      );
    }
    let returned: unknown;
    try {
      returned = run(call);
    } catch (error) {
      return new Promise((resolve) => resolve(this.#fail(call, error, options, replay)));
    }
    const promise = returned instanceof Promise ? returned : Promise.resolve(returned);
    return promise.then(
      (value) => this.#answer(call, value, options, replay),
      (error) => this.#fail(call, error, options, replay),
    );
  }

  /** The same for a function that answers at once: no timeout can end it, and only wires that answer at once are asked. */
  callSync(run: (context: CallContext) => unknown, options: CallFacts | undefined): unknown {
    const pass = this.#core.admit();
    if (!pass.admitted) return this.#turnAwaySync(pass, options);
    const call = this.start(pass, 1, options);
    let value: unknown;
    try {
      value = run(call);
    } catch (error) {
      const tripped = this.end(call, this.judgeError(call, error), undefined, error);
      if (!tripped || this.#wires.length === 0) throw error;
      const answer = this.#divertSync(call, options, error);
      if (answer.taken) return answer.value;
      throw error;
    }
    const outcome = this.#judgeResult(value);
    const tripped = this.end(call, outcome, value, undefined);
    if (this.#lesson !== undefined && outcome === 'success') this.#lesson.teach(options, value);
    if (!tripped || this.#wires.length === 0) return value;
    const answer = this.#divertSync(call, options, undefined);
    return answer.taken ? answer.value : value;
  }

  /** Sends a held call through the breaker like any other. */
  replay(replay: Replay, origin: ReplayOrigin): Promise<ReplayResult> {
    const pass = this.#core.admit();
    if (!pass.admitted) return Promise.resolve({ kind: 'denied', retryAfterMs: pass.retryAfterMs });
    const asProbe = pass.permit.lease !== null;
    const call = this.start(pass, origin.attempt, origin);
    const answer = (value: unknown): ReplayResult => {
      const outcome = this.#judgeResult(value);
      this.end(call, outcome, value, undefined);
      return outcome === 'success' ? { kind: 'succeeded', value } : { kind: 'failed', error: undefined, asProbe };
    };
    const fail = (error: unknown): ReplayResult => {
      const outcome = this.judgeError(call, error);
      this.end(call, outcome, undefined, error);
      return outcome === 'ignored' ? { kind: 'ignored', error } : { kind: 'failed', error, asProbe };
    };
    return this.#race(call, replay, this.#timeoutMs(pass), undefined, answer, fail) as Promise<ReplayResult>;
  }

  /** A permit as a call: it is in flight until `end`. */
  start(pass: Pass, attempt: number, origin?: CallOrigin): ActiveCall {
    const startedAt = this.#core.clock.monotonicMs();
    const call = new ActiveCall(this.#core, pass, startedAt, attempt, origin);
    if (this.#core.settings !== this.#settings) this.#findQueue();
    this.#overdue?.add(call);
    return call;
  }

  /** Records how a call ended. Returns whether it tripped the breaker. */
  end(call: ActiveCall, outcome: SettledOutcome, result: unknown, error: unknown): boolean {
    const endedAt = this.#core.clock.monotonicMs();
    call.queue?.remove(call);
    const isSlow = this.#options.isSlow !== undefined && this.#judgeSlow(outcome, result, error);
    if (outcome === 'success') {
      this.#core.settle(call, outcome, endedAt, isSlow, undefined);
      this.#observer.timed(outcome, endedAt - call.startedAt, call.pass.state, endedAt);
      return false;
    }
    return this.#core.settle(call, outcome, endedAt, isSlow, (tripped, counted) => {
      if (outcome === 'ignored' || outcome === 'cancelled') return;
      this.#tellFailure(call, outcome, error, endedAt - call.startedAt, tripped, counted);
    });
  }

  /** Counts a call that was not let through and that no wire took. */
  refuse({ limited }: Refusal): void {
    const outcome = limited ? 'limited' : 'rejected';
    countCall(this.#core.cells, outcome);
    if (!limited) this.#observer.rejected();
    this.#listener.turnedAway(outcome);
  }

  /** What an error says of its call. */
  judgeError(call: ActiveCall, error: unknown): SettledOutcome {
    if (call.cut !== undefined) return call.cut;
    try {
      return this.#options.isFailure(error) ? 'failure' : 'ignored';
    } catch (thrown) {
      diagError(`isFailure of breaker "${this.#observer.breaker}" threw`, thrown);
      return 'failure';
    }
  }

  #findQueue(): void {
    this.#settings = this.#core.settings;
    const { countOverdue, slowMs } = this.#settings.trip;
    this.#overdue = countOverdue && slowMs !== null ? deadlineQueue(this.#core.clock, slowMs) : undefined;
  }

  #race(
    call: ActiveCall,
    run: (context: CallContext) => unknown,
    timeoutMs: number | null,
    signal: AbortSignal | undefined,
    answer: (value: unknown) => unknown,
    fail: (error: unknown) => unknown,
  ): Promise<unknown> {
    const limits = { breaker: this.#observer.breaker, clock: this.#core.clock, timeoutMs, signal };
    return raceCall(call, run, limits, answer, fail);
  }

  #answer(call: ActiveCall, value: unknown, options: CallFacts | undefined, replay: Replay | undefined): unknown {
    const outcome = this.#judgeResult(value);
    const tripped = this.end(call, outcome, value, undefined);
    if (this.#lesson !== undefined && outcome === 'success') this.#lesson.teach(options, value);
    if (!tripped || this.#wires.length === 0) return value;
    return this.#divertLater(call, options, replay, undefined).then((answer) => (answer.taken ? answer.value : value));
  }

  #fail(
    call: ActiveCall,
    error: unknown,
    options: CallFacts | undefined,
    replay: Replay | undefined,
  ): Promise<unknown> {
    const tripped = this.end(call, this.judgeError(call, error), undefined, error);
    // The call that trips the breaker is diverted as well: its caller deserves no less than the next one.
    if (!tripped || this.#wires.length === 0) throw error;
    return this.#divertLater(call, options, replay, error).then((answer) => {
      if (answer.taken) return answer.value;
      throw error;
    });
  }

  #tellFailure(
    call: ActiveCall,
    outcome: 'failure' | 'timeout',
    error: unknown,
    durationMs: number,
    tripped: boolean,
    counted: boolean,
  ): void {
    const { state } = call.pass;
    this.#observer.timed(outcome, durationMs, state, call.startedAt + durationMs);
    // Wall time is read for failures alone; the monotonic clock says how long ago the call began.
    const endedAt = this.#core.clock.wallMs();
    const startedAt = endedAt - durationMs;
    this.#observer.failed({ outcome, error, stateAtStart: state, startedAt, endedAt, tripped, counted });
    this.#listener.failed({ outcome, error, durationMs, state, tripped });
  }

  #turnAway(refusal: Refusal, options: CallFacts | undefined, replay: Replay | undefined): Promise<unknown> {
    if (this.#wires.length === 0) {
      const error = this.#refuse(refusal, []);
      // Rejected before its caller has it, a promise costs Node.js a look for who handles it.
      return SOON.then(() => {
        throw error;
      });
    }
    const answer = this.#divert(undefined, options, replay, undefined);
    if (answer instanceof Promise) return answer.then((later) => this.#answerTurnedAway(refusal, later));
    // Its value may be a promise: the wire's own.
    return new Promise((resolve) => resolve(this.#answerTurnedAway(refusal, answer)));
  }

  #turnAwaySync(refusal: Refusal, options: CallFacts | undefined): unknown {
    return this.#answerTurnedAway(refusal, this.#divertSync(undefined, options, undefined));
  }

  #answerTurnedAway(refusal: Refusal, answer: DivertResult): unknown {
    if (!answer.taken) throw this.#refuse(refusal, answer.causes);
    countCall(this.#core.cells, 'diverted');
    this.#listener.turnedAway('diverted');
    return answer.value;
  }

  #refuse(refusal: Refusal, causes: readonly unknown[]): BreakerOpenError | BreakerLimitError {
    this.refuse(refusal);
    const { limited, retryAfterMs } = refusal;
    const { breaker } = this.#observer;
    const { maxConcurrent } = this.#core.settings;
    return stackless(() =>
      limited
        ? new BreakerLimitError(breaker, maxConcurrent ?? 0, causes)
        : new BreakerOpenError(breaker, retryAfterMs, causes),
    );
  }

  /** A probe always has a deadline, so that it gives its permit back. */
  #timeoutMs({ permit: { lease } }: Pass): number | null {
    const { timeoutMs, halfOpen } = this.#core.settings;
    if (lease === null) return timeoutMs;
    return timeoutMs === null ? halfOpen.probeTimeoutMs : Math.min(timeoutMs, halfOpen.probeTimeoutMs);
  }

  async #divertLater(
    origin: ActiveCall,
    options: CallFacts | undefined,
    replay: Replay | undefined,
    error: unknown,
  ): Promise<DivertResult> {
    return this.#divert(origin, options, replay, error);
  }

  /** @param origin the call as it ran; undefined where it was not let through */
  #divert(
    origin: ActiveCall | undefined,
    options: CallFacts | undefined,
    replay: Replay | undefined,
    error: unknown,
  ): DivertResult | Promise<DivertResult> {
    const call = this.#callToDivert(origin, options, replay, error);
    return divert(this.#wires, this.#options, call, this.#core.clock, this.#observer);
  }

  #divertSync(origin: ActiveCall | undefined, options: CallFacts | undefined, error: unknown): DivertResult {
    const call = this.#callToDivert(origin, options, undefined, error);
    return divertSync(this.#wires, this.#options, call, this.#core.clock, this.#observer);
  }

  #callToDivert(
    origin: ActiveCall | undefined,
    options: CallFacts | undefined,
    replay: Replay | undefined,
    error: unknown,
  ): CallToDivert {
    // The key that its function was given, where it asked for one, is the one that its replays get.
    return new CallToDivert(
      this.#observer.breaker,
      this.#core.clock.monotonicMs(),
      options,
      replay,
      error,
      origin ?? options,
    );
  }

  /** Whether it counts as slow by what it ended with. Calls that are not judged are not asked about. */
  #judgeSlow(outcome: SettledOutcome, result: unknown, error: unknown): boolean {
    if (outcome === 'ignored' || outcome === 'cancelled') return false;
    try {
      return Boolean(this.#options.isSlow?.({ result, error }));
    } catch (thrown) {
      diagError(`isSlow of breaker "${this.#observer.breaker}" threw`, thrown);
      return false;
    }
  }

  #judgeResult(value: unknown): SettledOutcome {
    const { isFailureResult } = this.#options;
    if (isFailureResult === undefined) return 'success';
    try {
      return isFailureResult(value) ? 'failure' : 'success';
    } catch (thrown) {
      diagError(`isFailureResult of breaker "${this.#observer.breaker}" threw`, thrown);
      return 'failure';
    }
  }
}
