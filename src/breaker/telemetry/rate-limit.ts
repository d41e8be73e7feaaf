/** Events a breaker may emit in a burst, and per second, of one kind. */
const BURST = 10;
const PER_SECOND = 10;

/** A token bucket that counts what it holds back. */
export class RateLimit {
  #tokens = BURST;
  #filledAt: number;
  #suppressed = 0;

  constructor(nowMs: number) {
    this.#filledAt = nowMs;
  }

  get suppressed(): number {
    return this.#suppressed;
  }

  /** @param nowMs ms by any clock, always the same one */
  allows(nowMs: number): boolean {
    const elapsedMs = Math.max(0, nowMs - this.#filledAt);
    this.#tokens = Math.min(BURST, this.#tokens + (elapsedMs / 1_000) * PER_SECOND);
    this.#filledAt = nowMs;
    if (this.#tokens < 1) {
      this.#suppressed += 1;
      return false;
    }
    this.#tokens -= 1;
    return true;
  }
}
