import { getEventListeners } from 'node:events';
import { describe, expect, test } from 'vitest';
import {
  BreakerClosedDownError,
  BreakerOpenError,
  CallTimeoutError,
  findBreaker,
  type Transition,
} from '../../src/breaker/index.ts';
import { deferred, ending, fails, failTimes, makeBreaker, QUICK, Unwell } from './support.ts';

describe('a closed breaker', () => {
  test('hands on what the function returns, plain or promised, and counts it', async () => {
    const { breaker, observer } = makeBreaker();
    expect(await breaker.execute(() => 1)).toBe(1);
    expect(await breaker.execute(async () => 2)).toBe(2);
    expect(breaker.stats().calls).toMatchObject({ success: 2, failure: 0 });
    expect(observer.of('timed')).toHaveLength(2);
    await breaker.close();
  });

  test('hands on what the function throws, at once or later, as the very same error', async () => {
    const { breaker, observer } = makeBreaker();
    const error = new Unwell('one');
    expect(
      await ending(
        breaker.execute(() => {
          throw error;
        }),
      ),
    ).toBe(error);
    expect(await ending(breaker.execute(() => Promise.reject(error)))).toBe(error);
    expect(observer.of('failed')).toMatchObject([{ error }, { error }]);
    expect(breaker.stats().calls.failure).toBe(2);
    await breaker.close();
  });

  test('hands on a thrown undefined as it is', async () => {
    const { breaker } = makeBreaker();
    const rejected = breaker
      .execute(() => Promise.reject(undefined))
      .then(
        () => 'fulfilled',
        (error) => ['rejected', error],
      );
    expect(await rejected).toEqual(['rejected', undefined]);
    await breaker.close();
  });

  test('a protected function gets its input and a context', async () => {
    const { breaker } = makeBreaker();
    const double = breaker.protect(async (input: number, { attempt, signal }) => [input * 2, attempt, signal.aborted]);
    expect(await double(21)).toEqual([42, 1, false]);
    await breaker.close();
  });

  test('trips at its count of failures, and says so after it is open', async () => {
    const { breaker } = makeBreaker(QUICK);
    const heard: [Transition, string][] = [];
    breaker.onTransition((transition) => heard.push([transition, breaker.state]));
    await failTimes(breaker, 2);
    expect(breaker.state).toBe('closed');
    await failTimes(breaker, 1);
    expect(breaker.state).toBe('open');
    expect(heard).toEqual([[{ from: 'closed', to: 'open', reason: 'threshold', note: undefined }, 'open']]);
    await breaker.close();
  });

  test('trips at its failure ratio once the minimum volume is there', async () => {
    const { breaker } = makeBreaker({ trip: { failureRatio: 0.5, minimumCalls: 4 } });
    await failTimes(breaker, 1);
    await breaker.execute(() => 'good');
    await breaker.execute(() => 'good');
    expect(breaker.state).toBe('closed');
    await failTimes(breaker, 1);
    expect(breaker.state).toBe('open');
    await breaker.close();
  });

  test('an idle hour forgets old failures', async () => {
    const { breaker, clock } = makeBreaker(QUICK);
    await failTimes(breaker, 2);
    await clock.advance(3_600_000);
    await failTimes(breaker, 2);
    expect(breaker.state).toBe('closed');
    await breaker.close();
  });

  test('failures before a reset do not trip it again', async () => {
    const { breaker } = makeBreaker(QUICK);
    await failTimes(breaker, 3);
    breaker.reset();
    await failTimes(breaker, 2);
    expect(breaker.state).toBe('closed');
    await breaker.close();
  });

  test('a slow call counts beside its outcome', async () => {
    const { breaker, clock, observer } = makeBreaker({ ...QUICK, trip: { ...QUICK.trip, slowMs: 100 } });
    const slow = deferred();
    const exact = deferred();
    const calls = [breaker.execute(() => slow.promise), breaker.execute(() => exact.promise)];
    await clock.advance(100);
    exact.resolve('just in time');
    await clock.advance(1);
    slow.resolve('slow');
    await Promise.all(calls);
    expect(observer.of('timed')).toEqual([
      { outcome: 'success', durationMs: 100 },
      { outcome: 'success', durationMs: 101 },
    ]);
    await breaker.close();
  });
});

