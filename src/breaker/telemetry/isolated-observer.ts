import { diag } from '@opentelemetry/api';
import type { BreakerState, TimedOutcome } from '@switchgear/conventions';
import type { BreakerObserver, BreakerReadings } from './observer.ts';
import { RateLimit } from './rate-limit.ts';

type Tail<F> = F extends (breaker: BreakerReadings, ...rest: infer Rest) => void ? Rest : never;

/** An observer that did not want to hear of executed calls, since no SDK was there, is asked again after so long. */
const ASK_AGAIN_MS = 100;

/** Made at the first fault of a breaker's observer; gone with the breaker. */
const limits = new WeakMap<BreakerReadings, RateLimit>();

/**
 * An observer bound to one breaker. What it throws never reaches a guarded call: it goes to `diag`, at most ten times a second,
 * since one that throws may do so at every call.
 */
export class IsolatedObserver {
  readonly #observer: BreakerObserver | undefined;
  readonly #readings: BreakerReadings;
  #hearsTimed = false;
  #askedAt = Number.NEGATIVE_INFINITY;

  constructor(observer: BreakerObserver | undefined, readings: BreakerReadings) {
    this.#observer = observer;
    this.#readings = readings;
  }

  /** The breaker's name. */
  get breaker(): string {
    return this.#readings.name;
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
    const { name } = this.#readings;
    const now = this.#readings.monotonicMs();
    const limit = limits.get(this.#readings) ?? new RateLimit(now);
    limits.set(this.#readings, limit);
    if (!limit.allows(now)) return;
    const before = limit.suppressed > 0 ? `, and ${limit.suppressed} times before without a word` : '';
    diagError(`The observer of breaker "${name}" threw${before}`, error);
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
