import { describe, expect, test } from 'vitest';
import { BreakerOpenError, type BreakerOptions } from '../../../src/breaker/index.ts';
import { closeBreakersAfterEach, ending, makeBreaker, NO_RULE, Unwell } from '../support.ts';

closeBreakersAfterEach();

const BY_HAND = {
  trip: { ...NO_RULE, failures: 2 },
  cooldownMs: 1_000,
  halfOpen: { probes: 1, probeTimeoutMs: 500 },
} as const satisfies BreakerOptions;

const unwell = new Unwell('unwell');

describe('a permit', () => {
  test('tells of its call once: what comes later does nothing', () => {
    const { breaker } = makeBreaker(BY_HAND);
    const permit = breaker.acquire();
    permit?.recordSuccess();
    permit?.recordError(unwell);
    permit?.recordError(unwell);
    permit?.recordSuccess();
    permit?.release();
    expect(breaker.stats().calls).toMatchObject({ success: 1, failure: 0, cancelled: 0 });
    expect(breaker.exportState().window).toMatchObject({ executed: 1, failed: 0 });
  });

  test('given back unused decides nothing and counts as cancelled', () => {
    const { breaker } = makeBreaker(BY_HAND);
    breaker.acquire()?.release();
    expect(breaker.stats().calls).toMatchObject({ cancelled: 1 });
    expect(breaker.exportState().window.executed).toBe(0);
  });

  test('measures its call', async () => {
    const { breaker, clock, observer } = makeBreaker(BY_HAND);
    const permit = breaker.acquire();
    await clock.advance(70);
    permit?.recordError(unwell);
    expect(observer.of('failed')).toMatchObject([{ error: unwell, tripped: false, counted: true }]);
    expect(observer.of('timed')).toEqual([{ outcome: 'failure', durationMs: 70 }]);
  });

  test('is told by the error filter which errors count', () => {
    const { breaker } = makeBreaker({ ...BY_HAND, isFailure: (error) => error instanceof Unwell });
    for (let call = 0; call < 5; call++) breaker.acquire()?.recordError(new TypeError('bad input'));
    expect(breaker.state).toBe('closed');
    expect(breaker.stats().calls.ignored).toBe(5);
    breaker.acquire()?.recordError(unwell);
    breaker.acquire()?.recordError(unwell);
    expect(breaker.state).toBe('open');
  });

  test('is not to be had while open, which counts as rejected', async () => {
    const { breaker, clock } = makeBreaker(BY_HAND);
    const heard: string[] = [];
    breaker.onTurnedAway(({ outcome }) => heard.push(outcome));
    breaker.trip();
    expect(breaker.acquire()).toBeUndefined();
    expect(breaker.allow()).toBe(false);
    await clock.advance(999);
    expect(breaker.allow()).toBe(false);
    expect(breaker.stats().calls.rejected).toBe(3);
    expect(heard).toEqual(['rejected', 'rejected', 'rejected']);
  });

  test('is not to be had of a breaker that was closed down', async () => {
    const { breaker } = makeBreaker(BY_HAND);
    await breaker.close();
    expect(breaker.acquire()).toBeUndefined();
    expect(breaker.allow()).toBe(false);
  });

  test('from before a trip decides nothing after it', async () => {
    const { breaker, clock } = makeBreaker(BY_HAND);
    const old = breaker.acquire();
    breaker.trip();
    await clock.advance(1_000);
    const probe = breaker.acquire();
    old?.recordSuccess();
    expect(breaker.state).toBe('half_open');
    probe?.recordSuccess();
    expect(breaker.state).toBe('closed');
  });
});

describe('a probe by hand', () => {
  test('is one of the probes, and closes the breaker', async () => {
    const { breaker, clock } = makeBreaker(BY_HAND);
    breaker.trip();
    await clock.advance(1_000);
    expect(breaker.allow()).toBe(true);
    expect(breaker.state).toBe('half_open');
    expect(breaker.allow()).toBe(false);
    expect(await ending(breaker.execute(() => 'another'))).toBeInstanceOf(BreakerOpenError);
    breaker.recordSuccess();
    expect(breaker.state).toBe('closed');
  });

  test('that is released gives its place back and decides nothing', async () => {
    const { breaker, clock } = makeBreaker(BY_HAND);
    breaker.trip();
    await clock.advance(1_000);
    breaker.acquire()?.release();
    expect(breaker.state).toBe('half_open');
    expect(await breaker.execute(() => 'probe')).toBe('probe');
    expect(breaker.state).toBe('closed');
  });

  test('that nobody tells of fails at its deadline: the next cooldown begins, and its late news decides nothing', async () => {
    const { breaker, clock, observer } = makeBreaker(BY_HAND);
    breaker.trip();
    await clock.advance(1_000);
    const probe = breaker.acquire();
    await clock.advance(499);
    expect(breaker.state).toBe('half_open');
    await clock.advance(1);
    expect(breaker.state).toBe('open');
    expect(observer.of('transitioned').at(-1)).toMatchObject({ reason: 'probe_failed', cooldownMs: 1_000 });
    probe?.recordSuccess();
    expect(breaker.state).toBe('open');
    await clock.advance(1_000);
    expect(breaker.allow()).toBe(true);
  });
});

