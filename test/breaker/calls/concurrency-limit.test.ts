import { describe, expect, test } from 'vitest';
import {
  BreakerLimitError,
  BreakerOpenError,
  type BreakerOptions,
  bufferWire,
  fallbackWire,
  isReceipt,
} from '../../../src/breaker/index.ts';
import { closeBreakersAfterEach, deferred, ending, fails, hangs, makeBreaker, NO_RULE } from '../support.ts';

closeBreakersAfterEach();

const LIMITED = {
  trip: { ...NO_RULE, failures: 1 },
  cooldownMs: 1_000,
  halfOpen: { probes: 3, probeTimeoutMs: 500 },
  maxConcurrent: 2,
} as const satisfies BreakerOptions;

/** Calls in flight, which end when the test says so. */
function inFlight(breaker: ReturnType<typeof makeBreaker>['breaker'], count: number) {
  const { promise, resolve } = deferred<void>();
  const calls = Array.from({ length: count }, () => ending(breaker.execute(() => promise)));
  return {
    async end() {
      resolve();
      await Promise.all(calls);
    },
  };
}

describe('a limit of calls in flight', () => {
  test('refuses one more with its own error, which is no failure of the dependency', async () => {
    const { breaker } = makeBreaker(LIMITED);
    const busy = inFlight(breaker, 2);
    let ran = false;
    const error = await ending(breaker.execute(() => (ran = true)));
    expect(error).toBeInstanceOf(BreakerLimitError);
    expect(error).toMatchObject({ code: 'BREAKER_LIMITED', breaker: breaker.name, limit: 2, causes: [] });
    expect(ran).toBe(false);
    expect(breaker.state).toBe('closed');
    expect(breaker.stats().calls).toMatchObject({ limited: 1, failure: 0, rejected: 0 });
    expect(breaker.exportState().window.executed).toBe(0);
    await busy.end();
  });

  test('has room again as soon as a call ends, however it ends', async () => {
    const { breaker, clock } = makeBreaker({
      ...LIMITED,
      trip: { ...NO_RULE, failures: 100 },
      timeoutMs: 50,
      isFailure: (error) => !(error instanceof TypeError),
    });
    const caller = new AbortController();
    const ends = [
      () => breaker.execute(() => 'good'),
      () => breaker.execute(fails),
      () => breaker.execute(() => Promise.reject(new TypeError('ignored'))),
      () => breaker.execute(hangs, { signal: AbortSignal.abort() }),
      () => breaker.execute(hangs, { signal: caller.signal }),
      () => breaker.execute(hangs),
      () => Promise.resolve(breaker.executeSync(() => 'good')),
    ];
    for (const end of ends) {
      const call = ending(end());
      caller.abort();
      await clock.advance(50);
      await call;
      const both = inFlight(breaker, 2);
      expect(await ending(breaker.execute(() => 1))).toBeInstanceOf(BreakerLimitError);
      await both.end();
    }
    expect(breaker.stats().calls).toMatchObject({
      limited: ends.length,
      failure: 1,
      timeout: 1,
      ignored: 1,
      cancelled: 2,
    });
  });

  test('hands a call to a wire, which makes it diverted', async () => {
    const { breaker } = makeBreaker({ ...LIMITED, neutralWires: [fallbackWire(() => 'stale')] });
    const busy = deferred<string>();
    const calls = [breaker.execute(() => busy.promise), breaker.execute(() => busy.promise)];
    expect(await breaker.execute(() => 'fresh')).toBe('stale');
    expect(breaker.stats().calls).toMatchObject({ diverted: 1, limited: 0 });
    busy.resolve('busy');
    await Promise.all(calls);
  });

  test('tells why no wire took it', async () => {
    const { breaker } = makeBreaker({ ...LIMITED, maxConcurrent: 1, neutralWires: [fallbackWire(fails)] });
    void breaker.execute(hangs);
    const error = await ending(breaker.execute(() => 'fresh'));
    expect(error).toBeInstanceOf(BreakerLimitError);
    expect((error as BreakerLimitError).causes).toMatchObject([{ name: 'Unwell' }]);
    expect(breaker.stats().calls.limited).toBe(1);
  });

  test('lets a buffer take what is too much', async () => {
    const { breaker } = makeBreaker({ ...LIMITED, maxConcurrent: 1, neutralWires: [bufferWire()] });
    void breaker.execute(hangs);
    expect(isReceipt(await breaker.protect(async () => 'fresh')(1))).toBe(true);
  });

  test('counts synchronous calls and permits taken by hand', async () => {
    const { breaker } = makeBreaker(LIMITED);
    const permit = breaker.acquire();
    expect(breaker.allow()).toBe(true);
    expect(breaker.allow()).toBe(false);
    expect(breaker.acquire()).toBeUndefined();
    expect(() => breaker.executeSync(() => 1)).toThrow(BreakerLimitError);
    permit?.release();
    expect(breaker.executeSync(() => breaker.acquire() ?? 'both places taken')).toBe('both places taken');
    expect(breaker.stats().calls.limited).toBe(4);
  });
});

