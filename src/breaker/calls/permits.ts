import type { BreakerCore, SettledOutcome } from '../core.ts';
import type { ActiveCall } from './active-call.ts';
import type { CallPath } from './call-path.ts';

/** Most permits of `allow` that wait for their record; beyond them the oldest is given back. */
const MOST_WAITING = 1_024;

/** The right to make one call by hand. It is to be given back once, by one of its methods; what comes later does nothing. */
export interface CallPermit {
  /** The call went well. */
  recordSuccess(): void;
  /** The call failed, unless `isFailure` takes its error for no failure. */
  recordError(error?: unknown): void;
  /** The call was not made, or says nothing of the dependency. */
  release(): void;
}

/** Permits for callers that make their calls themselves and tell what became of them. */
export class Permits {
  readonly #core: BreakerCore;
  readonly #path: CallPath;
  /** Those of `allow`, oldest first. */
  readonly #waiting: HandPermit[] = [];

  constructor(core: BreakerCore, path: CallPath) {
    this.#core = core;
    this.#path = path;
  }

  /** Undefined where the breaker lets no call through now. The call counts as rejected, or as limited. */
  acquire(): CallPermit | undefined {
    return this.#take();
  }

  allow(): boolean {
    const permit = this.#take();
    if (!permit) return false;
    // Electrician's callers record errors alone: calls that went well must not count as ones that hang.
    permit.neverOverdue();
    this.#waiting.push(permit);
    // A caller that records only errors leaves its permits behind: they must not be held without a bound.
    if (this.#waiting.length > MOST_WAITING) this.#waiting.shift()?.release();
    return true;
  }

  recordSuccess(): void {
    (this.#oldest() ?? this.#unasked()).recordSuccess();
  }

  recordError(error: unknown): void {
    (this.#oldest() ?? this.#unasked()).recordError(error);
  }

  /** One from before the last transition that was never recorded must not take the record of a probe: it is given up. */
  #oldest(): HandPermit | undefined {
    const { clock, settings, generation } = this.#core;
    const givenUpBefore = clock.monotonicMs() - settings.halfOpen.probeTimeoutMs;
    for (let oldest = this.#waiting.shift(); oldest; oldest = this.#waiting.shift()) {
      if (oldest.generation === generation || oldest.startedAt > givenUpBefore) return oldest;
      oldest.release();
    }
    return undefined;
  }

  #take(): HandPermit | undefined {
    const pass = this.#core.admit();
    if (pass.admitted) return new HandPermit(this.#path, this.#path.start(pass, 1));
    this.#path.refuse(pass);
    return undefined;
  }

  /** For an outcome that nobody asked a permit for: it is judged while the breaker is closed, and decides nothing else. */
  #unasked(): HandPermit {
    return new HandPermit(this.#path, this.#path.start(this.#core.passWithoutAsking(), 1));
  }
}

class HandPermit implements CallPermit {
  readonly #path: CallPath;
  readonly #call: ActiveCall;
  #isBack = false;

  constructor(path: CallPath, call: ActiveCall) {
    this.#path = path;
    this.#call = call;
  }

  recordSuccess(): void {
    this.#giveBack('success', undefined);
  }

  recordError(error?: unknown): void {
    this.#giveBack(this.#path.judgeError(this.#call, error), error);
  }

  release(): void {
    this.#giveBack('cancelled', undefined);
  }

  get startedAt(): number {
    return this.#call.startedAt;
  }

  get generation(): number {
    return this.#call.pass.permit.generation;
  }

  neverOverdue(): void {
    this.#call.queue?.remove(this.#call);
  }

  #giveBack(outcome: SettledOutcome, error: unknown): void {
    if (this.#isBack) return;
    this.#isBack = true;
    this.#path.end(this.#call, outcome, undefined, error);
  }
}
