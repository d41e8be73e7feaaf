import { describe, expect, test } from 'vitest';
import { BreakerOpenError, CallTimeoutError } from '../../src/breaker/index.ts';
import { closeBreakersAfterEach, ending, hangs, makeBreaker, NO_RULE } from '../breaker/support.ts';

closeBreakersAfterEach();

/**
 * opossum#388, resilience4j#544 and #1389, Polly#1979: a breaker that waits for its probe to end stays half-open for as
 * long as that hangs, and refuses everybody meanwhile. No call here has a timeout of its own, and no caller gives up.
 */
describe('half-open is never wedged', () => {
  const RULES = {
    trip: { ...NO_RULE, failures: 1 },
    timeoutMs: null,
    cooldownMs: 1_000,
    halfOpen: { probes: 3, probeTimeoutMs: 500 },
  } as const;

  test('by a dependency that hangs through a hundred cooldowns: it closes as soon as that answers', async () => {
    const { breaker, clock } = makeBreaker(RULES);
    let isHanging = true;
    const call = () => breaker.execute(() => (isHanging ? hangs() : 'well'));
    breaker.trip();
    const given: Promise<unknown>[] = [];
    for (let cooldown = 0; cooldown < 100; cooldown++) {
      await clock.advance(1_000);
      for (let caller = 0; caller < 10; caller++) given.push(ending(call()));
      expect(breaker.state).toBe('half_open');
      await clock.advance(500);
      expect(breaker.state).toBe('open');
    }
    // Every caller has an answer: three of ten were probes, the others were refused at once.
    const errors = await Promise.all(given);
    expect(errors.filter((error) => error instanceof CallTimeoutError)).toHaveLength(300);
    expect(errors.filter((error) => error instanceof BreakerOpenError)).toHaveLength(700);

    isHanging = false;
    await clock.advance(1_000);
    for (let probe = 0; probe < 3; probe++) expect(await call()).toBe('well');
    expect(breaker.state).toBe('closed');
  });

  test('by one hung probe beside good ones', async () => {
    const { breaker, clock } = makeBreaker(RULES);
    breaker.trip();
    await clock.advance(1_000);
    void ending(breaker.execute(hangs));
    await breaker.execute(() => 'well');
    await breaker.execute(() => 'well');
    expect(await ending(breaker.execute(() => 'one too many'))).toMatchObject({ retryAfterMs: 500 });
    await clock.advance(500);
    expect(breaker.state).toBe('open');
  });

  test('by probes that end without a verdict: cancelled, ignored, or given back by hand', async () => {
    const { breaker, clock } = makeBreaker({ ...RULES, isFailure: (error) => !(error instanceof TypeError) });
    breaker.trip();
    await clock.advance(1_000);
    for (let round = 0; round < 50; round++) {
      await ending(breaker.execute(hangs, { signal: AbortSignal.abort() }));
      await ending(breaker.execute(() => Promise.reject(new TypeError('bad input'))));
      breaker.acquire()?.release();
    }
    expect(breaker.state).toBe('half_open');
    for (let probe = 0; probe < 3; probe++) await breaker.execute(() => 'well');
    expect(breaker.state).toBe('closed');
  });

  test('by a permit by hand that is never given back', async () => {
    const { breaker, clock } = makeBreaker({ ...RULES, halfOpen: { probes: 1, probeTimeoutMs: 500 } });
    breaker.trip();
    await clock.advance(1_000);
    expect(breaker.acquire()).toBeDefined();
    await clock.advance(500);
    expect(breaker.state).toBe('open');
    await clock.advance(1_000);
    expect(await breaker.execute(() => 'well')).toBe('well');
    expect(breaker.state).toBe('closed');
  });
});
