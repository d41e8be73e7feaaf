import type { RampStep } from './ramp-step.ts';

/**
 * When a replay may ask in a step of the recovery ramp. Each that asks counts as a call of the step, so it adds to what the step
 * lets through. It asks where it would be turned away, which leaves its share to the next live call; and where it
 * would be let through, only once its own shares have come to a whole call. So live calls are let through as if there were no drain.
 */
export class RampTurns {
  #since: number | undefined = undefined;
  #asked = 0;
  #passed = 0;

  /** @param isQuiet no live call has come for a while: what the step lets through is not needed by others */
  mayAsk({ since, share, offered, admitted }: RampStep, isQuiet: boolean): boolean {
    if (since !== this.#since) {
      this.#since = since;
      this.#asked = 0;
      this.#passed = 0;
    }
    // What the breaker goes by.
    const passes = admitted < (offered + 1) * share;
    return !passes || isQuiet || (this.#asked + 1) * share >= this.#passed + 1;
  }

  asked(isLetThrough: boolean): void {
    this.#asked += 1;
    if (isLetThrough) this.#passed += 1;
  }
}
