import type { ReplayEnd } from './replayer.ts';

/** What one drain has done, from its first replay until the wire is empty. */
export class DrainSummary {
  #startedAt: number | undefined;
  #replayed = 0;
  #dead = 0;

  /** @param now monotonic ms */
  started(now: number): void {
    this.#startedAt ??= now;
  }

  count(end: ReplayEnd | undefined): void {
    if (end === 'replayed') this.#replayed += 1;
    else if (end === 'dead') this.#dead += 1;
  }

  /** Ends it; undefined where none has begun. The next replay begins another. */
  end(now: number): { readonly replayed: number; readonly dead: number; readonly durationMs: number } | undefined {
    if (this.#startedAt === undefined) return undefined;
    const summary = { replayed: this.#replayed, dead: this.#dead, durationMs: now - this.#startedAt };
    this.#startedAt = undefined;
    this.#replayed = 0;
    this.#dead = 0;
    return summary;
  }
}
