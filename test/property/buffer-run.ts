import type { DropReason } from '@switchgear/conventions';
import { expect } from 'vitest';
import {
  type Breaker,
  type BufferWire,
  bufferWire,
  type CallContext,
  createBreaker,
  isReceipt,
  type NeutralWire,
  type OverflowPolicy,
  type Receipt,
  type SpoolTotals,
} from '../../src/breaker/index.ts';
import { ManualClock, RecordingObserver } from '../../src/breaker/testing.ts';
import { DurableFake, type EndKind } from './durable-fake.ts';

export type BufferStep =
  | { readonly do: 'divert'; readonly key: number | null }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'live calls'; readonly count: number }
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
        | 'refuse'
        | 'hang'
        | 'go on';
    }
  | { readonly do: 'spool fails' | 'spool works' }
  /** Of a shared spool: another process ends the oldest calls, or the next that this one is about to end in such a way. */
  | { readonly do: 'others end' | 'be overtaken'; readonly as: EndKind };

export interface BufferMaking {
  /** Whether other processes end calls of its spool as well. */
  readonly isShared: boolean;
  readonly overflow: OverflowPolicy;
  readonly concurrency: number;
  readonly ramp: readonly number[];
  readonly onDead: 'none' | 'takes' | 'throws';
}

export const CAPACITY = 6;

let made = 0;

interface Input {
  readonly number: number;
  readonly key: number | null;
}

type Call = (input: Input, options: { readonly key?: string | undefined }) => Promise<unknown>;

/** A buffer over a durable spool that steps happen to, and what its numbers have to come to. */
export class BufferRun {
  readonly clock = new ManualClock();
  readonly spool: DurableFake;
  readonly #making: BufferMaking;
  readonly #name = `buffer-property-${++made}`;
  #breaker: Breaker<readonly NeutralWire<Receipt>[]>;
  #wire: BufferWire;
  #call: Call;
  #mood: 'be well' | 'be unwell' | 'refuse' = 'be well';
  #hangs = false;
  #hanging: (() => void)[] = [];
  #number = 0;
  /** Drops of reason `overflow` that were told in this process. */
  #overflowed = 0;
  /** Of a shared spool: what the processes before counted, and refused. Each of them counts what it did itself. */
  #before = { buffered: 0, replayed: 0, dead: 0, dropped: 0, refused: 0 };
  /** Of all processes, those that nobody has settled. */
  readonly #unsettled = new Set<Receipt>();
  readonly #violations: string[] = [];
  /** By key: the number of the call that was replayed last. */
  readonly #latest = new Map<string, number>();