describe('an open breaker', () => {
  test('rejects, and its error says when to come back', async () => {
    const { breaker, clock } = makeBreaker(QUICK);
    await failTimes(breaker, 3);
    await clock.advance(400);
    let ran = false;
    const error = await ending(breaker.execute(() => (ran = true)));
    expect(error).toBeInstanceOf(BreakerOpenError);
    expect(error).toMatchObject({ code: 'BREAKER_OPEN', breaker: breaker.name, retryAfterMs: 600, causes: [] });
    expect(ran).toBe(false);
    expect(breaker.stats().calls.rejected).toBe(1);
    await breaker.close();
  });

  test('failures that come in while it is open never extend the cooldown', async () => {
    const { breaker, clock } = makeBreaker(QUICK);
    const late = deferred();
    const lateCall = ending(breaker.execute(() => late.promise));
    await failTimes(breaker, 3);
    await clock.advance(900);
    late.reject(new Unwell('late'));
    await lateCall;
    await clock.advance(100);
    await breaker.execute(() => 'probe');
    expect(breaker.state).toBe('half_open');
    await breaker.close();
  });
});

describe('a half-open breaker', () => {
  test('closes after its good probes, and nobody waits: others are rejected meanwhile', async () => {
    const { breaker, clock } = makeBreaker(QUICK);
    await failTimes(breaker, 3);
    await clock.advance(1_000);
    const probes = [deferred(), deferred()];
    const calls = probes.map(({ promise }) => breaker.execute(() => promise));
    expect(await ending(breaker.execute(() => 'third'))).toBeInstanceOf(BreakerOpenError);
    for (const { resolve } of probes) resolve('good');
    await Promise.all(calls);
    expect(breaker.state).toBe('closed');
    await breaker.close();
  });

  test('opens again when a probe fails', async () => {
    const { breaker, clock, observer } = makeBreaker(QUICK);
    await failTimes(breaker, 3);
    await clock.advance(1_000);
    await failTimes(breaker, 1);
    expect(breaker.state).toBe('open');
    expect(observer.of('transitioned').at(-1)).toMatchObject({ to: 'open', reason: 'probe_failed' });
    await breaker.close();
  });

  test('a hung probe does not wedge it: at its deadline it is a timeout, and the next cooldown starts', async () => {
    const { breaker, clock } = makeBreaker({ ...QUICK, timeoutMs: null });
    await failTimes(breaker, 3);
    await clock.advance(1_000);
    const hung = ending(breaker.execute(() => new Promise(() => {})));
    await clock.advance(499);
    expect(breaker.state).toBe('half_open');
    await clock.advance(1);
    expect(breaker.state).toBe('open');
    expect(await hung).toBeInstanceOf(CallTimeoutError);
    await clock.advance(1_000);
    await breaker.execute(() => 'good');
    await breaker.execute(() => 'good');
    expect(breaker.state).toBe('closed');
    await breaker.close();
  });

  test('a cancelled probe gives its permit back', async () => {
    const { breaker, clock } = makeBreaker({ ...QUICK, halfOpen: { probes: 1 } });
    await failTimes(breaker, 3);
    await clock.advance(1_000);
    const caller = new AbortController();
    const call = ending(breaker.execute(() => new Promise(() => {}), { signal: caller.signal }));
    expect(await ending(breaker.execute(() => 'too many'))).toBeInstanceOf(BreakerOpenError);
    caller.abort(new Error('gone away'));
    expect(await call).toMatchObject({ message: 'gone away' });
    expect(breaker.state).toBe('half_open');
    expect(await breaker.execute(() => 'probe')).toBe('probe');
    expect(breaker.state).toBe('closed');
    await breaker.close();
  });

  test('an ignored probe gives its permit back and decides nothing', async () => {
    const { breaker, clock } = makeBreaker({
      ...QUICK,
      halfOpen: { probes: 1 },
      isFailure: (e) => e instanceof Unwell,
    });
    await failTimes(breaker, 3);
    await clock.advance(1_000);
    await ending(breaker.execute(() => Promise.reject(new TypeError('no fault of theirs'))));
    expect(breaker.state).toBe('half_open');
    expect(breaker.stats().calls.ignored).toBe(1);
    await breaker.execute(() => 'good');
    expect(breaker.state).toBe('closed');
    await breaker.close();
  });
});

describe('a late result', () => {
  test('a success from before the trip never closes, and is counted', async () => {
    const { breaker, clock } = makeBreaker({ ...QUICK, halfOpen: { probes: 1 } });
    const late = deferred();
    const call = breaker.execute(() => late.promise);
    await failTimes(breaker, 3);
    await clock.advance(1_000);
    const probe = deferred();
    const probing = breaker.execute(() => probe.promise);
    late.resolve('late');
    expect(await call).toBe('late');
    expect(breaker.state).toBe('half_open');
    expect(breaker.stats().calls.success).toBe(1);
    probe.resolve('good');
    await probing;
    await breaker.close();
  });

  test('a failure from before the reset never reopens, and is counted', async () => {
    const { breaker } = makeBreaker(QUICK);
    const late = [deferred(), deferred(), deferred()];
    const calls = late.map(({ promise }) => ending(breaker.execute(() => promise)));
    breaker.trip();
    breaker.reset();
    for (const { reject } of late) reject(new Unwell('late'));
    await Promise.all(calls);
    expect(breaker.state).toBe('closed');
    expect(breaker.stats().calls.failure).toBe(3);
    await failTimes(breaker, 2);
    expect(breaker.state).toBe('closed');
    await breaker.close();
  });
});

