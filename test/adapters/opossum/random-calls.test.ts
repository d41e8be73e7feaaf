import { bridgeOpossum } from '@switchgear/adapters/opossum';
import { allReportedBreakers, type ReportedBreaker } from '@switchgear/breaker';
import fc from 'fast-check';
import type CircuitBreaker from 'opossum';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { runs } from '../../property/runs.ts';
import { ending } from '../../support/ending.ts';
import { makeOpossum, type Order } from './make-opossum.ts';

type Opossum = CircuitBreaker<[Order], unknown>;
type Step =
  | { readonly do: 'fire'; readonly order: Order; readonly times: number }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'open' | 'close' | 'enable' | 'disable' | 'fallback' };

/** So long that what opossum counts in its window is all that it ever counted. */
const FOREVER_MS = 1_000_000_000;

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('fire' as const),
      order: fc.constantFrom<Order>('well', 'fail', 'throw', 'hang', 'known'),
      times: fc.integer({ min: 1, max: 4 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(0, 50, 100, 1_000) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'open' as const,
        'close' as const,
        'enable' as const,
        'disable' as const,
        'fallback' as const,
      ),
    }),
  },
);
const sequence = fc.record({
  steps: fc.array(step, { maxLength: 30 }),
  capacity: fc.constantFrom(2, 100),
  volumeThreshold: fc.constantFrom(0, 3),
});

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('over random calls a bridge counts what opossum counts, and opossum does what it does without it', {
  timeout: 60_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(sequence, async ({ steps, ...options }) => {
      const making = { ...options, rollingCountTimeout: FOREVER_MS, enableSnapshots: false };
      const [bridged, bare] = [makeOpossum(making), makeOpossum(making)];
      const bridge = bridgeOpossum(bridged, { telemetry: 'off' });
      try {
        const answers: Promise<unknown>[][] = [[], []];
        const judged: Promise<unknown>[] = [];
        for (const next of steps) {
          act(bridged, next, judged, answers[0]!);
          act(bare, next, [], answers[1]!);
          await vi.advanceTimersByTimeAsync(next.do === 'wait' ? next.ms : 0);
          expect(bridge.state).toBe(stateOf(bridged));
          expect(bridge.stats().calls).toEqual(expected(bridge, bridged));
          expect(described(bridged)).toEqual(described(bare));
        }
        await vi.advanceTimersByTimeAsync(100);
        const [own, theirs] = await Promise.all(answers.map((each) => Promise.all(each)));
        expect(own).toEqual(theirs);
        expect(bridge.stats().calls).toEqual(expected(bridge, bridged));
        expect(bridge.stats().calls).toMatchObject(toldTo(await Promise.all(judged)));
      } finally {
        for (const each of allReportedBreakers()) await each.close();
        bridged.shutdown();
        bare.shutdown();
      }
    }),
    { numRuns: runs(100) },
  );
});

/** @param judged answers of calls that the breaker had to do with */
function act(breaker: Opossum, step: Step, judged: Promise<unknown>[], answers: Promise<unknown>[]): void {
  if (step.do === 'fire') {
    for (let call = 0; call < step.times; call++) {
      const { enabled } = breaker;
      // Nothing would end it.
      if (!enabled && step.order === 'hang') continue;
      // Disabled, it throws what its function throws.
      const answer = ending((async () => breaker.fire(step.order))());
      answers.push(answer);
      if (enabled) judged.push(answer);
    }
  } else if (step.do === 'fallback') breaker.fallback(() => 'stand-in');
  else if (step.do !== 'wait') breaker[step.do]();
}

/** The outcomes as they follow from what opossum has counted. */
function expected(bridge: ReportedBreaker, { stats }: Opossum): Record<string, number> {
  const { success, limited, rejected } = bridge.stats().calls;
  return {
    // Opossum knows what the filter let pass as successes, and what the fallback took as rejects.
    success,
    ignored: stats.successes - success,
    failure: stats.failures - stats.timeouts - stats.semaphoreRejections,
    timeout: stats.timeouts,
    cancelled: 0,
    limited,
    rejected,
    diverted: stats.rejects + stats.semaphoreRejections - limited - rejected,
  };
}

/** The outcomes that a caller can tell: a fallback hides the others. */
function toldTo(answers: readonly unknown[]): Record<string, number> {
  const count = (isOne: (answer: { message?: string; code?: string } | string) => boolean) =>
    answers.filter((answer) => isOne(answer as Error)).length;
  const byCode = (code: string) => count((answer) => typeof answer === 'object' && answer.code === code);
  return {
    success: count((answer) => answer === 'well'),
    ignored: count((answer) => typeof answer === 'object' && answer.message === 'known'),
    rejected: byCode('EOPENBREAKER'),
    limited: byCode('ESEMLOCKED'),
  };
}

function stateOf(breaker: Opossum): string {
  if (!breaker.enabled) return 'disabled';
  if (breaker.opened) return 'open';
  return breaker.halfOpen ? 'half_open' : 'closed';
}

/** All that opossum says of itself. */
function described(breaker: Opossum): unknown {
  const { state, status } = breaker.toJSON();
  return { state, status };
}
