import type { SpooledCall } from './spool/spool.ts';

/** Calls remembered that have failed as probes; then all have their turn anew. About 100 bytes each. */
const MOST_TRIED = 256;

/** Whose turn it is to probe: one call that fails each time must not keep the breaker open for all the others. */
export class ProbeTurns {
  readonly #tried = new Set<string>();

  /** So many calls have to be taken for one among them that has not been tried. */
  get needed(): number {
    return this.#tried.size + 1;
  }

  /** The oldest that has not failed as a probe in this outage; where all have, the oldest. */
  choose(oldestFirst: readonly SpooledCall[]): SpooledCall | undefined {
    const untried = oldestFirst.find(({ id }) => !this.#tried.has(id));
    if (untried) return untried;
    this.#tried.clear();
    return oldestFirst[0];
  }

  failed({ id }: SpooledCall): void {
    if (this.#tried.size >= MOST_TRIED) this.#tried.clear();
    this.#tried.add(id);
  }

  /** The outage is over. */
  forget(): void {
    this.#tried.clear();
  }
}
