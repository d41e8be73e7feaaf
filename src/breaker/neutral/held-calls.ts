import type { DropReason } from '@switchgear/conventions';
import { HeldCall } from './held-call.ts';
import { Outcome } from './outcome.ts';
import { OpenReceipt, type Receipt, ReplayFailedError } from './receipt.ts';
import { plainCall } from './spool/plain-call.ts';
import { type Spool, type SpoolEnd, SpoolError, type SpooledCall, type SpoolOpening } from './spool/spool.ts';
import type { WireReport } from './wire.ts';

/** Receipts of a shared spool that are waited for, the latest ones. */
const MOST_WAITED_FOR = 10_000;

/**
 * The books of a buffer: every call is counted in the same moment as it is held, and in the same moment as it is not any more,
 * so that received = replayed + dead + dropped + held whenever somebody looks.
 */
export class HeldCalls {
  readonly #spool: Spool;
  readonly #report: WireReport;
  readonly #isByReference: boolean;
  /** The calls taken in by this process, where the spool hands out copies of them. */
  readonly #ofThisProcess = new Map<string, HeldCall>();
  #depth = 0;
  #sizeBytes = 0;
  /** Of earlier processes. */
  readonly #left = { depth: 0, sizeBytes: 0 };

  constructor(spool: Spool, report: WireReport) {
    this.#spool = spool;
    this.#report = report;
    // What outlives the process has been copied.
    this.#isByReference = spool.isByReference === true && !spool.isDurable;
    spool.onEndElsewhere?.((id, end) => this.#endedElsewhere(id, end));
  }

  /** Where other processes append and drain too, only the spool knows. */
  get depth(): number {
    return this.#spool.isShared ? this.#spool.load().depth : this.#depth;
  }

  get sizeBytes(): number {
    return this.#spool.isShared ? this.#spool.load().sizeBytes : Math.max(0, this.#sizeBytes);
  }

  opened({ totals }: SpoolOpening): void {
    const { depth, sizeBytes } = this.#spool.load();
    this.#left.depth = depth;
    this.#left.sizeBytes = sizeBytes;
    this.#depth = depth;
    this.#sizeBytes = sizeBytes;
    // Of a spool of several processes each counts what it did itself: the sums are those of all of them together.
    if (!this.#spool.isShared) this.#report.restored(totals);
  }

  /** What this process knows of a call beside what its spool keeps; undefined of an earlier process's call. */
  find(call: SpooledCall): HeldCall | undefined {
    return this.#isByReference && call instanceof HeldCall ? call : this.#ofThisProcess.get(call.id);
  }

  /** The receipt of a held call; of an earlier process's call, one that nobody waits on. */
  receiptOf(call: SpooledCall, breaker: string, wire: string): Receipt {
    return this.find(call)?.receipt ?? new OpenReceipt(call.id, breaker, wire, new Outcome());
  }

  /** Returns, or resolves, once the call is safe: `received` is to be told in that moment. */
  append(call: HeldCall): void | Promise<void> {
    if (this.#isByReference) return this.#spool.append(call);
    const { id } = call;
    // Before it is there to be taken.
    this.#ofThisProcess.set(id, call);
    if (this.#spool.isShared) this.#letGoOfOldest();
    const takeBack = (error: unknown): never => {
      this.#ofThisProcess.delete(id);
      throw error;
    };
    try {
      return this.#spool.append(plainCall(call))?.catch(takeBack);
    } catch (error) {
      return takeBack(error);
    }
  }

  /** A taken call waits for another attempt. */
  async giveBack(call: SpooledCall, attempts: number, notBefore: number): Promise<void> {
    if (this.#isByReference && call instanceof HeldCall) call.attempts = attempts;
    await this.#spool.giveBack(call.id, attempts, notBefore);
  }

  received(sizeBytes: number): void {
    this.#depth += 1;
    this.#sizeBytes += sizeBytes;
    this.#report.received();
  }

  /** Returns false where it was not held any more, and nothing was counted. */
  async replayed(call: SpooledCall, told: Parameters<WireReport['replayed']>[0], value: unknown): Promise<boolean> {
    const held = this.find(call);
    const hasEnded = await this.#spool.end(call.id, { kind: 'replayed', value });
    if (hasEnded) {
      this.#forget(call.id, held, call.sizeBytes);
      this.#report.replayed(told);
    } else if (this.#spool.isShared) this.#ofThisProcess.delete(call.id);
    held?.succeed(value);
    return hasEnded;
  }

  async died(call: SpooledCall, told: Parameters<WireReport['dead']>[0], at: number): Promise<boolean> {
    const held = this.find(call);
    if (!(await this.#spool.end(call.id, { kind: 'dead', at, error: inWords(told.error) }))) return false;
    this.#forget(call.id, held, call.sizeBytes);
    this.#report.dead(told);
    held?.fail(() => new ReplayFailedError(call.id, 'dead', told.error));
    return true;
  }

  async drop(call: SpooledCall, reason: DropReason, cause?: unknown): Promise<boolean> {
    const held = this.find(call);
    if (!(await this.#spool.end(call.id, { kind: 'dropped', reason }))) return false;
    this.#forget(call.id, held, call.sizeBytes);
    this.#report.dropped(reason, this.depth);
    held?.fail(() => new ReplayFailedError(call.id, reason, cause));
    return true;
  }

  async expire(now: number): Promise<void> {
    for (const expired of await this.#spool.expire(now)) {
      const id = typeof expired === 'string' ? expired : expired.id;
      const held = typeof expired === 'string' ? this.#ofThisProcess.get(id) : this.find(expired);
      this.#forget(id, held, this.#sizeOf(held));
      this.#report.dropped('expired', this.depth);
      held?.fail(() => new ReplayFailedError(id, 'expired'));
    }
  }

  /** The calls stay in the spool, and nobody will tell what becomes of them. */
  leave(error: Error): void {
    for (const call of this.#ofThisProcess.values()) call.fail(() => error);
    this.#ofThisProcess.clear();
  }

  /** That process has counted it. */
  #endedElsewhere(id: string, end: SpoolEnd | undefined): void {
    const held = this.#ofThisProcess.get(id);
    if (!held) return;
    this.#ofThisProcess.delete(id);
    if (end?.kind === 'replayed') held.succeed(end.value);
    else held.fail(() => errorOf(id, end));
  }

  /** A million calls may be held by all processes together: what is known of those taken in here must not grow with them. */
  #letGoOfOldest(): void {
    if (this.#ofThisProcess.size <= MOST_WAITED_FOR) return;
    const [id, held] = this.#ofThisProcess.entries().next().value as [string, HeldCall];
    this.#ofThisProcess.delete(id);
    const why = `What becomes of ${id} is not waited for any longer`;
    held.fail(() => new SpoolError('SPOOL_FAILED', why));
  }

  #forget(id: string, held: HeldCall | undefined, sizeBytes: number): void {
    this.#depth -= 1;
    this.#sizeBytes -= sizeBytes;
    this.#ofThisProcess.delete(id);
    if (held) return;
    this.#left.depth -= 1;
    this.#left.sizeBytes -= sizeBytes;
    if (this.#left.depth > 0) return;
    // By how much the sizes that were taken for those that expired were wrong.
    this.#sizeBytes -= this.#left.sizeBytes;
    this.#left.sizeBytes = 0;
  }

  /** The spool tells only the ids of what expired: a call of an earlier process is taken for one of their mean size. */
  #sizeOf(held: HeldCall | undefined): number {
    return held?.sizeBytes ?? Math.floor(this.#left.sizeBytes / Math.max(1, this.#left.depth));
  }
}

function errorOf(id: string, end: Exclude<SpoolEnd, { readonly kind: 'replayed' }> | undefined): Error {
  if (!end) return new SpoolError('SPOOL_FAILED', `${id} is held no more, and it is not known how it ended`);
  return end.kind === 'dead'
    ? new ReplayFailedError(id, 'dead', new Error(end.error))
    : new ReplayFailedError(id, end.reason);
}

function inWords(error: unknown): string {
  return error instanceof Error
    ? `${error.name}: ${error.message}`
    : String(error ?? 'its result was judged a failure');
}
