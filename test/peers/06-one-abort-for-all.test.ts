import { getEventListeners } from 'node:events';
import { describe, expect, test } from 'vitest';
import { type CallContext, CallTimeoutError } from '../../src/breaker/index.ts';
import { closeBreakersAfterEach, deferred, ending, fails, hangs, makeBreaker, NO_RULE } from '../breaker/support.ts';

closeBreakersAfterEach();

const CALLS = 10_000;

/**
 * opossum#780: one controller for all calls of a breaker, so that one timeout aborts them all. cockatiel#101 and node#54614:
 * a listener on the caller's signal for each call that ever was, on a signal that lives as long as the process does.
 */
describe('aborting', () => {
  const RULES = { trip: { ...NO_RULE, failures: 1_000_000 }, timeoutMs: 50 } as const;
  const listeners = (signal: AbortSignal) => getEventListeners(signal, 'abort').length;

  test('ten thousand calls, one after the other, leave nothing on a signal that outlives them', async () => {
    const { breaker } = makeBreaker(RULES);
    const { signal } = new AbortController();
    let most = 0;
    for (let call = 0; call < CALLS; call++) {
      await ending(breaker.execute(call % 3 === 0 ? fails : async () => 'good', { signal }));
      most = Math.max(most, listeners(signal));
    }
    expect(most).toBe(0);
    expect(breaker.stats().calls).toMatchObject({ success: 6_666, failure: 3_334 });
  });

  test('ten thousand calls at a time leave nothing, whether they end by answer, timeout or refusal', async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => warnings.push(warning);
    process.on('warning', onWarning);
    const { breaker, clock } = makeBreaker(RULES);
    const { signal } = new AbortController();
    const answer = deferred();
    const calls = Array.from({ length: CALLS }, (_, call) =>
      ending(breaker.execute(() => (call % 2 === 0 ? answer.promise : hangs()), { signal })),
    );
    expect(listeners(signal)).toBe(1);
    answer.resolve('answer');
    await clock.advance(49);
    expect(listeners(signal)).toBe(1);
    await clock.advance(1);
    await Promise.all(calls);
    breaker.trip();
    await Promise.all(Array.from({ length: CALLS }, () => ending(breaker.execute(hangs, { signal }))));
    expect(listeners(signal)).toBe(0);
    process.off('warning', onWarning);
    expect(warnings).toEqual([]);
    expect(breaker.stats().calls).toMatchObject({
      success: CALLS / 2,
      timeout: CALLS / 2,
      rejected: CALLS,
    });
  });

  test('the timeout of one call aborts that one alone', async () => {
    const { breaker, clock } = makeBreaker(RULES);
    const signals: AbortSignal[] = [];
    const answer = deferred();
    const call = ({ signal }: CallContext) => {
      signals.push(signal);
      return answer.promise;
    };
    const first = ending(breaker.execute(call));
    await clock.advance(49);
    const others = Array.from({ length: 100 }, () => breaker.execute(call));
    await clock.advance(1);
    expect(await first).toBeInstanceOf(CallTimeoutError);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, ...Array(100).fill(false)]);
    answer.resolve('well');
    expect(new Set(await Promise.all(others))).toEqual(new Set(['well']));
  });

  test('a trip aborts no call that was let through before', async () => {
    const { breaker } = makeBreaker(RULES);
    const answer = deferred();
    const calls = Array.from({ length: 100 }, () => breaker.execute(() => answer.promise));
    breaker.trip();
    answer.resolve('well');
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['well']));
  });

  test('a signal that all share cancels all of them, each once', async () => {
    const { breaker } = makeBreaker(RULES);
    const caller = new AbortController();
    const calls = Array.from({ length: 1_000 }, () => ending(breaker.execute(hangs, { signal: caller.signal })));
    caller.abort('shutting down');
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['shutting down']));
    expect(breaker.stats().calls.cancelled).toBe(1_000);
    expect(listeners(caller.signal)).toBe(0);
  });
});
