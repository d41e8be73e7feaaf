import type { BreakerMode, TransitionReason } from '@switchgear/conventions';
import type { WindowCounts } from '../window/window-counts.ts';

/** Most probes out at a time, whatever `probes` asks for: the state has a fixed size. */
export const MOST_LEASES = 16;

/** The right of one probe to be in flight until its deadline. */
export interface Lease {
  /** 0 to MOST_LEASES - 1, free again when the probe is back. */
  readonly id: number;
  /** Monotonic ms; a probe not back by then has failed. */
  readonly deadline: number;
}

interface Common {
  /** Rises by one at every transition; a result from an older generation decides nothing. */
  readonly generation: number;
  /** Monotonic ms at which the state was entered. */
  readonly since: number;
}

/** How often it has opened since it was last closed, less one: what a growing cooldown grows by. */
interface Reopening {
  readonly reopenings: number;
}

export type Closed = Common & { readonly kind: 'closed' };

export type Open = Common &
  Reopening & {
    readonly kind: 'open';
    /** Monotonic ms from which it lets probes through. */
    readonly until: number;
  };

/** Probing first, in step 0, and then through the steps of the ramp, each with its own numbers. */
export type HalfOpen = Common &
  Reopening & {
    readonly kind: 'half_open';
    /** Probes that came back good. */
    readonly good: number;
    readonly leases: readonly Lease[];
    /** 0 while it probes; n in the ramp's nth step. */
    readonly step: number;
    /** Monotonic ms at which the step began. */
    readonly stepSince: number;
    /** Of the step: calls that came, those let through, and what became of the ones judged. */
    readonly offered: number;
    readonly admitted: number;
    readonly executed: number;
    readonly failed: number;
    readonly slow: number;
  };

export type Held = Common & { readonly kind: 'forced_open' | 'disabled' };

export type Shadow = Common & {
  readonly kind: 'shadow';
  /** Monotonic ms; no second report of a trip before this. */
  readonly quietUntil: number;
};

export type MachineState = Closed | Open | HalfOpen | Held | Shadow;

/** What the call was let through with: the generation it belongs to, and a lease where it is a probe. */
export interface Permit {
  readonly generation: number;
  readonly lease: number | null;
}

/** What became of a call that was judged. */
export interface Verdict {
  readonly permit: Permit;
  readonly failed: boolean;
  readonly slow: boolean;
  /** The step of the ramp in which it was counted as slow in flight; undefined where it was not, or not in a ramp. */
  readonly overdueStep: number | undefined;
  /** The window with this call in it. */
  readonly counts: WindowCounts;
}

/** A state from another process, without its times and numbers. */
export type RestoredState =
  | { readonly kind: 'closed' | 'disabled' | 'shadow' }
  | { readonly kind: 'half_open'; readonly reopenings: number }
  | { readonly kind: 'open'; readonly reopenings: number; readonly remainingMs: number };

export type MachineEvent =
  /** A call asks to be let through. Always answered by an `admit` or a `deny`. */
  | { readonly type: 'call' }
  | ({ readonly type: 'settled' } & Verdict)
  /** A call in flight has passed the slow threshold; `counts` has it as a slow one. */
  | { readonly type: 'overdue'; readonly permit: Permit; readonly counts: WindowCounts }
  /** Ignored or cancelled: the permit comes back and nothing is decided. */
  | { readonly type: 'released'; readonly permit: Permit }
  | { readonly type: 'trip'; readonly reason: TransitionReason }
  | { readonly type: 'reset'; readonly reason: TransitionReason }
  | { readonly type: 'mode'; readonly mode: BreakerMode; readonly reason: TransitionReason }
  /** Takes up a state that another process left: no transition that anyone is told of. */
  | { readonly type: 'restore'; readonly state: RestoredState }
  /** Time has passed: a probe past its deadline is found, and a step of the ramp that is over. */
  | { readonly type: 'tick' };

export type Effect =
  | { readonly type: 'admit'; readonly permit: Permit }
  /** `retryAfterMs` is null where an operator holds the breaker open. */
  | { readonly type: 'deny'; readonly retryAfterMs: number | null }
  | {
      readonly type: 'transition';
      readonly from: MachineState;
      readonly to: MachineState;
      readonly reason: TransitionReason;
      /** The window at the moment of a trip by one of its rules. */
      readonly counts: WindowCounts | null;
    }
  /** A breaker in shadow would have tripped now. */
  | { readonly type: 'shadow_trip'; readonly reason: TransitionReason; readonly counts: WindowCounts };

export interface Decision {
  readonly state: MachineState;
  readonly effects: readonly Effect[];
}

/** The state before the first event. */
export function initialState(now: number, mode: Exclude<BreakerMode, 'forced_open'> = 'auto'): MachineState {
  switch (mode) {
    case 'auto':
      return { kind: 'closed', generation: 1, since: now };
    case 'disabled':
      return { kind: mode, generation: 1, since: now };
    case 'shadow':
      return { kind: mode, generation: 1, since: now, quietUntil: now };
  }
}
