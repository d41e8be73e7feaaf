import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Arrivals } from '../../../../src/breaker/neutral/spool/arrivals.ts';
import type { SpooledCall } from '../../../../src/breaker/neutral/spool/spool.ts';

type Step =
  | { readonly do: 'push'; readonly count: number; readonly expiresAt: number }
  | { readonly do: 'shift'; readonly count: number }
  | { readonly do: 'shiftExpired'; readonly now: number };

const time = fc.integer({ min: 0, max: 5 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('push' as const), count: fc.constantFrom(1, 7, 900, 1_500), expiresAt: time }),
  fc.record({ do: fc.constant('shift' as const), count: fc.constantFrom(1, 5, 1_024, 2_000) }),
  fc.record({ do: fc.constant('shiftExpired' as const), now: time }),
);

test('arrivals are what a plain list of them would be', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      const arrivals = new Arrivals();
      let list: SpooledCall[] = [];
      let number = 0;
      for (const taken of steps) {
        if (taken.do === 'shiftExpired') {
          const expired = list.filter(({ expiresAt }) => expiresAt <= taken.now);
          expect(idsOf(arrivals.shiftExpired(taken.now))).toEqual(idsOf(expired));
          list = list.filter(({ expiresAt }) => expiresAt > taken.now);
        } else if (taken.do === 'shift') {
          const shifted = Array.from({ length: taken.count }, () => arrivals.shift());
          expect(shifted.filter((call) => call !== undefined).map(({ id }) => id)).toEqual(
            idsOf(list.splice(0, taken.count)),
          );
        } else {
          for (let pushed = 0; pushed < taken.count; pushed++) {
            const call = { id: `${++number}`, expiresAt: taken.expiresAt } as SpooledCall;
            arrivals.push(call);
            list.push(call);
          }
        }
        expect(arrivals.size).toBe(list.length);
        expect(arrivals.peek()?.id).toBe(list[0]?.id);
        expect(idsOf(arrivals.head(1_030))).toEqual(idsOf(list.slice(0, 1_030)));
      }
    }),
    { numRuns: 200 },
  );
});

function idsOf(calls: readonly SpooledCall[]): string[] {
  return calls.map(({ id }) => id);
}
