import { bridgeCockatiel } from '@switchgear/adapters/cockatiel';
import { allReportedBreakers } from '@switchgear/breaker';
import { type CircuitBreakerPolicy, CircuitState, CountBreaker, circuitBreaker, handleType } from 'cockatiel';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { runs } from '../../property/runs.ts';

class Unwell extends Error {}

type Order = 'well' | 'fail' | 'throw' | 'known' | 'late';
type Step =
  | { readonly do: 'execute'; readonly order: Order; readonly times: number }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'isolate' | 'dispose' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('execute' as const),
      order: fc.constantFrom<Order>('well', 'fail', 'throw', 'known', 'late'),
      times: fc.integer({ min: 1, max: 4 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(0, 50, 100, 1_000) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('isolate' as const, 'dispose' as const) }) },
);
const sequence = fc.record({ steps: fc.array(step, { maxLength: 30 }), probes: fc.constantFrom(1, 3) });
const STATES = {
  [CircuitState.Closed]: 'closed',
  [CircuitState.Open]: 'open',
  [CircuitState.HalfOpen]: 'half_open',
  [CircuitState.Isolated]: 'forced_open',
} as const;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('over random calls a bridge counts what callers got, and cockatiel does what it does without it', async () => {
  await fc.assert(
    fc.asyncProperty(sequence, async ({ steps, probes }) => {
      const [bridged, bare] = [new Caller(probes), new Caller(probes)];
      const bridge = bridgeCockatiel(bridged.policy, { name: 'stock', telemetry: 'off' });
      try {
        for (const next of steps) {
          bridged.act(next);
          bare.act(next);
          await vi.advanceTimersByTimeAsync(next.do === 'wait' ? next.ms : 0);
          expect(bridge.state).toBe(STATES[bridged.policy.state]);
          expect(bridged.policy.toJSON()).toEqual(bare.policy.toJSON());
          expect(bridged.answers).toEqual(bare.answers);
        }
        bridged.letGo();
        await vi.advanceTimersByTimeAsync(5_000);
        expect(bridge.stats().calls).toEqual({
          ...{ timeout: 0, cancelled: 0, limited: 0, diverted: 0 },
          success: bridged.count('well'),
          failure: bridged.count('fail'),
          ignored: bridged.count('known'),
          rejected: bridged.count('broken'),
        });
      } finally {
        for (const each of allReportedBreakers()) await each.close();
      }
    }),
    { numRuns: runs(100) },
  );
});

/** A policy and what its callers got. */
class Caller {
  readonly answers: string[] = [];
  readonly policy: CircuitBreakerPolicy;
  readonly #handles: { dispose(): void }[] = [];

  constructor(probes: number) {
    const breaker = new CountBreaker({ threshold: 0.5, size: 4, minimumNumberOfCalls: 2 });
    const halfOpenSampling = { calls: probes, threshold: 0 };
    this.policy = circuitBreaker(handleType(Unwell), { halfOpenAfter: 1_000, breaker, halfOpenSampling });
  }

  act(step: Step): void {
    if (step.do === 'execute') for (let call = 0; call < step.times; call++) void this.#execute(step.order);
    else if (step.do === 'isolate') this.#handles.push(this.policy.isolate());
    else if (step.do === 'dispose') this.#handles.pop()?.dispose();
  }

  letGo(): void {
    for (const handle of this.#handles.splice(0)) handle.dispose();
  }

  count(answer: string): number {
    return this.answers.filter((each) => each === answer).length;
  }

  async #execute(order: Order): Promise<void> {
    try {
      this.answers.push(await this.policy.execute(() => answerTo(order)));
    } catch (error) {
      this.answers.push(error instanceof Unwell ? 'fail' : error instanceof TypeError ? 'known' : 'broken');
    }
  }
}

function answerTo(order: Order): Promise<string> {
  if (order === 'throw') throw new Unwell();
  if (order === 'fail') return Promise.reject(new Unwell());
  if (order === 'known') return Promise.reject(new TypeError());
  return new Promise((resolve) => {
    if (order === 'late') setTimeout(() => resolve('well'), 80);
    else resolve('well');
  });
}
