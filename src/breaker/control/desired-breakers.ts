import {
  type AppliedRevision,
  type DesiredBreaker,
  type DesiredState,
  EMPTY_DESIRED_STATE,
  type Override,
  type RefusedBreaker,
} from '@switchgear/conventions';
import type { SteeredBreaker } from './steered-breaker.ts';

/** Brings breakers to their desired state. It is level-triggered: applying the same state twice does nothing the second time. */
export class DesiredBreakers {
  #desired: DesiredState = EMPTY_DESIRED_STATE;
  readonly #applied = new Map<string, AppliedRevision>();
  /** What the last document wanted of a breaker and could not be read: the breaker stays as it was. */
  readonly #refused = new Map<string, RefusedBreaker>();
  /** The generation of the last action each breaker acted on. */
  readonly #acted = new Map<string, number>();

  /** Applies a document. @returns what failed, by breaker; empty where nothing did */
  accept(
    desired: DesiredState,
    breakers: readonly SteeredBreaker[],
    refused: readonly RefusedBreaker[] = [],
  ): string[] {
    this.#desired = desired;
    this.#refused.clear();
    for (const breaker of refused) this.#refused.set(breaker.name, breaker);
    for (const name of this.#applied.keys()) if (!Object.hasOwn(desired.breakers, name)) this.#applied.delete(name);
    return breakers.flatMap((breaker) => this.applyTo(breaker));
  }

  /** Applies the last document to one breaker, such as one that was made after it came. */
  applyTo(breaker: SteeredBreaker): string[] {
    const refused = this.#refused.get(breaker.name);
    if (refused) {
      const error = refused.error.message;
      this.#applied.set(breaker.name, { revision: refused.revision, status: 'failed', error });
      return [`${breaker.name}: ${error}`];
    }
    const wanted = this.#wantedOf(breaker.name);
    try {
      this.#bring(breaker, wanted);
      if (wanted) this.#applied.set(breaker.name, { revision: wanted.revision, status: 'applied' });
      return [];
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (wanted) this.#applied.set(breaker.name, { revision: wanted.revision, status: 'failed', error: message });
      return [`${breaker.name}: ${message}`];
    }
  }

  applied(name: string): AppliedRevision | undefined {
    return this.#applied.get(name);
  }

  /** A breaker may be named like what every object has, such as `constructor`. */
  #wantedOf(name: string): DesiredBreaker | undefined {
    return Object.hasOwn(this.#desired.breakers, name) ? this.#desired.breakers[name] : undefined;
  }

  #bring(breaker: SteeredBreaker, wanted: DesiredBreaker | undefined): void {
    bringOverride(breaker, wanted?.override, wanted?.revision ?? 0);
    const { action } = wanted ?? {};
    if (action && action.generation > (this.#acted.get(breaker.name) ?? 0)) {
      breaker.act(action.kind, `${action.actor}: ${action.reason}`);
      // Noted only then: what a breaker cannot do is refused each time, and never taken for done.
      this.#acted.set(breaker.name, action.generation);
    }
    breaker.configure(wanted?.config);
  }
}

function bringOverride(breaker: SteeredBreaker, wanted: Override | undefined, revision: number): void {
  const current = breaker.override;
  if (!wanted) {
    // What an operator set in this process by hand is not the control plane's to take away.
    if (breaker.overrideSource === 'desired_state') breaker.release('desired_state');
    return;
  }
  if (current && sameOverride(current, wanted)) return;
  if (Date.parse(wanted.expiresAt) > breaker.wallMs()) {
    breaker.holdIn(wanted, { reason: 'desired_state', revision });
  }
}

function sameOverride(left: Override, right: Override): boolean {
  return (
    left.mode === right.mode &&
    left.reason === right.reason &&
    left.actor === right.actor &&
    left.expiresAt === right.expiresAt
  );
}