describe('a timeout', () => {
  test('aborts the signal with the error the caller gets, and counts as a timeout', async () => {
    const { breaker, clock } = makeBreaker({ timeoutMs: 50 });
    let signal: AbortSignal | undefined;
    const call = ending(
      breaker.execute((context) => {
        signal = context.signal;
        return new Promise(() => {});
      }),
    );
    await clock.advance(49);
    expect(signal?.aborted).toBe(false);
    await clock.advance(1);
    const error = await call;
    expect(error).toBeInstanceOf(CallTimeoutError);
    expect(error).toMatchObject({ code: 'BREAKER_TIMEOUT', timeoutMs: 50, breaker: breaker.name });
    expect(signal?.reason).toBe(error);
    expect(breaker.stats().calls.timeout).toBe(1);
    await breaker.close();
  });

  test('a function that asks for its signal only afterwards finds it aborted', async () => {
    const { breaker, clock } = makeBreaker({ timeoutMs: 50 });
    const later = deferred<boolean>();
    const call = ending(
      breaker.execute(async (context) => {
        await new Promise<void>((resolve) => clock.timer(80, resolve));
        later.resolve(context.signal.aborted);
      }),
    );
    await clock.advance(100);
    expect(await call).toBeInstanceOf(CallTimeoutError);
    expect(await later.promise).toBe(true);
    await breaker.close();
  });

  test('lets the late result go: no unhandled rejection, nothing counted twice', async () => {
    const unhandled: unknown[] = [];
    const onUnhandled = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', onUnhandled);
    const { breaker, clock } = makeBreaker({ timeoutMs: 50 });
    const late = deferred();
    const call = ending(breaker.execute(() => late.promise));
    await clock.advance(50);
    await call;
    late.reject(new Unwell('too late'));
    await clock.advance(1);
    process.off('unhandledRejection', onUnhandled);
    expect(unhandled).toEqual([]);
    expect(breaker.stats().calls).toMatchObject({ timeout: 1, failure: 0, success: 0 });
    await breaker.close();
  });

  test('null, the default, waits for ever', async () => {
    const { breaker, clock } = makeBreaker();
    expect(breaker.settings.timeoutMs).toBeNull();
    const slow = deferred();
    const call = breaker.execute(() => slow.promise);
    await clock.advance(86_400_000);
    slow.resolve('at last');
    expect(await call).toBe('at last');
    await breaker.close();
  });

  test('a thousand calls share one timer, which runs out once they have ended', async () => {
    const { breaker, clock } = makeBreaker({ timeoutMs: 50, trip: { minimumCalls: 1_000_000, countOverdue: false } });
    const hung = deferred();
    const calls = Array.from({ length: 1_000 }, () => breaker.execute(() => hung.promise));
    await failTimes(breaker, 1);
    expect(clock.pendingTimers).toBe(1);
    hung.resolve('in time');
    await Promise.all(calls);
    await clock.advance(50);
    expect(clock.pendingTimers).toBe(0);
    expect(breaker.stats().calls).toMatchObject({ success: 1_000, timeout: 0 });
    await breaker.close();
  });
});

describe("a caller's signal", () => {
  test('that aborts makes the call cancelled, with its reason, and aborts the function', async () => {
    const { breaker } = makeBreaker(QUICK);
    const caller = new AbortController();
    let inner: AbortSignal | undefined;
    const call = ending(
      breaker.execute(
        (context) => {
          inner = context.signal;
          return new Promise(() => {});
        },
        { signal: caller.signal },
      ),
    );
    const reason = new Error('no longer wanted');
    caller.abort(reason);
    expect(await call).toBe(reason);
    expect(inner?.reason).toBe(reason);
    expect(breaker.stats().calls).toMatchObject({ cancelled: 1, failure: 0 });
    await breaker.close();
  });

  test('that was aborted before keeps the function from running', async () => {
    const { breaker } = makeBreaker(QUICK);
    let ran = false;
    const signal = AbortSignal.abort('before');
    expect(await ending(breaker.execute(() => (ran = true), { signal }))).toBe('before');
    expect(ran).toBe(false);
    expect(breaker.stats().calls.cancelled).toBe(1);
    await breaker.close();
  });

  test('keeps no listener of a call that has ended, however it ended', async () => {
    const { breaker, clock } = makeBreaker({ timeoutMs: 50, trip: { minimumCalls: 1_000 } });
    const { signal } = new AbortController();
    await breaker.execute(() => 'good', { signal });
    await ending(breaker.execute(fails, { signal }));
    const timedOut = ending(breaker.execute(() => new Promise(() => {}), { signal }));
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    await clock.advance(50);
    await timedOut;
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    breaker.trip();
    await ending(breaker.execute(() => 'rejected', { signal }));
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    await breaker.close();
  });
});

