import type { DropReason } from '@switchgear/conventions';
import type { Outcome } from './outcome.ts';

const RECEIPT = Symbol.for('switchgear.receipt');

/** What a caller gets whose call a buffer wire took: it will be replayed once the breaker is closed again. */
export interface Receipt {
  readonly [RECEIPT]: true;
  /** Unique in the process; over restarts too, where the spool is durable. */
  readonly id: string;
  readonly breaker: string;
  readonly wire: string;
  /**
   * What the replay of the call ends with: its result, however long that takes. It keeps no process alive, and a process that
   * starts anew knows nothing of the receipts of the one before. Where another replica replayed it, a copy of the result, or
   * `undefined` where the spool cannot keep one.
   * @throws ReplayFailedError where the call is given up; SpoolError where its buffer is closed and a durable spool keeps it, or
   * where nobody can tell any more how the call ended
   */
  done(): Promise<unknown>;
}

/** A call that a buffer took was not replayed with success, and will not be tried again. */
export class ReplayFailedError extends Error {
  readonly code = 'REPLAY_FAILED';
  readonly receipt: string;
  /** `dead`: at the end of its attempts; otherwise why it was dropped. */
  readonly reason: 'dead' | DropReason;

  constructor(receipt: string, reason: 'dead' | DropReason, cause?: unknown) {
    super(`The call with receipt "${receipt}" was given up: ${reason}`, cause === undefined ? undefined : { cause });
    this.name = 'ReplayFailedError';
    this.receipt = receipt;
    this.reason = reason;
  }
}

/** Tells a receipt from the protected function's own result. */
export function isReceipt(value: unknown): value is Receipt {
  return typeof value === 'object' && value !== null && (value as Partial<Receipt>)[RECEIPT] === true;
}

/** A receipt over what will be known of its call. */
export class OpenReceipt implements Receipt {
  readonly [RECEIPT] = true as const;
  readonly id: string;
  readonly breaker: string;
  readonly wire: string;
  /** Nothing that its holder sees: it has the input of the call. */
  readonly #outcome: Outcome;

  constructor(id: string, breaker: string, wire: string, outcome: Outcome) {
    this.id = id;
    this.breaker = breaker;
    this.wire = wire;
    this.#outcome = outcome;
  }

  done(): Promise<unknown> {
    return this.#outcome.done();
  }
}
