import type { Clock, Timer } from './clock.ts';
import type { BreakerObserver } from './telemetry/observer.ts';

interface PendingTimer {
  readonly at: number;
  readonly run: () => void;
}

/** A clock that moves only when told to, for tests of code with breakers. */
export class ManualClock implements Clock {
  #now = 0;
  readonly #wallOrigin: number;
  readonly #timers = new Set<PendingTimer>();

  /** @param wallOrigin wall time at the start, ms since the epoch */
  constructor(wallOrigin = Date.UTC(2026, 0, 1)) {
    this.#wallOrigin = wallOrigin;
  }

  monotonicMs(): number {
    return this.#now;
  }

  wallMs(): number {
    return this.#wallOrigin + this.#now;
  }

  timer(delayMs: number, run: () => void): Timer {
    const timer = { at: this.#now + Math.max(0, delayMs), run };
    this.#timers.add(timer);
    return { cancel: () => this.#timers.delete(timer) };
  }

  /** Timers that wait. */
  get pendingTimers(): number {
    return this.#timers.size;
  }

  /** Moves time on by `ms`, runs each timer at its time, and lets promises settle after each. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (let next = this.#earliest(end); next; next = this.#earliest(end)) {
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.run();
      await settle();
    }
    this.#now = end;
    await settle();
  }

  #earliest(end: number): PendingTimer | undefined {
    let earliest: PendingTimer | undefined;
    for (const timer of this.#timers) {
      if (timer.at <= end && (!earliest || timer.at < earliest.at)) earliest = timer;
    }
    return earliest;
  }
}

/** Lets every promise that can settle without time or I/O do so. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

type Kind = keyof BreakerObserver;

/** One thing an observer was told. */
export interface Recorded {
  readonly kind: Kind;
  readonly breaker: string;
  readonly details: unknown;
}

/** An observer that keeps what it hears; pass it as `telemetry`. */
export class RecordingObserver implements BreakerObserver {
  readonly heard: Recorded[] = [];
  readonly added: BreakerObserver['added'] = (breaker) => this.#keep('added', breaker.name, undefined);
  readonly removed: BreakerObserver['removed'] = (breaker) => this.#keep('removed', breaker.name, undefined);
  readonly timed: BreakerObserver['timed'] = (breaker, outcome, durationMs) =>
    this.#keep('timed', breaker.name, { outcome, durationMs });
  readonly failed: BreakerObserver['failed'] = (breaker, call) => this.#keep('failed', breaker.name, call);
  readonly rejected: BreakerObserver['rejected'] = (breaker) => this.#keep('rejected', breaker.name, undefined);
  readonly transitioned: BreakerObserver['transitioned'] = (breaker, record) =>
    this.#keep('transitioned', breaker.name, record);
  readonly overridden: BreakerObserver['overridden'] = (breaker, override) =>
    this.#keep('overridden', breaker.name, override);
  readonly diverted: BreakerObserver['diverted'] = (breaker, call) => this.#keep('diverted', breaker.name, call);
  readonly replayed: BreakerObserver['replayed'] = (breaker, call) => this.#keep('replayed', breaker.name, call);
  readonly dropped: BreakerObserver['dropped'] = (breaker, drop) => this.#keep('dropped', breaker.name, drop);
  readonly drained: BreakerObserver['drained'] = (breaker, drain) => this.#keep('drained', breaker.name, drain);

  /** The details of everything of one kind, in order. */
  of<Details = unknown>(kind: Kind): Details[] {
    return this.heard.filter((entry) => entry.kind === kind).map((entry) => entry.details as Details);
  }

  #keep(kind: Kind, breaker: string, details: unknown): void {
    this.heard.push({ kind, breaker, details });
  }
}
