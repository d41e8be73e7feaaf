import type { DropReason } from '@switchgear/conventions';
import { expect } from 'vitest';
import {
  type Breaker,
  type BufferWire,
  bufferWire,
  type CallContext,
  createBreaker,
  memorySpool,
  type NeutralWire,
  type OverflowPolicy,
  type Receipt,
  type Spool,
  SpoolError,
  type SpooledCall,
  type SpoolTotals,
} from '../../src/breaker/index.ts';
import { ManualClock, RecordingObserver } from '../../src/breaker/testing.ts';

export type BufferStep =
  | { readonly do: 'divert'; readonly key: number | null }
  | { readonly do: 'wait'; readonly ms: number }
  | {
      readonly do:
        | 'trip'
        | 'reset'
        | 'pause'
        | 'resume'
        | 'purge'
        | 'restart'
        | 'be well'
        | 'be unwell'
        | 'hang'
        | 'go on';
    }
  | { readonly do: 'spool fails' | 'spool works' };

export interface BufferMaking {
  readonly overflow: OverflowPolicy;
  readonly concurrency: number;
  readonly onDead: 'none' | 'takes' | 'throws';
}

export const CAPACITY = 6;

let made = 0;

/** A spool that outlives its process: what it holds and what came of the rest is there when it is opened again. */
class DurableFake implements Spool {
  readonly kind = 'fake';
  readonly isDurable = true;
  isIll = false;
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
    this.#taken.delete(id);
    this.onWork();
    if (!(await this.#inner.end(id, end))) return false;
    if (end.kind === 'dropped') this.#totals.dropped[end.reason] += 1;
    else this.#totals[end.kind] += 1;
    return true;
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

  #mayFail(): void {
    if (this.isIll) throw new SpoolError('SPOOL_FAILED', 'the disk is full');
  }
}

interface Input {
  readonly number: number;
  readonly key: number | null;
}

type Call = (input: Input, options: { readonly key?: string | undefined }) => Promise<unknown>;

/** A buffer over a durable spool that steps happen to, and what its numbers have to come to. */
export class BufferRun {
  readonly clock = new ManualClock();
  readonly spool = new DurableFake();
  readonly #making: BufferMaking;
  readonly #name = `buffer-property-${++made}`;
  #breaker: Breaker<readonly NeutralWire<Receipt>[]>;
  #wire: BufferWire;
  #call: Call;
  #isWell = true;
  #hangs = false;
  #hanging: (() => void)[] = [];
  #number = 0;
  /** Drops of reason `overflow` that were told in this process. */
  #overflowed = 0;
  readonly #violations: string[] = [];
  /** By key: the number of the call that was replayed last. */
  readonly #latest = new Map<string, number>();

