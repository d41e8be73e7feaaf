import fc from 'fast-check';
import type { OwnMode } from '../../src/breaker/index.ts';

/** How a guarded function ends. `later`: with a good answer, after 120 ms. */
export type End = 'good' | 'bad' | 'bad result' | 'ignored' | 'later' | 'hangs' | 'cancelled';
/** What becomes of a permit taken by hand. */
export type Told = 'success' | 'error' | 'ignored' | 'release';

/** What happens to a breaker. */
export type Step =
  | { readonly do: 'call'; readonly ends: End; readonly replayable: boolean }
  | { readonly do: 'call at once'; readonly ends: 'good' | 'bad' | 'bad result' | 'ignored' }
  | { readonly do: 'acquire' }
  /** Of one of the permits that are out; some come after theirs was given back already. */
  | { readonly do: 'tell'; readonly which: number; readonly told: Told; readonly twice: boolean }
  | { readonly do: 'allow' }
  | { readonly do: 'record'; readonly told: 'success' | 'error' | 'ignored' }
  | { readonly do: 'limit'; readonly to: number | null }
  | { readonly do: 'redefine'; readonly mode: OwnMode }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'trip' | 'reset' | 'hold' | 'release' | 'export and import' };

export const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('call' as const),
      ends: fc.constantFrom<End>('good', 'bad', 'bad result', 'ignored', 'later', 'hangs', 'cancelled'),
      replayable: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('call at once' as const),
      ends: fc.constantFrom('good' as const, 'bad' as const, 'bad result' as const, 'ignored' as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('acquire' as const, 'allow' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('tell' as const),
      which: fc.nat(5),
      told: fc.constantFrom<Told>('success', 'error', 'ignored', 'release'),
      twice: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('record' as const),
      told: fc.constantFrom('success' as const, 'error' as const, 'ignored' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('limit' as const), to: fc.constantFrom(null, 1, 2, 5) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('redefine' as const),
      mode: fc.constantFrom<OwnMode>('auto', 'auto', 'shadow', 'disabled'),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 1_500 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom('trip' as const, 'reset' as const, 'hold' as const, 'release' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('export and import' as const) }) },
);

/** What the breaker is made of. */
export const making = fc.record({
  mode: fc.constantFrom<OwnMode>('auto', 'auto', 'shadow', 'disabled'),
  wires: fc.constantFrom('none' as const, 'buffer' as const, 'both' as const),
  maxConcurrent: fc.constantFrom(null, 1, 2),
  windowCalls: fc.constantFrom(null, 4),
  debounceMs: fc.constantFrom(null, 100),
  ramp: fc.constantFrom<readonly number[]>([], [0.25, 0.5]),
  /** How the replays of a buffer end, in turn: well or badly. */
  replays: fc.array(fc.boolean(), { minLength: 1, maxLength: 5 }),
});

export type Making = typeof making extends fc.Arbitrary<infer Made> ? Made : never;