describe('calls allowed by hand', () => {
  test('are told of in their order', async () => {
    const { breaker, clock, observer } = makeBreaker({ ...BY_HAND, trip: { ...NO_RULE, failures: 100 } });
    for (let call = 0; call < 3; call++) {
      breaker.allow();
      await clock.advance(10);
    }
    breaker.recordSuccess();
    breaker.recordError(unwell);
    breaker.recordSuccess();
    expect(observer.of('timed')).toEqual([
      { outcome: 'success', durationMs: 30 },
      { outcome: 'failure', durationMs: 20 },
      { outcome: 'success', durationMs: 10 },
    ]);
  });

  test('are waited for up to 1,024: the oldest beyond is given back', async () => {
    const { breaker, clock, observer } = makeBreaker({ ...BY_HAND, trip: { ...NO_RULE, failures: 10_000 } });
    breaker.allow();
    await clock.advance(10);
    for (let call = 1; call < 1_024; call++) breaker.allow();
    expect(breaker.stats().calls.cancelled).toBe(0);
    breaker.allow();
    expect(breaker.stats().calls.cancelled).toBe(1);
    await clock.advance(10);
    for (let call = 0; call < 1_024; call++) breaker.recordSuccess();
    expect(breaker.stats().calls).toMatchObject({ success: 1_024, cancelled: 1 });
    expect(observer.of('timed')[0]).toEqual({ outcome: 'success', durationMs: 10 });
  });

  test('that nobody tells of are not taken for slow ones', async () => {
    // Callers in Electrician's style record errors alone.
    const trip = { ...BY_HAND.trip, slowRatio: 0.5, slowMs: 100, minimumCalls: 5, countOverdue: true };
    const { breaker, clock } = makeBreaker({ ...BY_HAND, trip });
    for (let call = 0; call < 30; call++) breaker.allow();
    await clock.advance(10_000);
    expect(breaker.state).toBe('closed');
    expect(breaker.exportState().window.slow).toBe(0);
    // A permit of acquire is to be given back, and one that is not is a call that hangs.
    for (let call = 0; call < 5; call++) breaker.acquire();
    await clock.advance(100);
    expect(breaker.state).toBe('open');
  });

  test('overlap with permits of acquire without taking theirs', () => {
    const { breaker } = makeBreaker(BY_HAND);
    const permit = breaker.acquire();
    breaker.allow();
    breaker.recordSuccess();
    permit?.recordError(unwell);
    expect(breaker.stats().calls).toMatchObject({ success: 1, failure: 1 });
  });
});

describe('an error that nobody asked a permit for', () => {
  test('is judged while the breaker is closed', () => {
    const { breaker } = makeBreaker(BY_HAND);
    breaker.recordError(unwell);
    expect(breaker.state).toBe('closed');
    breaker.recordError(unwell);
    expect(breaker.state).toBe('open');
    expect(breaker.stats().calls.failure).toBe(2);
  });

  test('while it is open neither trips again nor extends the cooldown', async () => {
    const { breaker, clock, observer } = makeBreaker(BY_HAND);
    breaker.trip();
    await clock.advance(900);
    for (let error = 0; error < 50; error++) breaker.recordError(unwell);
    expect(observer.of('transitioned')).toHaveLength(1);
    await clock.advance(100);
    expect(breaker.allow()).toBe(true);
  });

  test('decides nothing in half-open, nor does a success', async () => {
    const { breaker, clock } = makeBreaker(BY_HAND);
    breaker.trip();
    await clock.advance(1_000);
    const probe = breaker.acquire();
    for (let error = 0; error < 50; error++) breaker.recordError(unwell);
    for (let success = 0; success < 50; success++) breaker.recordSuccess();
    expect(breaker.state).toBe('half_open');
    probe?.recordSuccess();
    expect(breaker.state).toBe('closed');
  });

  test('decides nothing on a ramp either', async () => {
    const { breaker, clock } = makeBreaker({ ...BY_HAND, halfOpen: { probes: 1, ramp: [0.9], rampStepMs: 1_000 } });
    breaker.trip();
    await clock.advance(1_000);
    await breaker.execute(() => 'probe');
    for (let error = 0; error < 50; error++) breaker.recordError(unwell);
    await clock.advance(1_000);
    expect(breaker.state).toBe('half_open');
    await breaker.execute(() => 'good');
    expect(breaker.state).toBe('closed');
  });

  test('takes no place of the concurrency limit', () => {
    const { breaker } = makeBreaker({ ...BY_HAND, trip: { ...NO_RULE, failures: 100 }, maxConcurrent: 1 });
    breaker.recordError(unwell);
    breaker.recordSuccess();
    expect(breaker.acquire()).toBeDefined();
    expect(breaker.acquire()).toBeUndefined();
  });
});
