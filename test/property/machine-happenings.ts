import { BREAKER_MODES, type BreakerMode } from '@switchgear/conventions';
import type { RestoredState } from '../../src/breaker/machine/state.ts';
import { patchOf } from './machine-settings.ts';

/** How a call that is out ends; the machine sees the last two alike. */
export type Ending = 'success' | 'failure' | 'timeout' | 'slow' | 'slow_failure' | 'ignored' | 'cancelled';

/** One thing that happens to a breaker. `index` picks one of the calls that are out. */
export type Happening =
  | { readonly what: 'calls'; readonly calls: number }
  | { readonly what: 'end'; readonly index: number; readonly ending: Ending }
  | { readonly what: 'all_end_well' }
  | { readonly what: 'overdue'; readonly index: number }
  | { readonly what: 'wait'; readonly ms: number }
  /** Until time alone means something, or a millisecond less. */
  | { readonly what: 'wait_until_due'; readonly lessMs: number }
  | { readonly what: 'tick' | 'trip' | 'reset' }
  | { readonly what: 'mode'; readonly mode: BreakerMode }
  | { readonly what: 'restore'; readonly to: RestoredState }
  | { readonly what: 'configure'; readonly choice: number };

const ENDINGS: readonly Ending[] = [
  'success',
  'success',
  'success',
  'failure',
  'failure',
  'timeout',
  'slow',
  'slow',
  'slow_failure',
  'ignored',
  'cancelled',
];
const WAITS_MS = [1, 4, 5, 10, 30, 50, 99, 301, 3_600_000];
const RESTORED: readonly RestoredState[] = [
  { kind: 'closed' },
  { kind: 'half_open', reopenings: 0 },
  { kind: 'half_open', reopenings: 2 },
  { kind: 'open', reopenings: 0, remainingMs: 0 },
  { kind: 'open', reopenings: 1, remainingMs: 25 },
  { kind: 'open', reopenings: 40, remainingMs: 5_000 },
  { kind: 'shadow' },
  { kind: 'disabled' },
];
const BURSTS = [2, 3, 5, 18];

/** What happens how often, in a life that is mostly closed. */
export const EVERYDAY = weighed({
  call: 9,
  burst: 1,
  end: 11,
  all_end_well: 1,
  overdue: 2,
  wait: 3,
  wait_until_due: 3,
  tick: 1,
  operator: 1,
  mode: 1,
  restore: 1,
  configure: 2,
});

/** What happens how often, where recovery is what matters. */
export const RECOVERY = weighed({
  call: 8,
  burst: 4,
  end: 12,
  all_end_well: 2,
  overdue: 2,
  wait: 1,
  wait_until_due: 4,
  tick: 1,
  operator: 1,
  restore: 1,
  configure: 2,
});

/**
 * What a number stands for. Numbers, because a hundred thousand lists of them are made in seconds, and a list that fails
 * still shrinks.
 */
export function happeningOf(number: number, kinds: readonly string[]): Happening {
  const choice = Math.floor(number / kinds.length);
  switch (kinds[number % kinds.length]) {
    case 'call':
      return { what: 'calls', calls: 1 };
    case 'burst':
      return { what: 'calls', calls: pick(BURSTS, choice) };
    case 'end': {
      const index = Math.floor(choice / ENDINGS.length);
      return { what: 'end', ending: pick(ENDINGS, choice), index };
    }
    case 'all_end_well':
      return { what: 'all_end_well' };
    case 'overdue':
      return { what: 'overdue', index: choice };
    case 'wait':
      return { what: 'wait', ms: pick(WAITS_MS, choice) };
    case 'wait_until_due':
      return { what: 'wait_until_due', lessMs: choice % 4 === 0 ? 1 : 0 };
    case 'operator':
      return { what: choice % 2 === 0 ? 'trip' : 'reset' };
    case 'mode':
      return { what: 'mode', mode: pick(BREAKER_MODES, choice) };
    case 'restore':
      return { what: 'restore', to: pick(RESTORED, choice) };
    case 'configure':
      return { what: 'configure', choice };
    default:
      return { what: 'tick' };
  }
}

/** A happening for the eye. */
export function inWords(happening: Happening): string {
  if (happening.what === 'configure') return `configure ${JSON.stringify(patchOf(happening.choice))}`;
  const { what, ...rest } = happening;
  return Object.keys(rest).length === 0 ? what : `${what} ${JSON.stringify(rest)}`;
}

function weighed(weights: Readonly<Record<string, number>>): readonly string[] {
  return Object.entries(weights).flatMap(([kind, weight]) => Array<string>(weight).fill(kind));
}

function pick<Value>(values: readonly Value[], choice: number): Value {
  return values[choice % values.length]!;
}
