import { MinHeap } from './min-heap.ts';

/** What decides whether a held call may be taken. */
export interface OrderedCall {
  /** Its place: calls that were appended later have a greater one. */
  readonly place: number;
  readonly id: string;
  readonly key: string | undefined;
  readonly sizeBytes: number;
  readonly attempts: number;
  /** Wall time, ms; 0 where it does not wait. */
  readonly notBefore: number;
  readonly expiresAt: number;
}

/** Where the held calls are looked up. */
export interface HeldCalls {
  /** The first calls behind a place. */
  after(place: number, limit: number): readonly OrderedCall[];
  /** The first call of a key behind a place. */
  nextOfKey(key: string, place: number): OrderedCall | undefined;
}

/** A call that the order has come past and that is still held. */
interface PassedCall extends OrderedCall {
  attempts: number;
  notBefore: number;
  state: 'ready' | 'waiting' | 'taken' | 'set_aside';
}

/** Calls looked up at a time, for a take that finds the keys of many still held. */
const LOOK_UP = 256;

/**
 * Which of the held calls may be taken next: oldest first, and of each key only the oldest that is held. It comes past each
 * call once, and remembers those it has passed: of each key the oldest alone. So it takes memory for what is taken or
 * waits (about 300 bytes a call), and none for what lies further back.
 */
export class TakeOrder {
  readonly #held: HeldCalls;
  readonly #passed = new Map<number, PassedCall>();
  readonly #taken = new Map<string, PassedCall>();
  /** The place of the oldest passed call of each key. */
  readonly #heads = new Map<string, number>();
  readonly #ready = new MinHeap<number>((a, b) => a < b);
  readonly #waiting = new MinHeap<{ readonly place: number; readonly until: number }>((a, b) => a.until < b.until);
  #cursor = 0;
  #latestNow = 0;

  constructor(held: HeldCalls) {
    this.#held = held;
  }

  get takenCount(): number {
    return this.#taken.size;
  }

  taken(id: string): OrderedCall | undefined {
    return this.#taken.get(id);
  }

  /** A call that waits since an earlier process: it is known before the order comes to it. */
  addWaiting(call: OrderedCall): void {
    this.#wait(this.#pass(call, 'waiting'));
  }

  /**
   * Takes up to `limit` calls, and looks at no more than `budget`. `isDone` is false where that was too few to tell
   * whether there are more.
   */
  take(limit: number, now: number, budget: number): { readonly taken: OrderedCall[]; readonly isDone: boolean } {
    this.#latestNow = now;
    this.#wakeDue(now);
    const taken: PassedCall[] = [];
    const left: PassedCall[] = [];
    try {
      const isDone = this.#collect(taken, left, limit, now, budget);
      return { taken, isDone };
    } catch (error) {
      for (const call of taken) this.#taken.delete(call.id);
      left.push(...taken.splice(0));
      throw error;
    } finally {
      for (const call of left) this.#makeReady(call);
    }
  }

  /** Returns whether it came to the limit or to the end. */
  #collect(taken: PassedCall[], left: PassedCall[], limit: number, now: number, budget: number): boolean {
    let lookedAt = 0;
    let behind: readonly OrderedCall[] = [];
    let next = 0;
    let isAtEnd = false;
    while (taken.length < limit && lookedAt < budget) {
      if (next === behind.length && !isAtEnd) {
        behind = this.#held.after(this.#cursor, Math.min(Math.max(limit - taken.length, 16), LOOK_UP));
        next = 0;
        isAtEnd = behind.length === 0;
      }
      const call = this.#firstReady(behind[next]?.place) ?? this.#come(behind[next++], now);
      if (call === 'none') break;
      lookedAt++;
      if (call === 'left') continue;
      if (call.expiresAt <= now) left.push(call);
      else taken.push(this.#take(call));
    }
    return taken.length >= limit || lookedAt < budget;
  }

