import type { Clock } from '../clock.ts';
import { outside } from '../outside.ts';

/** Most queues kept by a clock to be found again: one for each delay in use. */
const MOST_QUEUES = 256;

const queues = new WeakMap<Clock, Map<number, DeadlineQueue>>();

/** The queue of everything that falls due `delayMs` after it was added, by this clock. */
export function deadlineQueue(clock: Clock, delayMs: number): DeadlineQueue {
  const ofClock = queues.get(clock) ?? new Map<number, DeadlineQueue>();
  const queue = ofClock.get(delayMs) ?? new DeadlineQueue(clock, delayMs);
  if (ofClock.size < MOST_QUEUES) ofClock.set(delayMs, queue);
  queues.set(clock, ofClock);
  return queue;
}

/** Something that falls due unless it is taken off the queue before. It can be on one queue at a time. */
export abstract class Deadline {
  /** Monotonic ms at which it was added. */
  readonly addedAt: number;
  queue: DeadlineQueue | undefined = undefined;
  before: Deadline | undefined = undefined;
  after: Deadline | undefined = undefined;

  /** @param now monotonic ms: it is to be added at once */
  constructor(now: number) {
    this.addedAt = now;
  }

  abstract fallDue(): void;
}

/**
 * Deadlines that are all the same time away, so that the first to come is the first to fall due: a linked list, and one
 * timer for all of it, where a timer for each call would cost more than the breaker. The timer is left to run out when
 * nothing waits any more, and keeps no process alive.
 */
export class DeadlineQueue {
  readonly delayMs: number;
  readonly #clock: Clock;
  #first: Deadline | undefined;
  #last: Deadline | undefined;
  #isArmed = false;

  constructor(clock: Clock, delayMs: number) {
    this.delayMs = delayMs;
    this.#clock = clock;
  }

  add(deadline: Deadline): void {
    deadline.queue = this;
    deadline.before = this.#last;
    if (this.#last) this.#last.after = deadline;
    else this.#first = deadline;
    this.#last = deadline;
    if (!this.#isArmed) this.#arm(this.delayMs);
  }

  remove(deadline: Deadline): void {
    if (deadline.queue !== this) return;
    const { before, after } = deadline;
    if (before) before.after = after;
    else this.#first = after;
    if (after) after.before = before;
    else this.#last = before;
    deadline.queue = undefined;
    deadline.before = undefined;
    deadline.after = undefined;
  }

  #arm(delayMs: number): void {
    this.#isArmed = true;
    // It is armed by whichever call comes first, whose async context is no business of the others.
    outside(() => this.#clock.timer(delayMs, () => this.#runOut()));
  }

  #runOut(): void {
    this.#isArmed = false;
    const now = this.#clock.monotonicMs();
    for (let first = this.#first; first && first.addedAt + this.delayMs <= now; first = this.#first) {
      this.remove(first);
      first.fallDue();
    }
    if (this.#first && !this.#isArmed) this.#arm(Math.max(0, this.#first.addedAt + this.delayMs - now));
  }
}
