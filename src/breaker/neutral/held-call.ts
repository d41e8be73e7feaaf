import type { Operation } from '../calls/operations.ts';
import { Outcome } from './outcome.ts';
import { OpenReceipt, type Receipt } from './receipt.ts';
import type { SpooledCall } from './spool/spool.ts';
import type { DivertedCall } from './wire.ts';

/** What all calls have in common that one wire takes in. */
export interface HoldingWire {
  readonly breaker: string;
  readonly wire: string;
  /** What the ids of its receipts begin with. */
  readonly idPrefix: string;
  readonly ttlMs: number;
}

/**
 * A call that a wire of this process took in: what its spool keeps, the function it is replayed by, and who waits for it. One
 * object of some 200 bytes beside its input, since a long outage holds them by the million: its id is made when it is read.
 */
export class HeldCall extends Outcome implements SpooledCall {
  readonly #wire: HoldingWire;
  readonly #number: number | string;
  readonly replayedBy: Operation;
  input: unknown;
  readonly key: string | undefined;
  readonly idempotencyKey: string;
  readonly divertedAt: number;
  readonly sizeBytes: number;
  attempts = 0;

  /** @param divertedAt wall time, ms */
  constructor(
    wire: HoldingWire,
    number: number | string,
    { input, key, idempotencyKey }: DivertedCall,
    replayedBy: Operation,
    divertedAt: number,
    sizeBytes: number,
  ) {
    super();
    this.#wire = wire;
    this.#number = number;
    this.replayedBy = replayedBy;
    this.input = input;
    this.key = key;
    this.idempotencyKey = idempotencyKey;
    this.divertedAt = divertedAt;
    this.sizeBytes = sizeBytes;
  }

  get id(): string {
    return `${this.#wire.idPrefix}${this.#number}`;
  }

  get operation(): string {
    return this.replayedBy.name;
  }

  get expiresAt(): number {
    return this.divertedAt + this.#wire.ttlMs;
  }

  override succeed(value: unknown): void {
    super.succeed(value);
    this.#letGo();
  }

  override fail(error: () => unknown): void {
    super.fail(error);
    this.#letGo();
  }

  get receipt(): Receipt {
    const { breaker, wire } = this.#wire;
    return new OpenReceipt(this.id, breaker, wire, this);
  }

  /** Whoever keeps its receipt does not keep its input. */
  #letGo(): void {
    this.input = undefined;
  }
}
