import { describe, expect, test } from 'vitest';
import {
  closeBreakersAfterEach,
  ending,
  fails,
  failTimes,
  hangs,
  makeBreaker,
  NO_RULE,
  succeedTimes,
} from './support.ts';

closeBreakersAfterEach();

/** The reasons of all transitions that an observer heard of. */
function reasons(observer: ReturnType<typeof makeBreaker>['observer']): string[] {
  return observer.of<{ reason: string }>('transitioned').map(({ reason }) => reason);
}

describe('a count of failures', () => {
  test('trips at the failure that reaches it, good calls between or not', async () => {
    const { breaker, observer } = makeBreaker({ trip: { ...NO_RULE, failures: 3 } });
    for (let round = 0; round < 2; round++) {
      await failTimes(breaker, 1);
      await succeedTimes(breaker, 50);
    }
    expect(breaker.state).toBe('closed');
    await failTimes(breaker, 1);
    expect(breaker.state).toBe('open');
    expect(reasons(observer)).toEqual(['threshold']);
  });

  test('of one trips at the first failure', async () => {
    const { breaker } = makeBreaker({ trip: { ...NO_RULE, failures: 1 } });
    await failTimes(breaker, 1);
    expect(breaker.state).toBe('open');
  });

  test('forgets what is older than the window, failure by failure', async () => {
    const { breaker, clock } = makeBreaker({ trip: { ...NO_RULE, failures: 3, windowMs: 1_000 } });
    // A failure every 600 ms: never three of them within a second.
    for (let failure = 0; failure < 20; failure++) {
      await failTimes(breaker, 1);
      await clock.advance(600);
    }
    expect(breaker.state).toBe('closed');
    await failTimes(breaker, 2);
    expect(breaker.state).toBe('open');
  });
});

describe('failures in a row', () => {
  test('trip however far apart they are', async () => {
    const { breaker, clock, observer } = makeBreaker({ trip: { ...NO_RULE, consecutive: 3, windowMs: 1_000 } });
    for (let failure = 0; failure < 3; failure++) {
      expect(breaker.state).toBe('closed');
      await failTimes(breaker, 1);
      await clock.advance(3_600_000);
    }
    expect(breaker.state).toBe('open');
    expect(reasons(observer)).toEqual(['consecutive']);
  });

  test('begin again after a good call', async () => {
    const { breaker } = makeBreaker({ trip: { ...NO_RULE, consecutive: 3 } });
    for (let round = 0; round < 10; round++) {
      await failTimes(breaker, 2);
      await succeedTimes(breaker, 1);
    }
    expect(breaker.state).toBe('closed');
    await failTimes(breaker, 3);
    expect(breaker.state).toBe('open');
  });

  test('take timeouts in, and calls that decide nothing neither lengthen nor end the row', async () => {
    const { breaker, clock } = makeBreaker({
      trip: { ...NO_RULE, consecutive: 3 },
      timeoutMs: 50,
      isFailure: (error) => !(error instanceof TypeError),
    });
    await failTimes(breaker, 1);
    const timedOut = ending(breaker.execute(hangs));
    await clock.advance(50);
    await timedOut;
    await ending(breaker.execute(() => Promise.reject(new TypeError('bad input'))));
    await ending(breaker.execute(hangs, { signal: AbortSignal.abort() }));
    expect(breaker.state).toBe('closed');
    await failTimes(breaker, 1);
    expect(breaker.state).toBe('open');
  });
});

