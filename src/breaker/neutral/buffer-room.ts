import { WireRefusedError } from '../errors.ts';
import type { OverflowPolicy } from './buffer-options.ts';
import type { Drain } from './drain.ts';
import type { HeldCalls } from './held-calls.ts';
import type { Spool } from './spool/spool.ts';
import type { WireReport } from './wire.ts';

export interface RoomOptions {
  readonly name: string;
  readonly capacity: number;
  readonly maxBytes: number;
  readonly overflow: OverflowPolicy;
}

/** What the room is in. */
export interface RoomPorts {
  readonly spool: Spool;
  readonly held: HeldCalls;
  readonly drain: Drain;
  readonly report: WireReport;
}

/** The places of a buffer: what it holds and what is on its way in stay within its bounds. */
export class BufferRoom {
  readonly #options: RoomOptions;
  readonly #ports: RoomPorts;
  /** Calls on their way into the spool. */
  #entering = 0;
  #enteringBytes = 0;
  #entered: PromiseWithResolvers<void> | undefined;
  /** The calls that wait for older ones to make room, one after the other. */
  #line: Promise<unknown> | undefined;

  constructor(ports: RoomPorts, options: RoomOptions) {
    this.#ports = ports;
    this.#options = options;
  }

  /**
   * Gives a call a place, until it `hasEntered`.
   * @throws WireRefusedError where there is none, and none is made for it
   */
  reserve(sizeBytes: number): void {
    const { capacity, maxBytes, overflow } = this.#options;
    if (sizeBytes > maxBytes) throw this.#overflow(`its input has ${sizeBytes} bytes`);
    const { held } = this.#ports;
    const isFull =
      held.depth + this.#entering + 1 > capacity || held.sizeBytes + this.#enteringBytes + sizeBytes > maxBytes;
    if (isFull && (overflow !== 'dropOldest' || this.#entering >= capacity)) throw this.#overflow(this.#bounds());
    this.#entering += 1;
    this.#enteringBytes += sizeBytes;
  }

  hasEntered(sizeBytes: number): void {
    this.#entering -= 1;
    this.#enteringBytes -= sizeBytes;
    if (this.#entering === 0) this.#entered?.resolve();
  }

  /** Resolves once no call is on its way in. To be asked once, when no more come. */
  async allEntered(): Promise<void> {
    if (this.#entering === 0) return;
    this.#entered = Promise.withResolvers();
    await this.#entered.promise;
  }

  /** Whether those that have places may go in at once: nothing has to go for them, and nobody waits for that. */
  get isOpen(): boolean {
    return this.#line === undefined && !this.#isOver();
  }

  /**
   * Where it is not open: makes room, in the order in which the calls came, so that those of a key stay in theirs.
   * @throws WireRefusedError where the oldest are not to make room, or are being replayed
   */
  make(): Promise<void> {
    if (this.#options.overflow !== 'dropOldest') throw this.#overflow(this.#bounds());
    const turn = (this.#line ?? Promise.resolve()).then(() => this.#dropOldest());
    const line = turn
      .catch(() => undefined)
      .then(() => {
        if (this.#line === line) this.#line = undefined;
      });
    this.#line = line;
    return turn;
  }

  /** Whether those on their way have no room. */
  #isOver(): boolean {
    const { capacity, maxBytes } = this.#options;
    const { held } = this.#ports;
    return held.depth + this.#entering > capacity || held.sizeBytes + this.#enteringBytes > maxBytes;
  }

  /** Of those that are not being replayed. */
  async #dropOldest(): Promise<void> {
    const { spool, held, drain } = this.#ports;
    while (this.#isOver()) {
      const oldest = await spool.peek(drain.taken + 1);
      const victim = oldest.find(({ id }) => !drain.has(id));
      if (!victim) throw this.#overflow('all it holds is being replayed');
      await held.drop(victim, 'overflow');
    }
  }

  #bounds(): string {
    const { capacity, maxBytes } = this.#options;
    return `it holds its most, ${capacity} calls or ${maxBytes} bytes`;
  }

  #overflow(why: string): WireRefusedError {
    const { report, held } = this.#ports;
    report.dropped('overflow', held.depth);
    return new WireRefusedError(this.#options.name, why, false, this.#options.overflow === 'reject');
  }
}
