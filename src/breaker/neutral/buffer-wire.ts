import { randomBytes } from 'node:crypto';
import { InvalidInputError } from '@switchgear/conventions';
import type { Operation } from '../calls/operations.ts';
import { WireRefusedError } from '../errors.ts';
import { withOrigin } from '../telemetry/receipt-origin.ts';
import { type BufferWireOptions, measure, type ValidBufferOptions, validateBufferOptions } from './buffer-options.ts';
import { BufferRoom } from './buffer-room.ts';
import { Drain } from './drain.ts';
import { dropHeld } from './drop-held.ts';
import { HeldCall, type HoldingWire } from './held-call.ts';
import { HeldCalls } from './held-calls.ts';
import type { Receipt } from './receipt.ts';
import { memorySpool } from './spool/memory-spool.ts';
import { plainCall } from './spool/plain-call.ts';
import { type DeadLetter, type Spool, SpoolError, type SpooledCall } from './spool/spool.ts';
import { SpoolStart } from './spool-start.ts';
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

/** What a buffer has once it is on a breaker. */
interface Attached {
  readonly host: WireHost;
  readonly held: HeldCalls;
  readonly drain: Drain;
  readonly room: BufferRoom;
  readonly start: SpoolStart;
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
  #isClosed = false;
  #taken = 0;

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
    const { name } = this;
    const { ttlMs, drainPerSecond: perSecond, drainConcurrency: concurrency } = this.#options;
    const spool = this.#spool;
    const { breaker, clock, report } = host;
    const held = new HeldCalls(spool, report);
    const drain = new Drain(host, spool, held, { ...this.#options, wire: name, perSecond, concurrency });
    const room = new BufferRoom({ spool, held, drain, report }, this.#options);
    const start = new SpoolStart(spool, { breaker, wire: name }, clock, (opening) => {
      held.opened(opening);
      drain.wake();
    });
    const holding = { breaker, wire: name, idPrefix: `${breaker}/${name}/${this.#token}`, ttlMs };
    this.#attached = { host, held, drain, room, start, holding, wallTimes: new WallTimes(clock) };
  }

  take(call: DivertedCall): WireAnswer<Receipt> | Promise<WireAnswer<Receipt>> {
    const { operation } = call;
    const attached = this.#attached;
    if (!attached || this.#isClosed) throw new WireRefusedError(this.name, 'it is closed');
    if (!operation) throw new WireRefusedError(this.name, 'only calls of a protect()ed function can be replayed', true);
    this.#mustFind(operation, attached.host);
    const { start, room, holding, wallTimes } = attached;
    if (!start.isOpen && start.failure !== undefined) throw start.failure;
    const sizeBytes = measure(call.input, this.#options.sizeOf);
    room.reserve(sizeBytes);
    // A replay by another process links to the call that was diverted, by what the id says of it.
    const number = this.#spool.isDurable ? withOrigin(String(++this.#taken)) : ++this.#taken;
    const held = new HeldCall(holding, number, call, operation, wallTimes.at(call.divertedAt), sizeBytes);
    const refuse = (error: unknown): never => {
      room.hasEntered(sizeBytes);
      throw error;
    };
    try {
      const entering = start.isOpen && room.isOpen ? attached.held.append(held) : enterLater(attached, held);
      return entering ? entering.then(() => received(attached, held), refuse) : received(attached, held);
    } catch (error) {
      return refuse(error);
    }
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
    if (!this.#attached?.start.isOpen) return { depth: 0, capacity, sizeBytes: 0, oldestAgeMs: 0 };
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
    await this.#attached?.start.attempt;
    return (await this.#spool.peek(limit)).map(plainCall);
  }

  async purge(): Promise<number> {
    await this.#attached?.start.attempt;
    if (!this.#attached) return 0;
    const { held, drain } = this.#attached;
    await drain.returnAhead();
    return dropHeld(this.#spool, held, drain, false);
  }

  async deadLetters(limit = 100): Promise<readonly DeadLetter[]> {
    await this.#attached?.start.attempt;
    return this.#spool.deadLetters(limit);
  }

  async purgeDeadLetters(): Promise<number> {
    await this.#attached?.start.attempt;
    return this.#spool.purgeDeadLetters();
  }

  async close({ drainForMs }: { readonly drainForMs: number }): Promise<WireClosing> {
    if (this.#isClosed) return { givenUp: 0 };
    this.#isClosed = true;
    if (!this.#attached) return { givenUp: 0 };
    const { held, drain, room, start } = this.#attached;
    start.stop();
    await start.attempt;
    if (!start.isOpen) return { givenUp: 0 };
    await room.allEntered();
    await drain.finish(drainForMs);
    const givenUp = this.#spool.isDurable ? 0 : await dropHeld(this.#spool, held, drain, true);
    held.leave(new SpoolError('SPOOL_CLOSED', `Buffer "${this.name}" was closed; its spool keeps the call`));
    await this.#spool.close();
    return { givenUp };
  }

  /** A durable spool finds the function by its name, so two of one name would be taken for each other after a restart. */
  #mustFind(operation: Operation, { operations }: WireHost): void {
    if (!this.#spool.isDurable || operations.find(operation.name)?.run === operation.run) return;
    throw new WireRefusedError(
      this.name,
      `another function is protected as "${operation.name}"; protect(fn, { name }) tells them apart`,
    );
  }
}

async function enterLater({ start, room, held }: Attached, call: HeldCall): Promise<void> {
  if (!start.isOpen) {
    await start.attempt;
    if (!start.isOpen) throw start.failure;
  }
  if (!room.isOpen) await room.make();
  await held.append(call);
}

function received({ room, held, drain }: Attached, { sizeBytes, receipt }: HeldCall): WireAnswer<Receipt> {
  room.hasEntered(sizeBytes);
  held.received(sizeBytes);
  drain.wake();
  return { outcome: 'buffered', value: receipt, isCounted: true };
}

const NOTHING_HELD = { oldestDivertedAt: undefined } as const;
