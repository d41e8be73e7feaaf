/** A timer cannot wait for less than a millisecond: at a higher rate, what has come due meanwhile may be caught up with. */
const CATCH_UP_MS = 10;
/** Replays a second below which the rate does not fall. */
const LEAST_PER_SECOND = 1;

/**
 * How fast a buffer is drained: at most `perSecond`. It halves where a replay fails or is slow, once for all that were in
 * flight at the time, and grows by a tenth of the maximum a second while they go well.
 */
export class DrainRate {
  readonly #most: number;
  #now: number;
  /** Monotonic ms. */
  #nextAt = Number.NEGATIVE_INFINITY;
  #halvedAt = Number.NEGATIVE_INFINITY;
  #grownAt = Number.NEGATIVE_INFINITY;

  constructor(perSecond: number) {
    this.#most = perSecond;
    this.#now = perSecond;
  }

  /** Replays a second, now. */
  get perSecond(): number {
    return this.#now;
  }

  get paceMs(): number {
    return 1_000 / this.#now;
  }

  /** Milliseconds until the next replay may start. */
  waitMs(now: number): number {
    return Math.max(0, this.#nextAt - now);
  }

  started(now: number): void {
    const { paceMs } = this;
    const late = paceMs < CATCH_UP_MS ? CATCH_UP_MS : 0;
    this.#nextAt = Math.max(this.#nextAt, now - late) + paceMs;
  }

  /** No replay starts for `ms`. */
  holdBack(now: number, ms: number): void {
    this.#nextAt = Math.max(this.#nextAt, now + ms);
  }

  wentWell(now: number): void {
    const elapsedMs = Math.min(1_000, Math.max(0, now - this.#grownAt));
    this.#grownAt = now;
    if (this.#now < this.#most) this.#now = Math.min(this.#most, this.#now + (this.#most / 10) * (elapsedMs / 1_000));
  }

  /** @param startedAt when the replay started that failed or was slow */
  wentBadly(startedAt: number, now: number): void {
    if (startedAt < this.#halvedAt) return;
    this.#halvedAt = now;
    this.#grownAt = now;
    this.#now = Math.max(Math.min(LEAST_PER_SECOND, this.#most), this.#now / 2);
  }
}