describe('a share of failures', () => {
  test('is judged only from the least number of calls on', async () => {
    const { breaker, observer } = makeBreaker({ trip: { ...NO_RULE, failureRatio: 0.25, minimumCalls: 8 } });
    await failTimes(breaker, 7);
    expect(breaker.state).toBe('closed');
    await failTimes(breaker, 1);
    expect(breaker.state).toBe('open');
    expect(reasons(observer)).toEqual(['threshold']);
  });

  test('trips at its very value, and by a failure only', async () => {
    const { breaker } = makeBreaker({ trip: { ...NO_RULE, failureRatio: 0.5, minimumCalls: 4 } });
    await failTimes(breaker, 3);
    // The fourth call makes three of four: but it is a good one.
    await succeedTimes(breaker, 3);
    expect(breaker.state).toBe('closed');
    await succeedTimes(breaker, 1);
    expect(breaker.state).toBe('closed');
    await failTimes(breaker, 1);
    expect(breaker.state).toBe('open');
  });

  test('counts no call that was refused, ignored or cancelled', async () => {
    const { breaker } = makeBreaker({
      trip: { ...NO_RULE, failureRatio: 0.5, minimumCalls: 4 },
      maxConcurrent: 1,
      isFailure: (error) => !(error instanceof TypeError),
    });
    for (let call = 0; call < 10; call++) {
      await ending(breaker.execute(() => Promise.reject(new TypeError('bad input'))));
      await ending(breaker.execute(hangs, { signal: AbortSignal.abort() }));
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    const busy = breaker.execute(() => promise);
    for (let call = 0; call < 10; call++) await ending(breaker.execute(() => 'one too many'));
    resolve();
    await busy;
    expect(breaker.exportState().window).toEqual({ executed: 1, failed: 0, slow: 0, consecutive: 0 });
  });
});

describe('several rules together', () => {
  test('the first that is met trips', async () => {
    const { breaker, observer } = makeBreaker({
      trip: { ...NO_RULE, failures: 10, consecutive: 3, failureRatio: 0.5, minimumCalls: 6 },
    });
    await failTimes(breaker, 3);
    breaker.reset();
    for (let round = 0; round < 3; round++) {
      await succeedTimes(breaker, 1);
      await failTimes(breaker, 1);
    }
    expect(reasons(observer)).toEqual(['consecutive', 'operator', 'threshold']);
  });

  test('where one call meets several, the count of failures names the trip', async () => {
    const { breaker, observer } = makeBreaker({ trip: { ...NO_RULE, failures: 2, consecutive: 2 } });
    await failTimes(breaker, 2);
    expect(reasons(observer)).toEqual(['threshold']);
  });
});

describe('a window of so many calls', () => {
  test('holds the last ones, whatever their age', async () => {
    const { breaker, clock } = makeBreaker({ trip: { ...NO_RULE, windowCalls: 4, failures: 3 } });
    await failTimes(breaker, 2);
    await clock.advance(86_400_000);
    expect(breaker.exportState().window).toMatchObject({ executed: 2, failed: 2 });
    await failTimes(breaker, 1);
    expect(breaker.state).toBe('open');
  });

  test('forgets a call when a new one takes its place', async () => {
    const { breaker } = makeBreaker({ trip: { ...NO_RULE, windowCalls: 4, failures: 3 } });
    await failTimes(breaker, 2);
    await succeedTimes(breaker, 3);
    expect(breaker.exportState().window).toMatchObject({ executed: 4, failed: 1 });
    await failTimes(breaker, 1);
    // The second of the first two is pushed out by this one.
    await failTimes(breaker, 1);
    expect(breaker.state).toBe('closed');
    await failTimes(breaker, 1);
    expect(breaker.state).toBe('open');
  });

  test('never asks for more calls than it can hold', async () => {
    const { breaker } = makeBreaker({ trip: { ...NO_RULE, windowCalls: 5, failureRatio: 0.6, minimumCalls: 20 } });
    await failTimes(breaker, 4);
    expect(breaker.state).toBe('closed');
    await failTimes(breaker, 1);
    expect(breaker.state).toBe('open');
  });

  test('of a thousand calls judges every one of them', async () => {
    const { breaker } = makeBreaker({
      trip: { ...NO_RULE, windowCalls: 1_000, failureRatio: 0.5, minimumCalls: 1_000 },
    });
    await succeedTimes(breaker, 750);
    await failTimes(breaker, 499);
    expect(breaker.exportState().window).toMatchObject({ executed: 1_000, failed: 499 });
    expect(breaker.state).toBe('closed');
    await failTimes(breaker, 1);
    expect(breaker.state).toBe('open');
  });

  test('is empty after a reset', async () => {
    const { breaker } = makeBreaker({ trip: { ...NO_RULE, windowCalls: 4, failures: 2 } });
    await failTimes(breaker, 2);
    breaker.reset();
    await failTimes(breaker, 1);
    expect(breaker.state).toBe('closed');
  });
});

describe('debounced failures', () => {
  test('a burst of failures counts once, in calls and failures alike', async () => {
    const { breaker, observer } = makeBreaker({ trip: { ...NO_RULE, failures: 2, debounceMs: 100 } });
    const heard: unknown[] = [];
    breaker.onFailure(({ error }) => heard.push(error));
    await failTimes(breaker, 10);
    expect(breaker.state).toBe('closed');
    expect(breaker.exportState().window).toMatchObject({ executed: 1, failed: 1, slow: 0 });
    // What was not judged was told and counted all the same.
    expect(breaker.stats().calls.failure).toBe(10);
    expect(heard).toHaveLength(10);
    expect(observer.of<{ counted: boolean }>('failed').map(({ counted }) => counted)).toEqual([
      true,
      ...Array(9).fill(false),
    ]);
  });

  test('the time runs from the last one that was judged, not from the last one', async () => {
    const { breaker, clock } = makeBreaker({ trip: { ...NO_RULE, failures: 3, debounceMs: 100 } });
    for (const at of [0, 60, 120, 180]) {
      await clock.advance(at - clock.monotonicMs());
      await failTimes(breaker, 1);
    }
    expect(breaker.exportState().window.failed).toBe(2);
    await clock.advance(40);
    await failTimes(breaker, 1);
    expect(breaker.state).toBe('open');
  });

  test('good calls meanwhile are judged', async () => {
    const { breaker } = makeBreaker({ trip: { ...NO_RULE, consecutive: 2, debounceMs: 100 } });
    await failTimes(breaker, 5);
    await succeedTimes(breaker, 3);
    expect(breaker.exportState().window).toEqual({ executed: 4, failed: 1, slow: 0, consecutive: 0 });
  });

  test('a failure right after a reset is judged', async () => {
    const { breaker } = makeBreaker({ trip: { ...NO_RULE, failures: 1, debounceMs: 10_000 } });
    await failTimes(breaker, 1);
    breaker.reset();
    await failTimes(breaker, 1);
    expect(breaker.state).toBe('open');
  });

  test('a probe is judged however soon it comes', async () => {
    const { breaker, clock } = makeBreaker({
      trip: { ...NO_RULE, failures: 1, debounceMs: 60_000 },
      cooldownMs: 100,
      halfOpen: { probes: 1 },
    });
    await failTimes(breaker, 1);
    await clock.advance(100);
    expect(await ending(breaker.execute(fails))).toMatchObject({ name: 'Unwell' });
    expect(breaker.state).toBe('open');
  });
});
