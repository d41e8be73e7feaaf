import type { BreakerState, TransitionReason } from '@switchgear/conventions';
import type { CallFailure, CallListener } from './calls/call-path.ts';
import type { CoreEvents } from './core.ts';
import { outside } from './outside.ts';
import { diagError, type IsolatedObserver } from './telemetry/isolated-observer.ts';
import type { TransitionRecord } from './telemetry/observer.ts';

export interface Transition {
  readonly from: BreakerState;
  readonly to: BreakerState;
  readonly reason: TransitionReason;
  /** What the operator said. */
  readonly note: string | undefined;
}

/** A call that was not let through: `diverted` where a neutral wire took it. */
export interface TurnedAwayCall {
  readonly outcome: 'rejected' | 'limited' | 'diverted';
}

/** What was decided, on its way to the other threads of a shared breaker. */
export interface Announcement {
  readonly kind: 'transition' | 'shadow_trip';
  readonly record: TransitionRecord;
}

type Listeners<Heard> = Set<(heard: Heard) => void>;

/** Tells telemetry and listeners what a breaker did, once it is decided. What a listener throws reaches `diag` only. */
export class Publisher implements CoreEvents, CallListener {
  readonly #breaker: string;
  /** Telemetry hears of each transition once in a process: from the thread that owns the breaker. */
  readonly #ownsTelemetry: boolean;
  #observer: IsolatedObserver | undefined = undefined;
  #share: ((announcement: Announcement) => void) | undefined = undefined;
  #transitions: Listeners<Transition> | undefined = undefined;
  #failures: Listeners<CallFailure> | undefined = undefined;
  #turnedAway: Listeners<TurnedAwayCall> | undefined = undefined;

  constructor(breaker: string, ownsTelemetry: boolean) {
    this.#breaker = breaker;
    this.#ownsTelemetry = ownsTelemetry;
  }

  /** The observer exists only once the breaker does. */
  connect(observer: IsolatedObserver): void {
    this.#observer = observer;
  }

  /** Where threads share the breaker: what this one decides goes to `share`, which has it published in its turn. */
  shareBy(share: (announcement: Announcement) => void): void {
    this.#share = share;
  }

  transitioned(record: TransitionRecord): void {
    this.#publish({ kind: 'transition', record });
  }

  shadowTripped(record: TransitionRecord): void {
    this.#publish({ kind: 'shadow_trip', record });
  }

  /** Publishes what this thread or another one decided. */
  hear({ kind, record }: Announcement): void {
    // The tripping request's async context must not leak into spans, listeners or a drain that outlive it.
    outside(() => {
      if (this.#ownsTelemetry) this.#observer?.transitioned(record);
      if (kind === 'shadow_trip') return;
      const { from, to, reason, note } = record;
      this.#tell(this.#transitions, { from, to, reason, note });
    });
  }

  failed(failure: CallFailure): void {
    this.#tell(this.#failures, failure);
  }

  turnedAway(outcome: TurnedAwayCall['outcome']): void {
    if (this.#turnedAway) this.#tell(this.#turnedAway, { outcome });
  }

  onTransition(listener: (transition: Transition) => void): () => void {
    this.#transitions ??= new Set();
    return added(this.#transitions, listener);
  }

  onFailure(listener: (failure: CallFailure) => void): () => void {
    this.#failures ??= new Set();
    return added(this.#failures, listener);
  }

  onTurnedAway(listener: (call: TurnedAwayCall) => void): () => void {
    this.#turnedAway ??= new Set();
    return added(this.#turnedAway, listener);
  }

  #publish(announcement: Announcement): void {
    if (this.#share) this.#share(announcement);
    else this.hear(announcement);
  }

  #tell<Heard>(listeners: Listeners<Heard> | undefined, heard: Heard): void {
    if (!listeners) return;
    for (const listener of listeners) {
      try {
        listener(heard);
      } catch (error) {
        diagError(`A listener of breaker "${this.#breaker}" threw`, error);
      }
    }
  }
}

function added<Heard>(listeners: Listeners<Heard>, listener: (heard: Heard) => void): () => void {
  // Of its own: the same function may listen twice, and each is taken off by itself.
  const own = (heard: Heard) => listener(heard);
  listeners.add(own);
  return () => void listeners.delete(own);
}
