import { randomBytes } from 'node:crypto';
import { InvalidInputError } from '@switchgear/conventions';
import type { Operation } from '../calls/operations.ts';
import { WireRefusedError } from '../errors.ts';
import { outside } from '../outside.ts';
import { diagError, diagWarn } from '../telemetry/isolated-observer.ts';
import { type BufferWireOptions, measure, type ValidBufferOptions, validateBufferOptions } from './buffer-options.ts';
import { Drain } from './drain.ts';
import { HeldCall, type HoldingWire } from './held-call.ts';
import { HeldCalls } from './held-calls.ts';
import type { Receipt } from './receipt.ts';
import { memorySpool } from './spool/memory-spool.ts';
import { plainCall } from './spool/plain-call.ts';
import { type DeadLetter, type Spool, SpoolError, type SpooledCall } from './spool/spool.ts';
import { WallTimes } from './wall-times.ts';
import type { DivertedCall, NeutralWire, WireAnswer, WireClosing, WireHost, WireLoad } from './wire.ts';

/** A buffer, with what an operator does to it. */
export interface BufferWire extends NeutralWire<Receipt> {
  /** No replay starts until `resume`; those in flight go on, and calls are taken in. */
  pause(): void;
  resume(): void;
  readonly isPaused: boolean;
  load(): WireLoad;
  /** Milliseconds until it may be empty, at the rate of now; null while it is paused or the breaker is held open. */
  timeToEmptyMs(): number | null;
  /** The oldest held calls, which stay. */
  peek(limit?: number): Promise<readonly SpooledCall[]>;
  /** Drops all calls held now but those being replayed, reason `shutdown`. Returns how many. */
  purge(): Promise<number>;
  /** The latest dead letters, newest first. In memory: those that `onDead` has taken. */
  deadLetters(limit?: number): Promise<readonly DeadLetter[]>;
  /** Forgets all dead letters. Returns how many. */
  purgeDeadLetters(): Promise<number>;
}

/**
 * A wire that takes calls of `protect`ed functions in, answers each caller with a receipt once the call is safe in its spool,
 * and replays the calls through the breaker once that is closed again: in the order of each key, at most `drainPerSecond`.
 * A call is replayed at least once, and may be more than once, so make it idempotent. In memory, what is still held when
 * the process ends is lost.
 * @throws InvalidInputError for an option out of its range
 */
export function bufferWire(options: BufferWireOptions = {}): BufferWire {
  return new SpooledBuffer(options.spool ?? memorySpool(), validateBufferOptions(options));
}

/** Calls dropped at a time. */
const DROPPED_AT_A_TIME = 1_000;
/** Waits before a spool that could not be opened is tried again, in ms: each twice the one before. */
const FIRST_OPENING_AGAIN_MS = 1_000;
const LONGEST_OPENING_AGAIN_MS = 10_000;

/** What a buffer has once it is on a breaker. */
interface Attached {
  readonly host: WireHost;
  readonly held: HeldCalls;
  readonly drain: Drain;
  readonly holding: HoldingWire;
  readonly wallTimes: WallTimes;
}

class SpooledBuffer implements BufferWire {
  readonly name: string;
  readonly kind = 'buffer';
  readonly #options: ValidBufferOptions;
  readonly #spool: Spool;
  /** Makes receipts unique over restarts, where the spool outlives them. */
  readonly #token: string;
  #attached: Attached | undefined;
  #opening: Promise<void> | undefined;
  #isOpen = false;
  #openingFailed: unknown;
  #isClosed = false;
  #taken = 0;
  /** Calls on their way into the spool. */
  #entering = 0;
  #enteringBytes = 0;
  #entered: PromiseWithResolvers<void> | undefined;
  /** The calls that wait for older ones to make room, one after the other. */
  #line: Promise<unknown> | undefined;

  constructor(spool: Spool, options: ValidBufferOptions) {
    this.name = options.name;
    this.#spool = spool;
    this.#options = options;
    this.#token = spool.isDurable ? `${randomBytes(6).toString('hex')}-` : '';
  }

  attach(host: WireHost): void {
    if (this.#attached) {
      const rule = `must be on one breaker, and it is on "${this.#attached.host.breaker}" already`;
      throw new InvalidInputError([{ field: 'neutralWires', rule, value: this.name }]);
    }
    const { ttlMs, maxAttempts, backoff, onDead, drainPerSecond, drainConcurrency } = this.#options;
    const held = new HeldCalls(this.#spool, host.report);
    const drain = new Drain(host, this.#spool, held, {
      wire: this.name,
      ttlMs,
      maxAttempts,
      backoff,
      onDead,
      perSecond: drainPerSecond,
      concurrency: drainConcurrency,
    });
    const idPrefix = `${host.breaker}/${this.name}/${this.#token}`;
    const holding = { breaker: host.breaker, wire: this.name, idPrefix, ttlMs };
    this.#attached = { host, held, drain, holding, wallTimes: new WallTimes(host.clock) };
    this.#openSpool(this.#attached, FIRST_OPENING_AGAIN_MS);
  }

