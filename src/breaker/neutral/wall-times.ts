import type { Clock } from '../clock.ts';

/** Monotonic ms after which the distance of the two clocks is read anew: that is how late a wall clock is followed that was set. */
const GOOD_FOR_MS = 10;

/** What the wall clock showed at a monotonic time. Of many in a row each costs an addition. */
export class WallTimes {
  readonly #clock: Clock;
  #readAt = Number.NEGATIVE_INFINITY;
  #distance = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Wall time, ms, of a monotonic time. */
  at(monotonicMs: number): number {
    if (Math.abs(monotonicMs - this.#readAt) > GOOD_FOR_MS) {
      this.#readAt = this.#clock.monotonicMs();
      this.#distance = this.#clock.wallMs() - this.#readAt;
    }
    return this.#distance + monotonicMs;
  }
}
