import type { DrainPace } from './drain-pace.ts';
import type { GiveBack } from './give-back.ts';
import type { ProbeTurns } from './probe-turns.ts';
import type { RampStep } from './ramp-step.ts';
import type { Spool, SpooledCall } from './spool/spool.ts';

/** Most calls taken ahead of their replay: about a twentieth of a second of them. */
const MOST_AHEAD = 256;

/** The calls that were taken out of the spool and are replayed next. */
export class CallsAhead {
  readonly #spool: Spool;
  readonly #pace: DrainPace;
  readonly #probeTurns: ProbeTurns;
  readonly #giveBack: GiveBack;
  #calls: SpooledCall[] = [];

  constructor(spool: Spool, pace: DrainPace, probeTurns: ProbeTurns, giveBack: GiveBack) {
    this.#spool = spool;
    this.#pace = pace;
    this.#probeTurns = probeTurns;
    this.#giveBack = giveBack;
  }

  get size(): number {
    return this.#calls.length;
  }

  has(id: string): boolean {
    return this.#calls.some((call) => call.id === id);
  }

  next(): SpooledCall | undefined {
    return this.#calls.shift();
  }

  /** It is the next one after all. */
  putFirst(call: SpooledCall): void {
    this.#calls.unshift(call);
  }

  /**
   * Takes the oldest calls, as many as are soon replayed. Returns false where there were none.
   * @param now wall time, ms
   * @param running replays that are in flight
   */
  async take(step: RampStep | undefined, now: number, running: number): Promise<boolean> {
    this.#calls.push(
      ...(await (this.#pace.isProbing(step) ? this.#takeProbe(now) : this.#takeSome(step, now, running))),
    );
    return this.#calls.length > 0;
  }

  /** They are the spool's again, unharmed. */
  giveBack(): void {
    const calls = this.#calls;
    this.#calls = [];
    for (const call of calls) this.#giveBack.unharmed(call);
  }

  #takeSome(step: RampStep | undefined, now: number, running: number): Promise<readonly SpooledCall[]> {
    // A step of the ramp lets few through.
    const soon = step ? 0 : Math.min(MOST_AHEAD, Math.ceil(this.#pace.perSecond / 20));
    return this.#spool.take(Math.max(this.#pace.concurrency(step) - running, soon), now);
  }

  async #takeProbe(now: number): Promise<readonly SpooledCall[]> {
    const taken = await this.#spool.take(this.#probeTurns.needed, now);
    const probe = this.#probeTurns.choose(taken);
    for (const call of taken) if (call !== probe) this.#giveBack.unharmed(call);
    return probe ? [probe] : [];
  }
}
