import { diag } from '@opentelemetry/api';
import type { BreakerState, TimedOutcome } from '@switchgear/conventions';
import type { BreakerObserver, BreakerReadings } from './observer.ts';

type Tail<F> = F extends (breaker: BreakerReadings, ...rest: infer Rest) => void ? Rest : never;

/** An observer that did not want to hear of executed calls, since no SDK was there, is asked again after so long. */
const ASK_AGAIN_MS = 100;

/** An observer bound to one breaker. What it throws never reaches a guarded call: it goes to `diag`. */
export class IsolatedObserver {
  readonly #observer: BreakerObserver | undefined;
  readonly #readings: BreakerReadings;
  #hearsTimed = false;
  #askedAt = Number.NEGATIVE_INFINITY;

  constructor(observer: BreakerObserver | undefined, readings: BreakerReadings) {
    this.#observer = observer;
    this.#readings = readings;
  }

  added(): void {
    this.#guard((observer) => observer.added(this.#readings));
  }

  removed(): void {
    this.#guard((observer) => observer.removed(this.#readings));
  }

  /** @param now monotonic ms, by any clock */
  timed(outcome: TimedOutcome, durationMs: number, stateAtStart: BreakerState, now: number): void {
    // Every executed call comes here: nothing at all where nobody listens, which is asked anew only now and then.
    if (!this.#hearsTimed && now - this.#askedAt < ASK_AGAIN_MS) return;
    try {
      this.#hearsTimed = this.#observer !== undefined && (this.#observer.hearsTimed?.(this.#readings) ?? true);
      this.#askedAt = now;
      if (this.#hearsTimed) this.#observer?.timed(this.#readings, outcome, durationMs, stateAtStart);
    } catch (error) {
      this.#told(error);
    }
  }

  failed(...rest: Tail<BreakerObserver['failed']>): void {
    this.#guard((observer) => observer.failed(this.#readings, ...rest));
  }

  rejected(): void {
    this.#guard((observer) => observer.rejected(this.#readings));
  }

  transitioned(...rest: Tail<BreakerObserver['transitioned']>): void {
    this.#guard((observer) => observer.transitioned(this.#readings, ...rest));
  }

  overridden(...rest: Tail<BreakerObserver['overridden']>): void {
    this.#guard((observer) => observer.overridden(this.#readings, ...rest));
  }

  diverted(...rest: Tail<BreakerObserver['diverted']>): void {
    this.#guard((observer) => observer.diverted(this.#readings, ...rest));
  }

  replayed(...rest: Tail<BreakerObserver['replayed']>): void {
    this.#guard((observer) => observer.replayed(this.#readings, ...rest));
  }

  dropped(...rest: Tail<BreakerObserver['dropped']>): void {
    this.#guard((observer) => observer.dropped(this.#readings, ...rest));
  }

  drained(...rest: Tail<BreakerObserver['drained']>): void {
    this.#guard((observer) => observer.drained(this.#readings, ...rest));
  }

  #guard(tell: (observer: BreakerObserver) => void): void {
    if (!this.#observer) return;
    try {
      tell(this.#observer);
    } catch (error) {
      this.#told(error);
    }
  }

  #told(error: unknown): void {
    diagError(`The observer of breaker "${this.#readings.name}" threw`, error);
  }
}

/** Tells the OpenTelemetry diagnostic logger, the only place that a fault of telemetry or of a listener reaches. */
export function diagError(what: string, error: unknown): void {
  diag.error(what, error instanceof Error ? (error.stack ?? error.message) : String(error));
}

/** The same for what is no fault of the library's, and yet somebody should know. */
export function diagWarn(what: string): void {
  diag.warn(what);
}
