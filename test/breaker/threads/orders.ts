import type { BreakerHandle, BreakerSettings, BreakerState } from '../../../src/breaker/index.ts';

/** Words of the array by which a test steers its crew while it is at work. */
export const MODE = 0;
/** Calls made by all, for those who wait until there were some. */
export const CALLS = 1;
/** Probes that are out, and the most that were at a time. */
export const OUT = 2;
export const MOST_OUT = 3;
/** Probes let through in all. */
export const PROBES = 4;
export const STEERING_WORDS = 5;

/** What the calls of `work` do. */
export const GOOD = 0;
export const BAD = 1;
export const STOP = 2;

/** What a thread is to work at. */
export interface Contract {
  readonly handle: BreakerHandle;
  readonly steering: SharedArrayBuffer;
  /** Neutral wires to attach: `fallback` takes every call. */
  readonly wires?: readonly string[];
}

/** What a test asks a thread to do. It answers with one message. */
export type Order =
  | { readonly task: 'attach'; readonly contract: Contract }
  /** So many calls at full speed, with a burst of `burst` failures in every `every` calls. */
  | { readonly task: 'hammer'; readonly calls: number; readonly every: number; readonly burst: number }
  /** Calls as MODE says until it says STOP. */
  | { readonly task: 'work' }
  /** Calls that take a while, until the breaker is closed. */
  | { readonly task: 'probe' }
  /** So many calls one after the other. */
  | { readonly task: 'call'; readonly calls: number; readonly failing: boolean }
  /** Nothing, until its listeners have heard of so many transitions. */
  | { readonly task: 'hear'; readonly count: number }
  | { readonly task: 'trip' | 'reset' | 'look' | 'leave' };

/** How calls ended, as their callers saw it. */
export interface Tally {
  success: number;
  failure: number;
  rejected: number;
  limited: number;
  diverted: number;
}

export interface Sight {
  readonly state: BreakerState;
  readonly generation: number;
  readonly settings: BreakerSettings;
  readonly retryAfterMs: number | null;
  /** Transitions that its observer and its listeners heard of. */
  readonly published: number;
  readonly heard: readonly string[];
}

export function emptyTally(): Tally {
  return { success: 0, failure: 0, rejected: 0, limited: 0, diverted: 0 };
}