  take(call: DivertedCall): WireAnswer<Receipt> | Promise<WireAnswer<Receipt>> {
    const { operation } = call;
    if (!this.#attached || this.#isClosed) throw new WireRefusedError(this.name, 'it is closed');
    if (!operation) throw new WireRefusedError(this.name, 'only calls of a protect()ed function can be replayed', true);
    this.#mustFind(operation, this.#attached.host);
    if (!this.#isOpen && this.#openingFailed !== undefined) throw this.#openingFailed;
    const sizeBytes = measure(call.input, this.#options.sizeOf);
    if (sizeBytes > this.#options.maxBytes) throw this.#overflow(`its input has ${sizeBytes} bytes`);
    if (this.#isFull(sizeBytes)) {
      if (this.#options.overflow !== 'dropOldest') throw this.#overflow(this.#bounds());
      if (this.#entering >= this.#options.capacity) throw this.#overflow(this.#bounds());
    }
    return this.#hold(this.#attached, call, operation, sizeBytes);
  }

  pause(): void {
    this.#attached?.drain.pause();
  }

  resume(): void {
    this.#attached?.drain.resume();
  }

  get isPaused(): boolean {
    return this.#attached?.drain.isPaused ?? false;
  }

  load(): WireLoad {
    const { capacity } = this.#options;
    if (!this.#attached || !this.#isOpen) return { depth: 0, capacity, sizeBytes: 0, oldestAgeMs: 0 };
    const { host, held } = this.#attached;
    const { depth, sizeBytes } = held;
    const { oldestDivertedAt } = depth > 0 ? this.#spool.load() : NOTHING_HELD;
    const oldestAgeMs = oldestDivertedAt === undefined ? 0 : Math.max(0, host.clock.wallMs() - oldestDivertedAt);
    return { depth, capacity, sizeBytes, oldestAgeMs };
  }

  timeToEmptyMs(): number | null {
    return this.#attached?.drain.timeToEmptyMs() ?? null;
  }

  async peek(limit = 100): Promise<readonly SpooledCall[]> {
    await this.#opening;
    return (await this.#spool.peek(limit)).map(plainCall);
  }

  async purge(): Promise<number> {
    await this.#opening;
    if (!this.#attached) return 0;
    await this.#attached.drain.returnAhead();
    return this.#drop(this.#attached);
  }

  async deadLetters(limit = 100): Promise<readonly DeadLetter[]> {
    await this.#opening;
    return this.#spool.deadLetters(limit);
  }

  async purgeDeadLetters(): Promise<number> {
    await this.#opening;
    return this.#spool.purgeDeadLetters();
  }

  async close({ drainForMs }: { readonly drainForMs: number }): Promise<WireClosing> {
    if (this.#isClosed) return { givenUp: 0 };
    this.#isClosed = true;
    await this.#opening;
    if (!this.#attached || !this.#isOpen) return { givenUp: 0 };
    if (this.#entering > 0) {
      this.#entered = Promise.withResolvers();
      await this.#entered.promise;
    }
    const { held, drain } = this.#attached;
    await drain.finish(drainForMs);
    const givenUp = this.#spool.isDurable ? 0 : await this.#drop(this.#attached, true);
    held.leave(new SpoolError('SPOOL_CLOSED', `Buffer "${this.name}" was closed; its spool keeps the call`));
    await this.#spool.close();
    return { givenUp };
  }

  #openSpool(attached: Attached, againMs: number): void {
    const { host, held, drain } = attached;
    const opened = async () => {
      try {
        const opening = await this.#spool.open({ breaker: host.breaker, wire: this.name });
        held.opened(opening);
        this.#isOpen = true;
        this.#openingFailed = undefined;
        if (opening.damage) diagWarn(`${this.#inWords()}: ${opening.damage.report}`);
        drain.wake();
      } catch (error) {
        if (this.#openingFailed === undefined) diagError(`${this.#inWords()} has no spool`, error);
        this.#openingFailed = error ?? new SpoolError('SPOOL_FAILED', 'It could not be opened');
        if (!this.#isClosed) this.#openAgain(attached, againMs);
      }
    };
    this.#opening = opened();
  }

  /** Such as a file that the process before still has. */
  #openAgain(attached: Attached, afterMs: number): void {
    outside(() => {
      attached.host.clock.timer(afterMs, () => {
        if (!this.#isClosed) this.#openSpool(attached, Math.min(LONGEST_OPENING_AGAIN_MS, 2 * afterMs));
      });
    });
  }

  #hold(
    attached: Attached,
    call: DivertedCall,
    operation: Operation,
    sizeBytes: number,
  ): WireAnswer<Receipt> | Promise<WireAnswer<Receipt>> {
    const { holding, wallTimes } = attached;
    const held = new HeldCall(holding, ++this.#taken, call, operation, wallTimes.at(call.divertedAt), sizeBytes);
    this.#entering += 1;
    this.#enteringBytes += sizeBytes;
    const refuse = (error: unknown): never => {
      this.#hasEntered(sizeBytes);
      throw error;
    };
    try {
      const entering = this.#enter(attached, held);
      return entering ? entering.then(() => this.#received(attached, held), refuse) : this.#received(attached, held);
    } catch (error) {
      return refuse(error);
    }
  }

  /** A promise only where it takes time. */
  #enter(attached: Attached, call: HeldCall): void | Promise<void> {
    return this.#isOpen && !this.#line && !this.#isOver()
      ? attached.held.append(call)
      : this.#enterLater(attached, call);
  }

  async #enterLater(attached: Attached, call: HeldCall): Promise<void> {
    if (!this.#isOpen) {
      await this.#opening;
      if (!this.#isOpen) throw this.#openingFailed;
    }
    if (this.#line || this.#isOver()) {
      if (this.#options.overflow !== 'dropOldest') throw this.#overflow(this.#bounds());
      await this.#waitInLine(attached);
    }
    await attached.held.append(call);
  }

  #received({ held, drain }: Attached, { sizeBytes, receipt }: HeldCall): WireAnswer<Receipt> {
    this.#hasEntered(sizeBytes);
    held.received(sizeBytes);
    drain.wake();
    return { outcome: 'buffered', value: receipt, isCounted: true };
  }

  #hasEntered(sizeBytes: number): void {
    this.#entering -= 1;
    this.#enteringBytes -= sizeBytes;
    if (this.#entering === 0) this.#entered?.resolve();
  }

  /** A durable spool finds the function by its name, so two of one name would be taken for each other after a restart. */
  #mustFind(operation: Operation, { operations }: WireHost): void {
    if (!this.#spool.isDurable || operations.find(operation.name)?.run === operation.run) return;
    throw new WireRefusedError(
      this.name,
      `another function is protected as "${operation.name}"; protect(fn, { name }) tells them apart`,
    );
  }

  /** Whether there is no room for one more. */
  #isFull(sizeBytes: number): boolean {
    const { capacity, maxBytes } = this.#options;
    const held = this.#attached?.held;
    if (!held) return false;
    return held.depth + this.#entering + 1 > capacity || held.sizeBytes + this.#enteringBytes + sizeBytes > maxBytes;
  }

  /** Whether those on their way have no room. */
  #isOver(): boolean {
    const { capacity, maxBytes } = this.#options;
    const held = this.#attached?.held;
    if (!held) return false;
    return held.depth + this.#entering > capacity || held.sizeBytes + this.#enteringBytes > maxBytes;
  }

  /** In the order in which they came, so that the calls of a key stay in theirs. */
  #waitInLine(attached: Attached): Promise<unknown> {
    const turn = (this.#line ?? Promise.resolve()).then(() => this.#makeRoom(attached));
    const line = turn
      .catch(() => undefined)
      .then(() => {
        if (this.#line === line) this.#line = undefined;
      });
    this.#line = line;
    return turn;
  }

  /** Drops the oldest calls that are not being replayed. @throws WireRefusedError where there are none */
  async #makeRoom({ held, drain }: Attached): Promise<void> {
    while (this.#isOver()) {
      const oldest = await this.#spool.peek(drain.taken + 1);
      const victim = oldest.find(({ id }) => !drain.has(id));
      if (!victim) throw this.#overflow('all it holds is being replayed');
      await held.drop(victim, 'overflow');
    }
  }

  /** Drops what is held now. @param all those too that are being replayed */
  async #drop({ held, drain }: Attached, all = false): Promise<number> {
    let dropped = 0;
    for (let left = held.depth; left > 0; ) {
      const oldest = await this.#spool.peek(DROPPED_AT_A_TIME + (all ? 0 : drain.taken));
      const victims = (all ? oldest : oldest.filter(({ id }) => !drain.has(id))).slice(0, left);
      if (victims.length === 0) break;
      const ends = await Promise.all(victims.map((call) => held.drop(call, 'shutdown')));
      dropped += ends.filter((ended) => ended).length;
      left -= victims.length;
    }
    return dropped;
  }

  #bounds(): string {
    const { capacity, maxBytes } = this.#options;
    return `it holds its most, ${capacity} calls or ${maxBytes} bytes`;
  }

  #overflow(why: string): WireRefusedError {
    this.#attached?.host.report.dropped('overflow', this.#attached.held.depth);
    return new WireRefusedError(this.name, why, false, this.#options.overflow === 'reject');
  }

  #inWords(): string {
    return `Wire "${this.name}" of breaker "${this.#attached?.host.breaker}"`;
  }
}

const NOTHING_HELD = { oldestDivertedAt: undefined } as const;
