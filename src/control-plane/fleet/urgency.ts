import type { BreakerState } from '@switchgear/conventions';

/** Which state of several most needs eyes. */
const BY_URGENCY = [
  'forced_open',
  'open',
  'half_open',
  'disabled',
  'shadow',
  'closed',
] as const satisfies BreakerState[];

/** The state that most needs eyes of those that are there; null where none is. */
export function mostUrgent(isThere: (state: BreakerState) => boolean): BreakerState | null {
  return BY_URGENCY.find(isThere) ?? null;
}

export function isMoreUrgent(state: BreakerState, than: BreakerState): boolean {
  return BY_URGENCY.indexOf(state) < BY_URGENCY.indexOf(than);
}
