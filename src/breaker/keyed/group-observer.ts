import type { BreakerObserver, BreakerReadings } from '../telemetry/observer.ts';

type Rest<Method extends keyof BreakerObserver> = Required<BreakerObserver>[Method] extends (
  breaker: BreakerReadings,
  ...rest: infer Told
) => unknown
  ? Told
  : never;

/**
 * Hears what the breakers of a group do and passes it on, but not that they come and go: for the observer there is the
 * group, whose name they have.
 */
export class GroupObserver implements BreakerObserver {
  readonly #observer: BreakerObserver;

  constructor(observer: BreakerObserver) {
    this.#observer = observer;
  }

  added(): void {}

  removed(): void {}

  hearsTimed(breaker: BreakerReadings): boolean {
    return this.#observer.hearsTimed?.(breaker) ?? true;
  }

  timed(breaker: BreakerReadings, ...rest: Rest<'timed'>): void {
    this.#observer.timed(breaker, ...rest);
  }

  failed(breaker: BreakerReadings, ...rest: Rest<'failed'>): void {
    this.#observer.failed(breaker, ...rest);
  }

  rejected(breaker: BreakerReadings): void {
    this.#observer.rejected(breaker);
  }

  transitioned(breaker: BreakerReadings, ...rest: Rest<'transitioned'>): void {
    this.#observer.transitioned(breaker, ...rest);
  }

  overridden(breaker: BreakerReadings, ...rest: Rest<'overridden'>): void {
    this.#observer.overridden(breaker, ...rest);
  }

  diverted(breaker: BreakerReadings, ...rest: Rest<'diverted'>): void {
    this.#observer.diverted(breaker, ...rest);
  }

  replayed(breaker: BreakerReadings, ...rest: Rest<'replayed'>): void {
    this.#observer.replayed(breaker, ...rest);
  }

  dropped(breaker: BreakerReadings, ...rest: Rest<'dropped'>): void {
    this.#observer.dropped(breaker, ...rest);
  }

  drained(breaker: BreakerReadings, ...rest: Rest<'drained'>): void {
    this.#observer.drained(breaker, ...rest);
  }
}