  /** Back to be taken again, not before a time. */
  giveBack(id: string, attempts: number, notBefore: number): void {
    const call = this.#taken.get(id);
    if (!call) return;
    this.#taken.delete(id);
    call.attempts = attempts;
    call.notBefore = notBefore;
    if (notBefore > this.#latestNow) this.#wait(call);
    else this.#makeReady(call);
  }

  /** A taken call that nobody can replay: it stays held, and stays in the way of its key, until it is removed. */
  setAside(id: string): void {
    const call = this.#taken.get(id);
    if (!call) return;
    this.#taken.delete(id);
    call.state = 'set_aside';
  }

  /** It is held no more: the next one of its key may go. */
  remove(place: number, key: string | undefined): void {
    const call = this.#passed.get(place);
    this.#passed.delete(place);
    if (call?.state === 'taken') this.#taken.delete(call.id);
    if (key === undefined || this.#heads.get(key) !== place) return;
    this.#heads.delete(key);
    const next = this.#held.nextOfKey(key, place);
    if (next && next.place <= this.#cursor) this.#makeReady(this.#pass(next, 'ready'));
  }

  /** Wall time, ms, at which the first of those that wait may be taken. */
  nextDueAt(): number | undefined {
    for (;;) {
      const first = this.#waiting.peek();
      if (!first || this.#isWaiting(first)) return first?.until;
      this.#waiting.pop();
    }
  }

  /** It is held no more, and what comes after it is found by a rewind. */
  forget(id: string): void {
    this.#taken.delete(id);
  }

  /** Starts again from the oldest call, after a look-up that failed; what is taken stays taken. */
  rewind(): void {
    this.#passed.clear();
    this.#heads.clear();
    this.#ready.clear();
    this.#waiting.clear();
    this.#cursor = 0;
    for (const call of this.#taken.values()) this.#pass(call, 'taken');
  }

  #wakeDue(now: number): void {
    for (let due = this.nextDueAt(); due !== undefined && due <= now; due = this.nextDueAt()) {
      this.#makeReady(this.#passed.get(this.#waiting.pop()!.place)!);
    }
  }

  #isWaiting({ place, until }: { readonly place: number; readonly until: number }): boolean {
    const call = this.#passed.get(place);
    return call?.state === 'waiting' && call.notBefore === until;
  }

  /** Takes the oldest that is ready off, where it is older than the place. */
  #firstReady(place = Number.POSITIVE_INFINITY): PassedCall | undefined {
    for (let first = this.#ready.peek(); first !== undefined && first < place; first = this.#ready.peek()) {
      this.#ready.pop();
      const call = this.#passed.get(first);
      if (call?.state === 'ready') return call;
    }
    return undefined;
  }

  /** Comes past a call for the first time. */
  #come(call: OrderedCall | undefined, now: number): PassedCall | 'left' | 'none' {
    if (!call) return 'none';
    this.#cursor = call.place;
    if (this.#passed.has(call.place) || (call.key !== undefined && this.#heads.has(call.key))) return 'left';
    if (call.notBefore <= now) return this.#pass(call, 'ready');
    this.#wait(this.#pass(call, 'waiting'));
    return 'left';
  }

  #pass(call: OrderedCall, state: PassedCall['state']): PassedCall {
    const passed = { ...call, state };
    this.#passed.set(call.place, passed);
    if (state === 'taken') this.#taken.set(call.id, passed);
    if (call.key !== undefined) this.#heads.set(call.key, call.place);
    return passed;
  }

  #take(call: PassedCall): PassedCall {
    call.state = 'taken';
    this.#taken.set(call.id, call);
    return call;
  }

  #makeReady(call: PassedCall): void {
    call.state = 'ready';
    this.#ready.push(call.place);
  }

  #wait(call: PassedCall): void {
    call.state = 'waiting';
    this.#waiting.push({ place: call.place, until: call.notBefore });
  }
}
