import { describe, expect, test } from 'vitest';
import {
  closeBreakersAfterEach,
  deferred,
  ending,
  failTimes,
  hangs,
  makeBreaker,
  NO_RULE,
  Unwell,
} from '../breaker/support.ts';

closeBreakersAfterEach();

/**
 * opossum#381, Polly#216: the result of a call that began before the last transition is taken for news of now. It closes a
 * breaker whose dependency is still down, or opens one that has just recovered.
 */
describe('a stale result never decides', () => {
  const RULES = {
    trip: { ...NO_RULE, failures: 3, consecutive: 3 },
    cooldownMs: 1_000,
    halfOpen: { probes: 1, probeTimeoutMs: 500 },
  } as const;

  /** Calls that began while it was closed, in flight through an outage. */
  function begun(breaker: ReturnType<typeof makeBreaker>['breaker'], count: number) {
    const { promise, resolve, reject } = deferred();
    const calls = Array.from({ length: count }, () => ending(breaker.execute(() => promise)));
    return {
      async succeed() {
        resolve('late');
        await Promise.all(calls);
      },
      async fail() {
        reject(new Unwell('late'));
        await Promise.all(calls);
      },
    };
  }

  test('a hundred successes from before the outage do not close an open or half-open breaker', async () => {
    const { breaker, clock } = makeBreaker(RULES);
    const [first, second] = [begun(breaker, 100), begun(breaker, 100)];
    await failTimes(breaker, 3);
    await first.succeed();
    expect(breaker.state).toBe('open');
    await clock.advance(1_000);
    const probe = ending(breaker.execute(hangs));
    await second.succeed();
    expect(breaker.state).toBe('half_open');
    await clock.advance(500);
    await probe;
    expect(breaker.state).toBe('open');
    expect(breaker.stats().calls.success).toBe(200);
  });

  test('a hundred failures from before the outage do not open one that has recovered, nor fill its window', async () => {
    const { breaker, clock } = makeBreaker(RULES);
    const stale = begun(breaker, 100);
    await failTimes(breaker, 3);
    await clock.advance(1_000);
    await breaker.execute(() => 'well');
    expect(breaker.state).toBe('closed');
    await stale.fail();
    expect(breaker.state).toBe('closed');
    expect(breaker.exportState().window).toMatchObject({ executed: 0, failed: 0 });
    expect(breaker.stats().calls.failure).toBe(103);
    await failTimes(breaker, 2);
    expect(breaker.state).toBe('closed');
  });

  test('failures from before the outage do not fail the probe that is out', async () => {
    const { breaker, clock } = makeBreaker(RULES);
    const stale = begun(breaker, 100);
    await failTimes(breaker, 3);
    await clock.advance(1_000);
    const probe = deferred();
    const probing = breaker.execute(() => probe.promise);
    await stale.fail();
    probe.resolve('well');
    await probing;
    expect(breaker.state).toBe('closed');
  });

  test('a probe that comes back good after its deadline closes nothing', async () => {
    const { breaker, clock } = makeBreaker(RULES);
    breaker.trip();
    await clock.advance(1_000);
    const probe = deferred();
    const probing = ending(breaker.execute(() => probe.promise));
    await clock.advance(500);
    probe.resolve('too late');
    await probing;
    expect(breaker.state).toBe('open');
    await clock.advance(1_000);
    const next = ending(breaker.execute(hangs));
    expect(breaker.state).toBe('half_open');
    await clock.advance(500);
    await next;
  });

  test('calls that hang since before a reset do not count as slow after it', async () => {
    const trip = { ...NO_RULE, slowRatio: 0.5, slowMs: 100, minimumCalls: 5, countOverdue: true };
    const { breaker, clock } = makeBreaker({ ...RULES, trip });
    for (let call = 0; call < 50; call++) void breaker.execute(hangs);
    breaker.trip();
    breaker.reset();
    await clock.advance(100);
    expect(breaker.state).toBe('closed');
    expect(breaker.exportState().window).toMatchObject({ executed: 0, slow: 0 });
  });
});