describe('the error filter', () => {
  test('an error that is no failure is ignored: handed on, counted, never judged', async () => {
    const { breaker, observer } = makeBreaker({ ...QUICK, isFailure: (error) => error instanceof Unwell });
    for (let call = 0; call < 10; call++) {
      const error = await ending(breaker.execute(() => Promise.reject(new TypeError('bad input'))));
      expect(error).toBeInstanceOf(TypeError);
    }
    expect(breaker.state).toBe('closed');
    expect(breaker.stats().calls).toMatchObject({ ignored: 10, failure: 0 });
    expect(observer.of('timed')).toEqual([]);
    expect(observer.of('failed')).toEqual([]);
    await breaker.close();
  });

  test('a filter that throws makes the call a failure, and its caller gets the original error', async () => {
    const { breaker } = makeBreaker({
      ...QUICK,
      isFailure: () => {
        throw new Error('the filter itself');
      },
    });
    expect(await ending(breaker.execute(fails))).toBeInstanceOf(Unwell);
    expect(breaker.stats().calls.failure).toBe(1);
    await breaker.close();
  });

  test('a timeout is a failure whatever the filter says', async () => {
    const { breaker, clock } = makeBreaker({ ...QUICK, isFailure: () => false });
    const calls = [1, 2, 3].map(() => ending(breaker.execute(() => new Promise(() => {}))));
    await clock.advance(2_000);
    await Promise.all(calls);
    expect(breaker.state).toBe('open');
    await breaker.close();
  });
});

describe('a listener', () => {
  test('that throws harms neither the call nor the listeners after it', async () => {
    const { breaker } = makeBreaker(QUICK);
    const heard: string[] = [];
    breaker.onTransition(() => {
      throw new Error('a bad listener');
    });
    breaker.onTransition(({ to }) => heard.push(to));
    await failTimes(breaker, 2);
    expect(await ending(breaker.execute(fails))).toBeInstanceOf(Unwell);
    expect(heard).toEqual(['open']);
    await breaker.close();
  });

  test('that calls back finds the breaker in its new state, and what it does is heard after', async () => {
    const { breaker } = makeBreaker(QUICK);
    const heard: string[] = [];
    breaker.onTransition(({ to }) => {
      heard.push(to);
      if (to === 'open') breaker.reset();
    });
    await failTimes(breaker, 3);
    expect(heard).toEqual(['open', 'closed']);
    await breaker.close();
  });

  test('hears nothing after it was taken off', async () => {
    const { breaker } = makeBreaker(QUICK);
    const heard: string[] = [];
    const off = breaker.onTransition(({ to }) => heard.push(to));
    off();
    breaker.trip();
    expect(heard).toEqual([]);
    await breaker.close();
  });
});

describe('an operator', () => {
  test('trips and resets, with a note; a second time does nothing', async () => {
    const { breaker, observer } = makeBreaker(QUICK);
    expect(breaker.trip({ reason: 'maintenance' })).toBe(true);
    expect(breaker.trip()).toBe(false);
    expect(breaker.state).toBe('open');
    expect(breaker.reset({ reason: 'done' })).toBe(true);
    expect(breaker.reset()).toBe(false);
    expect(breaker.state).toBe('closed');
    expect(observer.of('transitioned')).toMatchObject([
      { to: 'open', reason: 'operator', note: 'maintenance', generation: 2 },
      { to: 'closed', reason: 'operator', note: 'done', generation: 3 },
    ]);
    await breaker.close();
  });

  test("a manual trip expires with the cooldown like the breaker's own", async () => {
    const { breaker, clock } = makeBreaker(QUICK);
    breaker.trip();
    await clock.advance(1_000);
    expect(await breaker.execute(() => 'probe')).toBe('probe');
    await breaker.close();
  });
});

describe('a breaker that was closed down', () => {
  test('takes no more calls and frees its name', async () => {
    const { breaker, observer } = makeBreaker({}, 'closed-down');
    expect(findBreaker('closed-down')).toBe(breaker);
    await breaker.close();
    await breaker.close();
    expect(findBreaker('closed-down')).toBeUndefined();
    expect(await ending(breaker.execute(() => 1))).toBeInstanceOf(BreakerClosedDownError);
    expect(observer.of('removed')).toHaveLength(1);
    const { breaker: next } = makeBreaker({}, 'closed-down');
    await next.close();
  });
});
