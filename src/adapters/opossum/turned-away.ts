import type { BreakerReport } from '@switchgear/breaker';

/**
 * Calls that opossum did not let through, until it is known whether its fallback answers them: it is called in the same turn,
 * or not at all. Empty between two turns.
 */
export class TurnedAway {
  readonly #report: BreakerReport;
  readonly #waiting = new Map<unknown, 'rejected' | 'limited'>();

  constructor(report: BreakerReport) {
    this.#report = report;
  }

  /** @param error what its caller gets without a fallback: each call has one of its own */
  add(error: unknown, outcome: 'rejected' | 'limited'): void {
    if (this.#waiting.size === 0) queueMicrotask(() => this.settle());
    this.#waiting.set(error, outcome);
  }

  /** The fallback takes the call of an error. Returns false where that was let through. */
  divert(error: unknown, wire: string): boolean {
    if (!this.#waiting.delete(error)) return false;
    this.#report.diverted(wire);
    return true;
  }

  /** No fallback took those that are left. */
  settle(): void {
    for (const outcome of this.#waiting.values()) this.#report[outcome]();
    this.#waiting.clear();
  }
}