describe('a limit that changes while calls are in flight', () => {
  test('lowered, it admits none until there is room under the new one', async () => {
    const { breaker } = makeBreaker({ ...LIMITED, maxConcurrent: 3 });
    const [one, two] = [inFlight(breaker, 1), inFlight(breaker, 2)];
    breaker.configure({ maxConcurrent: 1 });
    await two.end();
    expect(await ending(breaker.execute(() => 1))).toMatchObject({ code: 'BREAKER_LIMITED', limit: 1 });
    await one.end();
    expect(await breaker.execute(() => 1)).toBe(1);
  });

  test('raised, it admits more at once', async () => {
    const { breaker } = makeBreaker(LIMITED);
    const busy = inFlight(breaker, 2);
    breaker.configure({ maxConcurrent: 3 });
    expect(await breaker.execute(() => 1)).toBe(1);
    await busy.end();
  });

  test('taken off and set again, it has lost no place', async () => {
    const { breaker } = makeBreaker(LIMITED);
    const before = inFlight(breaker, 2);
    breaker.configure({ maxConcurrent: null });
    const free = inFlight(breaker, 10);
    breaker.configure({ maxConcurrent: 2 });
    await Promise.all([before.end(), free.end()]);
    const again = inFlight(breaker, 2);
    expect(await ending(breaker.execute(() => 1))).toBeInstanceOf(BreakerLimitError);
    await again.end();
    expect(await breaker.execute(() => 1)).toBe(1);
  });
});

describe('a limit while the breaker is not closed', () => {
  test('an open breaker refuses as open, however full it is', async () => {
    const { breaker } = makeBreaker(LIMITED);
    const busy = inFlight(breaker, 2);
    breaker.trip();
    expect(await ending(breaker.execute(() => 1))).toMatchObject({ code: 'BREAKER_OPEN', retryAfterMs: 1_000 });
    expect(breaker.stats().calls).toMatchObject({ rejected: 1, limited: 0 });
    await busy.end();
  });

  test('calls that hang keep no probe from going out, so the breaker closes while they hang', async () => {
    const trip = { ...NO_RULE, slowRatio: 1, slowMs: 100, minimumCalls: 2, countOverdue: true };
    const { breaker, clock } = makeBreaker({ ...LIMITED, trip });
    const hung = inFlight(breaker, 2);
    await clock.advance(100);
    expect(breaker.state).toBe('open');
    await clock.advance(1_000);
    for (let probe = 0; probe < 3; probe++) expect(await breaker.execute(() => 'probe')).toBe('probe');
    expect(breaker.state).toBe('closed');
    // They are in flight all the same.
    expect(await ending(breaker.execute(() => 1))).toBeInstanceOf(BreakerLimitError);
    await hung.end();
    expect(await breaker.execute(() => 1)).toBe(1);
  });

  test('probes that end give back no place they never had', async () => {
    const { breaker, clock } = makeBreaker({ ...LIMITED, maxConcurrent: 1 });
    breaker.trip();
    await clock.advance(1_000);
    await inFlight(breaker, 3).end();
    expect(breaker.state).toBe('closed');
    const busy = inFlight(breaker, 1);
    expect(await ending(breaker.execute(() => 1))).toBeInstanceOf(BreakerLimitError);
    await busy.end();
  });

  test('a call that half-open refuses keeps no place', async () => {
    const { breaker, clock } = makeBreaker({ ...LIMITED, halfOpen: { probes: 1, probeTimeoutMs: 500 } });
    breaker.trip();
    await clock.advance(1_000);
    const probe = inFlight(breaker, 1);
    for (let call = 0; call < 20; call++) {
      expect(await ending(breaker.execute(() => 'no probe'))).toBeInstanceOf(BreakerOpenError);
    }
    await probe.end();
    expect(breaker.state).toBe('closed');
    const both = inFlight(breaker, 2);
    expect(await ending(breaker.execute(() => 1))).toBeInstanceOf(BreakerLimitError);
    await both.end();
  });

  test('counts the calls of a ramp', async () => {
    const halfOpen = { probes: 1, probeTimeoutMs: 500, ramp: [0.9], rampStepMs: 1_000 };
    const { breaker, clock } = makeBreaker({ ...LIMITED, halfOpen });
    breaker.trip();
    await clock.advance(1_000);
    await breaker.execute(() => 'probe');
    const both = inFlight(breaker, 2);
    expect(await ending(breaker.execute(() => 1))).toBeInstanceOf(BreakerLimitError);
    await both.end();
    await clock.advance(1_000);
    expect(breaker.state).toBe('closed');
  });
});
