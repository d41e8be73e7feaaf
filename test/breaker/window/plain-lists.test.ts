import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CountWindow } from '../../../src/breaker/window/count-window.ts';
import { TimeWindow } from '../../../src/breaker/window/time-window.ts';
import { runs } from '../../property/runs.ts';
import { windowMemory } from './window-memory.ts';

interface Listed {
  /** The bucket's beginning, in buckets since the beginning of time. */
  bucket: number;
  failed: boolean;
  readonly slow: boolean;
}

type Step =
  | { readonly do: 'record'; readonly failed: boolean; readonly slow: boolean }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'clear' }
  | { readonly do: 'resize'; readonly to: number };

function steps(sizes: fc.Arbitrary<number>): fc.Arbitrary<Step[]> {
  const record = fc.record({ do: fc.constant('record' as const), failed: fc.boolean(), slow: fc.boolean() });
  const ms = fc.oneof(fc.nat(120), fc.constantFrom(100, 999, 1_000, 3_600_000));
  return fc.array(
    fc.oneof(
      { weight: 12, arbitrary: record },
      { weight: 5, arbitrary: fc.record({ do: fc.constant('wait' as const), ms }) },
      { weight: 1, arbitrary: fc.constant({ do: 'clear' } as const) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('resize' as const), to: sizes }) },
    ),
    { maxLength: 60, size: 'max' },
  );
}

function tally(listed: readonly Listed[]) {
  return {
    executed: listed.length,
    failed: listed.filter(({ failed }) => failed).length,
    slow: listed.filter(({ slow }) => slow).length,
  };
}

/** Where the word that counts the calls stands at first: at nothing, and where it turns negative. */
const seenBefore = fc.constantFrom(0, 2 ** 31 - 20);

test('a window of the last calls holds what the end of a plain list holds', () => {
  const size = fc.integer({ min: 1, max: 40 });
  fc.assert(
    fc.property(size, seenBefore, steps(size), (first, seen, history) => {
      const memory = windowMemory();
      memory.words[memory.offset] = seen;
      const window = new CountWindow(memory, memory.offset, first);
      let listed: Listed[] = [];
      let most = first;
      for (const step of history) {
        if (step.do === 'record') {
          window.record(step.failed, step.slow);
          listed.push({ bucket: 0, failed: step.failed, slow: step.slow });
        } else if (step.do === 'clear') {
          window.clear();
          listed = [];
        } else if (step.do === 'resize') {
          window.resize(step.to);
          most = step.to;
        }
        listed = listed.slice(-most);
        expect(window.counts()).toEqual(tally(listed));
      }
      expect(memory.isWhole()).toBe(true);
    }),
    { numRuns: runs(3_000) },
  );
});

test('a window of the last time holds what a plain list holds of its ten buckets', () => {
  const length = fc.constantFrom(100, 250, 333, 1_000, 10_000);
  const beginning = fc.constantFrom(0, 5, 2 ** 31 - 3_000, 2 ** 32 - 3_000, 2 ** 30 * 100 - 2_000);
  fc.assert(
    fc.property(length, beginning, steps(length), (first, from, history) => {
      const memory = windowMemory();
      const window = new TimeWindow(memory, memory.offset, first);
      window.clear();
      let listed: Listed[] = [];
      let bucketMs = first / 10;
      let now = from;
      for (const step of history) {
        const newest = () => Math.floor(now / bucketMs);
        if (step.do === 'record') {
          window.record(now, step.failed, step.slow);
          listed.push({ bucket: newest(), failed: step.failed, slow: step.slow });
        } else if (step.do === 'wait') {
          now += step.ms;
        } else if (step.do === 'clear') {
          window.clear();
          listed = [];
        } else if (step.to / 10 !== bucketMs) {
          window.resize(step.to, now);
          const aged = listed.map((call) => ({ ...call, ageMs: (newest() - call.bucket) * bucketMs }));
          bucketMs = step.to / 10;
          listed = aged
            .filter(({ ageMs }) => ageMs < step.to)
            .map(({ ageMs, ...call }) => ({ ...call, bucket: Math.floor(Math.max(0, now - ageMs) / bucketMs) }));
        }
        listed = listed.filter(({ bucket }) => newest() - bucket < 10);
        expect(window.counts(now)).toEqual(tally(listed));
      }
      expect(memory.isWhole()).toBe(true);
    }),
    { numRuns: runs(3_000) },
  );
});
