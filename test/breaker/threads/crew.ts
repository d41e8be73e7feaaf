import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { type Breaker, type BreakerOptions, createBreaker, type NeutralWire } from '../../../src/breaker/index.ts';
import type { BreakerReadings, TransitionRecord } from '../../../src/breaker/telemetry/observer.ts';
import { RecordingObserver } from '../../../src/breaker/testing.ts';
import { CALLS, type Contract, emptyTally, MODE, type Order, STEERING_WORDS, type Tally } from './orders.ts';

/** What an order is answered with. */
type Answer<Asked extends Order> = Asked extends { task: 'hammer' | 'work' | 'probe' | 'call' } ? Tally : unknown;

/** A thread with a breaker of this one attached. */
export class Member {
  readonly worker: Worker;
  /** With its exit code. */
  readonly exit: Promise<[number]>;

  private constructor(worker: Worker) {
    this.worker = worker;
    this.exit = once(worker, 'exit') as Promise<[number]>;
  }

  static async hire(): Promise<Member> {
    const member = new Member(new Worker(new URL('./crew-member.ts', import.meta.url)));
    await once(member.worker, 'message');
    return member;
  }

  static all(count: number): Promise<Member[]> {
    return Promise.all(Array.from({ length: count }, () => Member.hire()));
  }

  async dismiss(): Promise<void> {
    await this.worker.terminate();
  }

  async ask<Asked extends Order, Given = Answer<Asked>>(order: Asked): Promise<Given> {
    // It listens before it asks: the answer may be there at once. An error of the thread rejects it.
    const answer = once(this.worker, 'message');
    this.worker.postMessage(order);
    return (await answer)[0] as Given;
  }
}

/** Threads at one breaker, and what its owner hears. */
export class Crew<Wires extends readonly NeutralWire[] = readonly []> {
  readonly breaker: Breaker<Wires>;
  readonly observer: WatchingObserver;
  readonly steering = new Int32Array(new SharedArrayBuffer(STEERING_WORDS * Int32Array.BYTES_PER_ELEMENT));
  members: readonly Member[] = [];

  constructor(name: string, options: BreakerOptions<Wires>) {
    this.observer = new WatchingObserver();
    this.breaker = createBreaker<Wires>(name, { ...options, telemetry: this.observer });
  }

  get contract(): Contract {
    return { handle: this.breaker.share(), steering: this.steering.buffer as SharedArrayBuffer };
  }

  get readings(): BreakerReadings {
    return this.observer.readings!;
  }

  /** Gives these threads the breaker. */
  async take(members: readonly Member[], terms: Pick<Contract, 'wires'> = {}): Promise<void> {
    this.members = members;
    await this.ask({ task: 'attach', contract: { ...this.contract, ...terms } });
  }

  ask<Asked extends Order, Given = Answer<Asked>>(order: Asked): Promise<Given[]> {
    return Promise.all(this.members.map((member) => member.ask<Asked, Given>(order)));
  }

  setMode(mode: number): void {
    Atomics.store(this.steering, MODE, mode);
  }

  /** Until the threads at work have made so many more calls. */
  async calls(more: number): Promise<void> {
    const start = Atomics.load(this.steering, CALLS);
    for (let made = start; ((made - start) | 0) < more; made = Atomics.load(this.steering, CALLS)) {
      const waiting = Atomics.waitAsync(this.steering, CALLS, made);
      if (waiting.async) await waiting.value;
    }
  }

  /** Until the owner has heard of the transition into this generation. */
  heard(generation: number): Promise<void> {
    return this.observer.when((records) => records.some((record) => record.generation >= generation));
  }

  /** Until the owner has heard of everything that was decided. */
  heardAll(): Promise<void> {
    return this.observer.when((records) => records.length >= this.breaker.generation - 1);
  }
}

/** Keeps what it hears, and tells who waits for it. */
class WatchingObserver extends RecordingObserver {
  readings: BreakerReadings | undefined;
  readonly #waiting = new Set<() => void>();
  override readonly added = (readings: BreakerReadings) => {
    this.readings = readings;
  };
  override readonly transitioned = (breaker: BreakerReadings, record: TransitionRecord) => {
    this.heard.push({ kind: 'transitioned', breaker: breaker.name, details: record });
    for (const look of this.#waiting) look();
  };

  get records(): TransitionRecord[] {
    return this.of<TransitionRecord>('transitioned');
  }

  when(isEnough: (records: TransitionRecord[]) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!isEnough(this.records)) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }
}

export function sumOf(tallies: readonly Tally[]): Tally {
  const sum = emptyTally();
  for (const tally of tallies) {
    for (const outcome of Object.keys(sum) as (keyof Tally)[]) sum[outcome] += tally[outcome];
  }
  return sum;
}
