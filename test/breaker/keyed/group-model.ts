/** What a group knows of one key, without any of its machinery. */
export interface ModelBreaker {
  readonly key: string;
  askedAt: number;
  /** Monotonic ms until which the cooldown runs; undefined while it is closed. */
  openUntil: number | undefined;
  inFlight: number;
}

/** A plain list, longest not asked for first, that is looked through from end to end for each thing. */
export class GroupModel {
  breakers: ModelBreaker[] = [];
  readonly #maxBreakers: number;
  readonly #idleMs: number;

  constructor(maxBreakers: number, idleMs: number) {
    this.#maxBreakers = maxBreakers;
    this.#idleMs = idleMs;
  }

  find(key: string): ModelBreaker | undefined {
    return this.breakers.find((breaker) => breaker.key === key);
  }

  get(key: string, now: number): ModelBreaker {
    this.tidy(now);
    const found = this.find(key);
    if (found) return this.#ask(found, now);
    if (this.breakers.length === this.#maxBreakers) {
      const rests = this.breakers.find(({ openUntil, inFlight }) => openUntil === undefined && inFlight === 0);
      this.#remove(rests ?? this.breakers[0]!);
    }
    return this.#ask({ key, askedAt: now, openUntil: undefined, inFlight: 0 }, now);
  }

  /** Those that nobody asked for go, unless they have a call in flight or a cooldown that runs. */
  tidy(now: number): void {
    this.breakers = this.breakers.filter(
      ({ askedAt, openUntil = now, inFlight }) => now - askedAt < this.#idleMs || openUntil > now || inFlight > 0,
    );
  }

  #ask(breaker: ModelBreaker, now: number): ModelBreaker {
    this.#remove(breaker);
    breaker.askedAt = now;
    this.breakers.push(breaker);
    return breaker;
  }

  #remove(breaker: ModelBreaker): void {
    this.breakers = this.breakers.filter((other) => other !== breaker);
  }
}