  constructor(making: BufferMaking) {
    this.#making = making;
    this.spool = new DurableFake(making.isShared);
    [this.#breaker, this.#wire, this.#call] = this.#start();
    this.spool.onWork = () => {
      // Of a shared spool, what is held is what the spool says, and that is ahead of the counters in the middle of an end.
      if (making.isShared) return;
      try {
        this.#checkSum();
      } catch (error) {
        this.#violations.push(String(error));
      }
    };
  }

  async take(step: BufferStep): Promise<void> {
    this.spool.tellNews();
    switch (step.do) {
      case 'divert':
        this.#divert(step.key);
        break;
      case 'wait':
        await this.clock.advance(step.ms);
        break;
      case 'live calls':
        await this.#callLive(step.count);
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
      case 'refuse':
        this.#mood = step.do;
        break;
      case 'hang':
        this.#hangs = true;
        break;
      case 'go on':
        this.#goOn();
        break;
      case 'others end':
        if (this.#making.isShared)
          for (const { id } of await this.spool.peek(2)) await this.spool.endElsewhere(id, step.as);
        break;
      case 'be overtaken':
        this.spool.overtaken = this.#making.isShared ? step.as : undefined;
        break;
      default:
        this.spool.isIll = step.do === 'spool fails';
    }
    if (!this.#making.isShared) this.#checkSum();
    await this.clock.advance(0);
    this.#checkAll();
  }

  /** Everything is well again: what is held is replayed or given up, and nothing is left. */
  async end(): Promise<SpoolTotals> {
    this.spool.isIll = false;
    this.#mood = 'be well';
    this.#goOn();
    this.#wire.resume();
    this.#breaker.reset();
    await this.clock.advance(30_000);
    this.spool.tellNews();
    await this.clock.advance(0);
    this.#checkAll();
    expect([...this.#unsettled].map(({ id }) => id)).toEqual([]);
    expect(this.#stats().depth).toBe(0);
    expect(this.spool.load()).toMatchObject({ depth: 0, sizeBytes: 0 });
    expect(this.#wire.load()).toMatchObject({ depth: 0, sizeBytes: 0 });
    await this.#close();
    return this.spool.totals;
  }

  #start(): [Breaker<readonly NeutralWire<Receipt>[]>, BufferWire, Call] {
    const { overflow, concurrency, ramp, onDead } = this.#making;
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
      halfOpen: { probes: 1, probeTimeoutMs: 400, ramp, rampStepMs: 300 },
      timeoutMs: 700,
      // What is refused is dead at once.
      isFailure: (error) => (error as Error).message !== 'refuse',
      neutralWires: [wire],
    });
    const call = breaker.protect((input: Input, context) => this.#act(input, context), { name: 'act' });
    return [breaker, wire, call];
  }

  #divert(key: number | null): void {
    this.#breaker.trip();
    const options = key === null ? {} : { key: String(key) };
    const wait = (answer: unknown) => {
      if (!isReceipt(answer)) return;
      this.#unsettled.add(answer);
      const settled = () => this.#unsettled.delete(answer);
      answer.done().then(settled, settled);
    };
    this.#call({ number: ++this.#number, key }, options).then(wait, () => {});
  }

  async #callLive(count: number): Promise<void> {
    for (let call = 0; call < count; call++) {
      const ran = this.#breaker.execute(() => {
        if (this.#mood !== 'be well') throw new Error(this.#mood);
      });
      ran.catch(() => {});
      await this.clock.advance(40);
    }
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
    if (this.#mood !== 'be well') throw new Error(this.#mood);
    return 'done';
  }

  /** The process ends, perhaps in the middle of replays, and another one takes up its spool. */
  async #restart(): Promise<void> {
    await this.#close();
    const { buffered, replayed, dead, dropped } = this.#counted();
    const refused = this.#before.refused + this.#refused;
    this.#before = this.#making.isShared ? { buffered, replayed, dead, dropped, refused } : this.#before;
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

  /** Of this process, and of those before where the spool does not tell of them. */
  #counted() {
    const { buffered, replayed, dead, dropped, depth } = this.#stats();
    return {
      buffered: this.#before.buffered + buffered,
      replayed: this.#before.replayed + replayed,
      dead: this.#before.dead + dead,
      dropped: this.#before.dropped + dropped,
      depth,
    };
  }

  /**
   * What a full buffer refused is among the drops, though it was never held. Where the oldest make room, none is: there are
   * fewer replays at a time than places.
   */
  get #refused(): number {
    return this.#making.overflow === 'dropOldest' ? 0 : this.#overflowed;
  }

  /** At any time, whatever is under way; of a shared spool when nothing is. */
  #checkSum(): void {
    const { buffered, replayed, dead, dropped, depth } = this.#counted();
    const refused = this.#before.refused + this.#refused;
    const { others } = this.spool;
    expect(depth).toBeGreaterThanOrEqual(0);
    expect(depth).toBeLessThanOrEqual(CAPACITY);
    const elsewhere = others.replayed + others.dead + others.dropped;
    expect(replayed + dead + dropped + depth + elsewhere).toBe(buffered + refused);
    if (!this.#making.isShared) return;
    const { totals } = this.spool;
    expect({ replayed, dead }).toEqual({
      replayed: totals.replayed - others.replayed,
      dead: totals.dead - others.dead,
    });
    expect(buffered).toBe(totals.received);
  }

  /** What is thrown in a replay or in the spool is theirs to answer, so it was noted. */
  #checkAll(): void {
    expect(this.#violations).toEqual([]);
    this.#checkSum();
  }
}
