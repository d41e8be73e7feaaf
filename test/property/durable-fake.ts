import {
  memorySpool,
  type Spool,
  type SpoolEnd,
  SpoolError,
  type SpooledCall,
  type SpoolTotals,
} from '../../src/breaker/index.ts';

export type EndKind = SpoolEnd['kind'];

/**
 * A spool that outlives its process: what it holds and what came of the rest is there when it is opened again. Where it is shared,
 * other processes end calls as well.
 */
export class DurableFake implements Spool {
  readonly kind = 'fake';
  readonly isDurable = true;
  readonly isShared: boolean;
  isIll = false;
  /** The next end of this kind comes too late: another process has replayed the call meanwhile. */
  overtaken: EndKind | undefined;
  /** Ends of this process that came too late. */
  readonly late = new Set<EndKind>();
  /** How many calls others ended. */
  readonly others = { replayed: 0, dead: 0, dropped: 0 };
  /** Ends by others that this process has not heard of yet. */
  #news: { readonly id: string; readonly end: SpoolEnd }[] = [];
  #heard: Parameters<NonNullable<Spool['onEndElsewhere']>>[0] = () => {};
  /** Called in the middle of its work. */
  onWork = () => {};
  readonly #inner = memorySpool();
  readonly #taken = new Map<string, SpooledCall>();
  readonly #totals = {
    received: 0,
    replayed: 0,
    dead: 0,
    dropped: { overflow: 0, expired: 0, exhausted: 0, shutdown: 0 },
  };

  constructor(isShared: boolean) {
    this.isShared = isShared;
  }

  get totals(): SpoolTotals {
    return structuredClone(this.#totals);
  }

  async open() {
    // What the process before had taken is held again.
    for (const call of [...this.#taken.values()]) await this.#inner.giveBack(call.id, call.attempts, 0);
    this.#taken.clear();
    return { totals: this.totals, damage: undefined };
  }

  async append(call: SpooledCall) {
    await null;
    this.#mayFail();
    this.onWork();
    await this.#inner.append(JSON.parse(JSON.stringify(call)));
    this.#totals.received += 1;
  }

  async take(limit: number, now: number) {
    this.#mayFail();
    const calls = await this.#inner.take(limit, now);
    for (const call of calls) this.#taken.set(call.id, call);
    return calls;
  }

  async giveBack(id: string, attempts: number, notBefore: number) {
    this.#mayFail();
    this.#taken.delete(id);
    await this.#inner.giveBack(id, attempts, notBefore);
  }

  async end(...[id, end]: Parameters<Spool['end']>) {
    await null;
    this.#mayFail();
    this.onWork();
    if (this.overtaken === end.kind) {
      this.overtaken = undefined;
      await this.endElsewhere(id, 'replayed');
    }
    if (await this.#end(id, end)) return true;
    this.late.add(end.kind);
    return false;
  }

  onEndElsewhere(heard: (id: string, end: SpoolEnd | undefined) => void) {
    this.#heard = heard;
  }

  async endElsewhere(id: string, kind: EndKind): Promise<void> {
    const end = ELSEWHERE[kind];
    if (!(await this.#end(id, end))) return;
    this.others[kind] += 1;
    this.#news.push({ id, end });
  }

  /** This process hears of what others did some time later. */
  tellNews(): void {
    for (const { id, end } of this.#news.splice(0)) this.#heard(id, end);
  }

  async expire(now: number) {
    this.#mayFail();
    const ids = await this.#inner.expire(now);
    this.#totals.dropped.expired += ids.length;
    return ids;
  }

  readonly load = () => this.#inner.load();
  readonly nextDueAt = () => this.#inner.nextDueAt();
  readonly peek = (limit: number) => this.#inner.peek(limit);
  readonly deadLetters = (limit: number) => this.#inner.deadLetters(limit);
  readonly purgeDeadLetters = () => this.#inner.purgeDeadLetters();
  readonly close = async () => {};

  async #end(id: string, end: SpoolEnd): Promise<boolean> {
    this.#taken.delete(id);
    if (!(await this.#inner.end(id, end))) return false;
    if (end.kind === 'dropped') this.#totals.dropped[end.reason] += 1;
    else this.#totals[end.kind] += 1;
    return true;
  }

  #mayFail(): void {
    if (this.isIll) throw new SpoolError('SPOOL_FAILED', 'the disk is full');
  }
}

const ELSEWHERE: Readonly<Record<EndKind, SpoolEnd>> = {
  replayed: { kind: 'replayed', value: 'done elsewhere' },
  dead: { kind: 'dead', at: 0, error: 'refused elsewhere' },
  dropped: { kind: 'dropped', reason: 'shutdown' },
};
