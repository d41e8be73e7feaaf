import { checkOverride, InvalidInputError, type Override } from '@switchgear/conventions';
import type { Clock, Timer } from './clock.ts';

/** Who holds a breaker: somebody in this process, or the control plane. */
export const OVERRIDE_SOURCES = ['operator', 'desired_state'] as const;
export type OverrideSource = (typeof OVERRIDE_SOURCES)[number];

/** An override with its expiry, which the breaker enforces by itself, whether or not the control plane is there. */
export class OverrideHold {
  readonly #clock: Clock;
  readonly #onExpired: (source: OverrideSource) => void;
  #current: Override | undefined;
  #source: OverrideSource | undefined;
  #expiresAt = Number.POSITIVE_INFINITY;
  #timer: Timer | undefined;

  /** @param onExpired told who had set the override */
  constructor(clock: Clock, onExpired: (source: OverrideSource) => void) {
    this.#clock = clock;
    this.#onExpired = onExpired;
  }

  get current(): Override | undefined {
    return this.#current;
  }

  /** Who set it; undefined where nothing is held. */
  get source(): OverrideSource | undefined {
    return this.#source;
  }

  /** @throws InvalidInputError where the override breaks a rule or has run out already; what was held is held on */
  set(override: Override, source: OverrideSource): void {
    const problems = checkOverride(override);
    if (problems.length === 0 && Date.parse(override.expiresAt) <= this.#clock.wallMs()) {
      problems.push({ field: 'expiresAt', rule: 'must be in the future', value: override.expiresAt });
    }
    if (problems.length > 0) throw new InvalidInputError(problems);
    this.clear();
    this.#current = override;
    this.#source = source;
    this.#expiresAt = Date.parse(override.expiresAt);
    this.#arm();
  }

  /** Returns false where nothing was held. */
  clear(): boolean {
    this.#timer?.cancel();
    this.#timer = undefined;
    const held = this.#current !== undefined;
    this.#current = undefined;
    this.#source = undefined;
    this.#expiresAt = Number.POSITIVE_INFINITY;
    return held;
  }

  expireIfDue(): void {
    if (this.#current === undefined || this.#clock.wallMs() < this.#expiresAt) return;
    const source = this.#source ?? 'operator';
    this.clear();
    this.#onExpired(source);
  }

  #arm(): void {
    const waitMs = Math.max(0, this.#expiresAt - this.#clock.wallMs());
    this.#timer = this.#clock.timer(waitMs, () => {
      this.expireIfDue();
      // The timer's longest delay is shorter than the longest override, and wall clocks are set back.
      if (this.#current !== undefined) this.#arm();
    });
  }
}