  constructor(making: BufferMaking) {
    this.#making = making;
    [this.#breaker, this.#wire, this.#call] = this.#start();
    this.spool.onWork = () => {
      try {
        this.#checkSum();
      } catch (error) {
        this.#violations.push(String(error));
      }
    };
  }

  async take(step: BufferStep): Promise<void> {
    switch (step.do) {
      case 'divert':
        this.#divert(step.key);
        break;
      case 'wait':
        await this.clock.advance(step.ms);
        break;
      case 'trip':
        this.#breaker.trip();
        break;
      case 'reset':
        this.#breaker.reset();
        break;
      case 'pause':
        this.#wire.pause();
        break;
      case 'resume':
        this.#wire.resume();
        break;
      case 'purge':
        this.#wire.purge().catch(() => {});
        break;
      case 'restart':
        await this.#restart();
        break;
      case 'be well':
      case 'be unwell':
        this.#isWell = step.do === 'be well';
        break;
      case 'hang':
        this.#hangs = true;
        break;
      case 'go on':
        this.#goOn();
        break;
      default:
        this.spool.isIll = step.do === 'spool fails';
    }
    this.#checkSum();
    await this.clock.advance(0);
    this.#checkAll();
  }

  /** Everything is well again: what is held is replayed or given up, and nothing is left. */
  async end(): Promise<SpoolTotals> {
    this.spool.isIll = false;
    this.#isWell = true;
    this.#goOn();
    this.#wire.resume();
    this.#breaker.reset();
    await this.clock.advance(30_000);
    this.#checkAll();
    expect(this.#stats().depth).toBe(0);
    expect(this.spool.load()).toMatchObject({ depth: 0, sizeBytes: 0 });
    expect(this.#wire.load()).toMatchObject({ depth: 0, sizeBytes: 0 });
    await this.#close();
    return this.spool.totals;
  }

  #start(): [Breaker<readonly NeutralWire<Receipt>[]>, BufferWire, Call] {
    const { overflow, concurrency, onDead } = this.#making;
    const wire = bufferWire({
      spool: this.spool,
      capacity: CAPACITY,
      ttlMs: 6_000,
      maxAttempts: 3,
      drainPerSecond: 20,
      drainConcurrency: concurrency,
      overflow,
      ...(onDead !== 'none' && { onDead: () => (onDead === 'throws' ? Promise.reject(new Error('no')) : undefined) }),
    });
    const breaker = createBreaker<readonly NeutralWire<Receipt>[]>(this.#name, {
      clock: this.clock,
      telemetry: Object.assign(new RecordingObserver(), {
        dropped: (_: unknown, { reason }: { reason: DropReason }) => {
          if (reason === 'overflow') this.#overflowed += 1;
        },
      }),
      trip: { failureRatio: null, slowRatio: null, consecutive: 4 },
      cooldownMs: 500,
      halfOpen: { probes: 1, probeTimeoutMs: 400 },
      timeoutMs: 700,
      neutralWires: [wire],
    });
    const call = breaker.protect((input: Input, context) => this.#act(input, context), { name: 'act' });
    return [breaker, wire, call];
  }

  #divert(key: number | null): void {
    this.#breaker.trip();
    const options = key === null ? {} : { key: String(key) };
    this.#call({ number: ++this.#number, key }, options).catch(() => {});
  }

  async #act({ number, key }: Input, { divertedAt }: CallContext): Promise<string> {
    // A call that came as the breaker was due for a probe is that probe, and no replay.
    if (key !== null && divertedAt !== undefined) {
      // One of them may be replayed again, but never one that is older.
      const latest = this.#latest.get(String(key)) ?? 0;
      if (number < latest) this.#violations.push(`call ${number} of key ${key} was replayed after ${latest}`);
      this.#latest.set(String(key), number);
    }
    if (this.#hangs) await new Promise<void>((resolve) => this.#hanging.push(resolve));
    if (!this.#isWell) throw new Error('unwell');
    return 'done';
  }

  /** The process ends, perhaps in the middle of replays, and another one takes up its spool. */
  async #restart(): Promise<void> {
    await this.#close();
    this.#overflowed = 0;
    [this.#breaker, this.#wire, this.#call] = this.#start();
    await this.clock.advance(0);
  }

  async #close(): Promise<void> {
    const closing = this.#breaker.close();
    await this.clock.advance(2_000);
    await closing;
  }

  #goOn(): void {
    this.#hangs = false;
    for (const goOn of this.#hanging.splice(0)) goOn();
  }

  #stats() {
    return this.#breaker.stats().wires[0]!;
  }

  /** At any time, whatever is under way. */
  #checkSum(): void {
    const { buffered, replayed, dead, dropped, depth } = this.#stats();
    const out = replayed + dead + dropped + depth;
    expect(depth).toBeGreaterThanOrEqual(0);
    expect(depth).toBeLessThanOrEqual(CAPACITY);
    // What a full buffer refused is among the drops, though it was never held. Where the oldest make room, none is: there are
    // fewer replays at a time than places.
    expect(out).toBe(buffered + (this.#making.overflow === 'dropOldest' ? 0 : this.#overflowed));
  }

  /** What is thrown in a replay or in the spool is theirs to answer, so it was noted. */
  #checkAll(): void {
    expect(this.#violations).toEqual([]);
    this.#checkSum();
  }
}
