import type { BreakerMode, TransitionReason } from '@switchgear/conventions';
import type { WindowCounts } from '../window/time-window.ts';

/** The right of one probe to be in flight until its deadline. */
export interface Lease {
  /** Unique within its generation. */
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

export type MachineState =
  | (Common & { readonly kind: 'closed' })
  | (Common & { readonly kind: 'open'; readonly until: number })
  | (Common & {
      readonly kind: 'half_open';
      readonly good: number;
      readonly nextLease: number;
      readonly leases: readonly Lease[];
    })
  | (Common & { readonly kind: 'forced_open' })
  | (Common & { readonly kind: 'disabled' })
  | (Common & { readonly kind: 'shadow' /** No second report of a trip before this. */; readonly quietUntil: number });

/** What the call was let through with: the generation it belongs to, and a lease where it is a probe. */
export interface Permit {
  readonly generation: number;
  readonly lease: number | null;
}

export type MachineEvent =
  /** A call asks to be let through. Always answered by an `admit` or a `deny`. */
  | { readonly type: 'call' }
  | { readonly type: 'succeeded'; readonly permit: Permit }
  /** A failure or timeout; `counts` is the window with this call in it. */
  | { readonly type: 'failed'; readonly permit: Permit; readonly counts: WindowCounts }
  /** Ignored or cancelled: the permit comes back and nothing is decided. */
  | { readonly type: 'released'; readonly permit: Permit }
  | { readonly type: 'trip'; readonly reason: TransitionReason }
  | { readonly type: 'reset'; readonly reason: TransitionReason }
  | { readonly type: 'mode'; readonly mode: BreakerMode; readonly reason: TransitionReason }
  /** Time has passed: a probe past its deadline is found. */
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
      /** The window at the moment of a trip by its threshold. */
      readonly counts: WindowCounts | null;
    }
  /** A breaker in shadow would have tripped now. */
  | { readonly type: 'shadow_trip'; readonly counts: WindowCounts };

export interface Decision {
  readonly state: MachineState;
  readonly effects: readonly Effect[];
}

/** The states before the first event. */
export function initialState(now: number): MachineState {
  return { kind: 'closed', generation: 1, since: now };
}
