import type { Liveness } from './view.ts';

/** How long silence means what, in milliseconds. */
export interface LivenessLimits {
  readonly staleAfterMs: number;
  readonly goneAfterMs: number;
  readonly forgetAfterMs: number;
}

/** What is known of when something was heard of; times in milliseconds since the epoch, by the clock of this process. */
export interface Heard {
  readonly lastSeenAt: number;
  /** It said that it stops, or was left out of the inventory of its process. */
  readonly left: boolean;
  /** False where it is known from before a restart alone: then it is never live. */
  readonly heard: boolean;
}

export function liveness({ lastSeenAt, left, heard }: Heard, now: number, limits: LivenessLimits): Liveness {
  const silence = now - lastSeenAt;
  if (left || silence >= limits.goneAfterMs) return 'gone';
  return heard && silence < limits.staleAfterMs ? 'live' : 'stale';
}
