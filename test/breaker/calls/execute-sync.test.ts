import { describe, expect, expectTypeOf, test } from 'vitest';
import {
  BreakerClosedDownError,
  BreakerOpenError,
  type BreakerOptions,
  bufferWire,
  fallbackWire,
} from '../../../src/breaker/index.ts';
import { closeBreakersAfterEach, fails, makeBreaker, NO_RULE, Unwell } from '../support.ts';

closeBreakersAfterEach();

const SYNC = {
  trip: { ...NO_RULE, failures: 2 },
  cooldownMs: 1_000,
  halfOpen: { probes: 1 },
} as const satisfies BreakerOptions;

describe('a synchronous call', () => {
  test('answers at once what its function answers, with a context', () => {
    const { breaker } = makeBreaker(SYNC);
    expect(breaker.executeSync(({ attempt, signal }) => [attempt, signal.aborted])).toEqual([1, false]);
    const typed = () => breaker.executeSync(() => 1);
    expectTypeOf(typed).returns.toEqualTypeOf<number>();
    expect(breaker.stats().calls.success).toBe(1);
  });

  test('throws what its function throws, as the very same error', () => {
    const { breaker } = makeBreaker(SYNC);
    const error = new Unwell('one');
    const thrown = () =>
      breaker.executeSync(() => {
        throw error;
      });
    expect(thrown).toThrow(error);
    expect(breaker.stats().calls.failure).toBe(1);
  });

  test('trips, is refused while open, probes and closes', async () => {
    const { breaker, clock } = makeBreaker(SYNC);
    for (let call = 0; call < 2; call++) expect(() => breaker.executeSync(fails)).toThrow(Unwell);
    expect(breaker.state).toBe('open');
    let ran = false;
    expect(() => breaker.executeSync(() => (ran = true))).toThrow(BreakerOpenError);
    expect(ran).toBe(false);
    expect(breaker.stats().calls.rejected).toBe(1);
    await clock.advance(1_000);
    expect(breaker.executeSync(() => 'probe')).toBe('probe');
    expect(breaker.state).toBe('closed');
  });

  test('an error the breaker ignores is thrown and never judged', () => {
    const { breaker } = makeBreaker({ ...SYNC, isFailure: (error) => error instanceof Unwell });
    for (let call = 0; call < 5; call++) {
      expect(() =>
        breaker.executeSync(() => {
          throw new TypeError('bad input');
        }),
      ).toThrow(TypeError);
    }
    expect(breaker.state).toBe('closed');
    expect(breaker.stats().calls.ignored).toBe(5);
  });

  test('has the answer of a wire that answers at once, the tripping call as well', () => {
    const seen: unknown[] = [];
    const wire = fallbackWire(({ input, key, error }) => {
      seen.push([input, key, (error as Error | undefined)?.name]);
      return 'stale';
    });
    const { breaker } = makeBreaker({ ...SYNC, neutralWires: [wire] });
    expect(() => breaker.executeSync(fails)).toThrow(Unwell);
    expect(breaker.executeSync(fails, { input: 7, key: 'ada' })).toBe('stale');
    expect(breaker.executeSync(() => 'fresh')).toBe('stale');
    const typed = () => breaker.executeSync(() => 1);
    expectTypeOf(typed).returns.toEqualTypeOf<number | string>();
    expect(seen).toEqual([
      [7, 'ada', 'Unwell'],
      [undefined, undefined, undefined],
    ]);
    expect(breaker.stats().calls).toMatchObject({ failure: 2, diverted: 1, rejected: 0 });
  });

  test('passes over a wire that answers later, and one that cannot replay it, for one that can', () => {
    const { breaker } = makeBreaker({
      ...SYNC,
      neutralWires: [
        fallbackWire(async () => 'too late', { name: 'later' }),
        bufferWire(),
        fallbackWire(() => 'now', { name: 'at once' }),
      ],
    });
    breaker.trip();
    expect(breaker.executeSync(() => 'fresh')).toBe('now');
    expect(breaker.stats().wires.map(({ served, failed, depth }) => [served, failed, depth])).toEqual([
      [0, 0, 0],
      [0, 0, 0],
      [1, 0, 0],
    ]);
  });

  test('a wire that is passed over because it answers later may reject later, in silence', async () => {
    const unhandled: unknown[] = [];
    const onUnhandled = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', onUnhandled);
    const { breaker, clock } = makeBreaker({ ...SYNC, neutralWires: [fallbackWire(async () => fails())] });
    breaker.trip();
    expect(() => breaker.executeSync(() => 'fresh')).toThrow(BreakerOpenError);
    await clock.advance(1);
    process.off('unhandledRejection', onUnhandled);
    expect(unhandled).toEqual([]);
  });

  test('is refused for good once the breaker is closed down', async () => {
    const { breaker } = makeBreaker(SYNC);
    await breaker.close();
    expect(() => breaker.executeSync(() => 1)).toThrow(BreakerClosedDownError);
  });
});
