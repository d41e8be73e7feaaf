import type { Spool, SpoolEnd, SpooledCall } from '@switchgear/breaker/spool';
import type { DropReason } from '@switchgear/conventions';
import { readResult } from './kept-call.ts';
import { BATCH, SCRIPTS } from './scripts.ts';

type Heard = Parameters<NonNullable<Spool['onEndElsewhere']>>[0];
type RunScript = (script: string, asked: readonly (string | number)[]) => Promise<string[]>;

/** Most calls that are looked after, some 100 bytes each. A buffer waits for no more receipts of a shared spool either. */
const MOST_AWAITED = 10_000;
/** Calls that Redis is asked for at a time, whether they are held. */
const ASKED_AT_A_TIME = 100;

/**
 * The calls that this process appended and has not ended itself, and the news of those that other processes ended. Of a call
 * that is gone without news, as from a Redis that lost what it had, it is told that nobody knows.
 */
export class AwaitedEnds {
  /** By id: monotonic ms, from which on nobody will end it any more. */
  readonly #until = new Map<string, number>();
  #heard: Heard | undefined;
  #isLooking = false;
  /** The entry of the stream of ends that was read last. */
  #cursor = '0-0';

  get isWaiting(): boolean {
    return this.#until.size > 0;
  }

  listen(heard: Heard): void {
    this.#heard = heard;
  }

  /** @param leewayMs for how long it may be replayed after it has expired */
  add({ id, divertedAt, expiresAt }: SpooledCall, leewayMs: number): void {
    if (!this.#heard) return;
    this.#until.set(id, performance.now() + expiresAt - divertedAt + leewayMs);
    if (this.#until.size > MOST_AWAITED) this.#until.delete(this.#until.keys().next().value ?? '');
  }

  /** This process ends it itself. Returns what makes it awaited again, where it was; others may have ended it before. */
  take(id: string): (() => void) | undefined {
    const until = this.#until.get(id);
    this.#until.delete(id);
    return until === undefined ? undefined : () => this.#until.set(id, until);
  }

  /** @param taken ids of calls that this process replays: it will know of their ends */
  async look(run: RunScript, taken: ReadonlySet<string>): Promise<void> {
    if (this.#isLooking || !this.isWaiting) return;
    this.#isLooking = true;
    try {
      // Before the ends are read: one that is not among them by then is not known.
      const gone = await run(SCRIPTS.gone, this.#nextInTurn(taken));
      await this.#readEnds(run);
      for (const id of gone) if (this.#until.has(id) && !taken.has(id)) this.#tell(id, undefined);
    } finally {
      this.#isLooking = false;
    }
  }

  /** While Redis is away: what would have expired long ago is waited for no longer. */
  giveUpLate(taken: ReadonlySet<string>): void {
    const now = performance.now();
    for (const [id, until] of this.#until) if (until <= now && !taken.has(id)) this.#tell(id, undefined);
  }

  clear(): void {
    this.#until.clear();
  }

  async #readEnds(run: RunScript): Promise<void> {
    for (let before = ''; before !== this.#cursor; ) {
      before = this.#cursor;
      const [cursor = before, ...ends] = await run(SCRIPTS.endsElsewhere, [BATCH, before]);
      this.#cursor = cursor;
      for (let at = 0; at < ends.length; at += 4) {
        const [id = '', total = '', diedAt, detail = ''] = ends.slice(at, at + 4);
        this.#tell(id, readEnd(total, Number(diedAt), detail));
      }
    }
  }

  #tell(id: string, end: SpoolEnd | undefined): void {
    this.#until.delete(id);
    this.#heard?.(id, end);
  }

  /** Some of the calls, others each time. */
  #nextInTurn(taken: ReadonlySet<string>): string[] {
    const turn = [...this.#until].slice(0, ASKED_AT_A_TIME);
    for (const [id, until] of turn) {
      this.#until.delete(id);
      this.#until.set(id, until);
    }
    return turn.map(([id]) => id).filter((id) => !taken.has(id));
  }
}

function readEnd(total: string, at: number, detail: string): SpoolEnd {
  if (total === 'replayed') return { kind: 'replayed', value: readResult(detail) };
  if (total === 'dead') return { kind: 'dead', at, error: detail };
  return { kind: 'dropped', reason: total.slice('dropped:'.length) as DropReason };
}
