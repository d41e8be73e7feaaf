import { describe, expect, test } from 'vitest';
import { fallbackWire } from '../../src/breaker/index.ts';
import {
  closeBreakersAfterEach,
  ending,
  failTimes,
  hangs,
  makeBreaker,
  NO_RULE,
  succeedTimes,
} from '../breaker/support.ts';

closeBreakersAfterEach();

/**
 * opossum#540 and #564: answers out of a cache counted as good calls, refused calls as failures, and filtered errors as one or
 * the other, so that the ratio spoke of the breaker and not of the dependency.
 */
describe('only calls that reached the dependency and tell of it are judged', () => {
  const RULES = {
    trip: { ...NO_RULE, failureRatio: 0.5, minimumCalls: 10 },
    cooldownMs: 1_000,
    halfOpen: { probes: 1 },
  } as const;

  test('a thousand refusals while open neither keep it open nor follow it into the next window', async () => {
    const { breaker, clock } = makeBreaker(RULES);
    await failTimes(breaker, 10);
    await failTimes(breaker, 1_000);
    expect(breaker.stats().calls).toMatchObject({ failure: 10, rejected: 1_000 });
    expect(breaker.exportState().window).toMatchObject({ executed: 10, failed: 10 });
    await clock.advance(1_000);
    await succeedTimes(breaker, 1);
    expect(breaker.state).toBe('closed');
    expect(breaker.exportState().window.executed).toBe(0);
  });

  test('a thousand answers of a wire make no dependency look well', async () => {
    const { breaker, clock } = makeBreaker({ ...RULES, neutralWires: [fallbackWire(() => 'cached')] });
    await failTimes(breaker, 10);
    for (let call = 0; call < 1_000; call++) expect(await breaker.execute(() => 'fresh')).toBe('cached');
    expect(breaker.stats().calls).toMatchObject({ success: 0, failure: 10, diverted: 1_000 });
    await clock.advance(1_000);
    await failTimes(breaker, 1);
    expect(breaker.state).toBe('open');
  });

  test('errors that the filter lets pass neither raise the ratio nor thin it out', async () => {
    const { breaker } = makeBreaker({ ...RULES, isFailure: (error) => !(error instanceof TypeError) });
    const ignored = () => ending(breaker.execute(() => Promise.reject(new TypeError('bad input'))));
    for (let call = 0; call < 1_000; call++) await ignored();
    expect(breaker.state).toBe('closed');
    await succeedTimes(breaker, 5);
    await failTimes(breaker, 4);
    for (let call = 0; call < 1_000; call++) await ignored();
    expect(breaker.exportState().window).toMatchObject({ executed: 9, failed: 4 });
    await failTimes(breaker, 1);
    expect(breaker.state).toBe('open');
  });

  test('nor do calls that their callers gave up, or that the concurrency limit refused', async () => {
    const { breaker } = makeBreaker({ ...RULES, maxConcurrent: 1 });
    for (let call = 0; call < 1_000; call++) await ending(breaker.execute(hangs, { signal: AbortSignal.abort() }));
    const permit = breaker.acquire();
    for (let call = 0; call < 1_000; call++) await ending(breaker.execute(() => 'good'));
    permit?.release();
    expect(breaker.exportState().window.executed).toBe(0);
    expect(breaker.stats().calls).toMatchObject({ cancelled: 1_001, limited: 1_000, success: 0, failure: 0 });
  });

  test('the answer that a wire gives to the tripping call leaves that call a failure', async () => {
    const { breaker } = makeBreaker({
      ...RULES,
      trip: { ...NO_RULE, failures: 1 },
      neutralWires: [fallbackWire(() => 'cached')],
    });
    await failTimes(breaker, 1);
    expect(breaker.stats().calls).toMatchObject({ success: 0, failure: 1, diverted: 0 });
  });
});
