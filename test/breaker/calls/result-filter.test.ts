import { describe, expect, test } from 'vitest';
import { type BreakerOptions, fallbackWire } from '../../../src/breaker/index.ts';
import { closeBreakersAfterEach, ending, fails, makeBreaker, NO_RULE } from '../support.ts';

closeBreakersAfterEach();

interface Response {
  readonly status: number;
}

const isFailureResult = (result: unknown) => (result as Response).status >= 500;
const FILTERED = { trip: { ...NO_RULE, failures: 3 }, isFailureResult } as const satisfies BreakerOptions;
const BAD: Response = { status: 503 };

describe('the result filter', () => {
  test('makes a bad result a failure, and its caller has the very result all the same', async () => {
    const { breaker, observer } = makeBreaker(FILTERED);
    expect(await breaker.execute(() => BAD)).toBe(BAD);
    expect(await breaker.execute(async () => BAD)).toBe(BAD);
    expect(breaker.executeSync(() => BAD)).toBe(BAD);
    expect(breaker.stats().calls).toMatchObject({ failure: 3, success: 0 });
    expect(observer.of('failed')).toMatchObject(
      [false, false, true].map((tripped) => ({ outcome: 'failure', error: undefined, tripped })),
    );
    expect(breaker.state).toBe('open');
  });

  test('lets good results be', async () => {
    const { breaker } = makeBreaker(FILTERED);
    for (let call = 0; call < 5; call++) await breaker.execute(() => ({ status: 404 }));
    expect(breaker.stats().calls).toMatchObject({ failure: 0, success: 5 });
  });

  test('the call that trips by its result is diverted like one that threw', async () => {
    const errors: unknown[] = [];
    const wire = fallbackWire(({ error }) => {
      errors.push(error);
      return 'stale';
    });
    const { breaker } = makeBreaker({ ...FILTERED, neutralWires: [wire] });
    expect(await breaker.execute(() => BAD)).toBe(BAD);
    expect(await breaker.execute(() => BAD)).toBe(BAD);
    expect(await breaker.execute(() => BAD)).toBe('stale');
    expect(errors).toEqual([undefined]);
  });

  test('where no wire takes the tripping call, its caller has the result', async () => {
    const trip = { ...NO_RULE, failures: 1 };
    const { breaker } = makeBreaker({ ...FILTERED, trip, neutralWires: [fallbackWire(fails)] });
    expect(await breaker.execute(() => BAD)).toBe(BAD);
    expect(breaker.state).toBe('open');
    breaker.reset();
    expect(breaker.executeSync(() => BAD)).toBe(BAD);
    expect(breaker.state).toBe('open');
  });

  test('a bad result of a probe opens the breaker again', async () => {
    const { breaker, clock } = makeBreaker({ ...FILTERED, cooldownMs: 1_000, halfOpen: { probes: 1 } });
    breaker.trip();
    await clock.advance(1_000);
    expect(await breaker.execute(() => BAD)).toBe(BAD);
    expect(breaker.state).toBe('open');
  });

  test('that throws makes the call a failure, and its caller still has the result', async () => {
    const { breaker } = makeBreaker({
      ...FILTERED,
      isFailureResult: () => {
        throw new Error('the filter itself');
      },
    });
    expect(await breaker.execute(() => 'good')).toBe('good');
    expect(breaker.executeSync(() => 'good')).toBe('good');
    expect(breaker.stats().calls).toMatchObject({ failure: 2, success: 0 });
  });

  test('is not asked about errors, and the error filter not about results', async () => {
    const asked: unknown[] = [];
    const { breaker } = makeBreaker({
      trip: { ...NO_RULE, failures: 100 },
      isFailure: (error) => {
        asked.push(['error', (error as Error).name]);
        return true;
      },
      isFailureResult: (result) => {
        asked.push(['result', result]);
        return false;
      },
    });
    await ending(breaker.execute(fails));
    await breaker.execute(() => 'good');
    expect(asked).toEqual([
      ['error', 'Unwell'],
      ['result', 'good'],
    ]);
  });
});
