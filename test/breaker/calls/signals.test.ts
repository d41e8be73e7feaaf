import { getEventListeners } from 'node:events';
import { describe, expect, test } from 'vitest';
import { type CallContext, CallTimeoutError } from '../../../src/breaker/index.ts';
import {
  closeBreakersAfterEach,
  deferred,
  ending,
  fails,
  hangs,
  makeBreaker,
  NO_RULE,
  QUICK,
  Unwell,
} from '../support.ts';

closeBreakersAfterEach();

const PATIENT = { trip: { ...NO_RULE, failures: 1_000 }, timeoutMs: 50 } as const;

describe('a call ends once', () => {
  test('by its timeout: neither a late answer nor its caller changes that', async () => {
    const { breaker, clock } = makeBreaker(PATIENT);
    const caller = new AbortController();
    const late = deferred();
    let reason: unknown;
    const call = ending(
      breaker.execute(
        ({ signal }) => {
          signal.addEventListener('abort', () => (reason = signal.reason));
          return late.promise;
        },
        { signal: caller.signal },
      ),
    );
    await clock.advance(50);
    late.resolve('too late');
    caller.abort(new Error('too late as well'));
    expect(await call).toBeInstanceOf(CallTimeoutError);
    expect(reason).toBe(await call);
    expect(breaker.stats().calls).toMatchObject({ timeout: 1, success: 0, cancelled: 0 });
  });

  test('by its caller: neither a late error nor its timeout changes that', async () => {
    const { breaker, clock } = makeBreaker(PATIENT);
    const caller = new AbortController();
    const late = deferred();
    const call = ending(breaker.execute(() => late.promise, { signal: caller.signal }));
    caller.abort('gone');
    late.reject(new Unwell('too late'));
    await clock.advance(50);
    expect(await call).toBe('gone');
    expect(breaker.stats().calls).toMatchObject({ cancelled: 1, timeout: 0, failure: 0 });
  });

  test('by its answer: its signal is never aborted after that', async () => {
    const { breaker, clock } = makeBreaker(PATIENT);
    const caller = new AbortController();
    let inner: AbortSignal | undefined;
    const keep = ({ signal }: CallContext) => {
      inner = signal;
      return 'answer';
    };
    expect(await breaker.execute(keep, { signal: caller.signal })).toBe('answer');
    await clock.advance(50);
    caller.abort();
    expect(inner?.aborted).toBe(false);
    expect(breaker.stats().calls).toMatchObject({ success: 1, timeout: 0, cancelled: 0 });
  });

  test('cancelled by the function itself while it starts', async () => {
    const { breaker } = makeBreaker(PATIENT);
    const caller = new AbortController();
    const call = breaker.execute(
      () => {
        caller.abort('by itself');
        return 'answer';
      },
      { signal: caller.signal },
    );
    expect(await ending(call)).toBe('by itself');
    expect(breaker.stats().calls).toMatchObject({ cancelled: 1, success: 0 });
    expect(getEventListeners(caller.signal, 'abort')).toHaveLength(0);
  });
});

describe('one call of many', () => {
  test('is aborted alone', async () => {
    const { breaker, clock } = makeBreaker(PATIENT);
    const signals: AbortSignal[] = [];
    const keep = ({ signal }: CallContext) => {
      signals.push(signal);
      return hangs();
    };
    const first = ending(breaker.execute(keep));
    await clock.advance(30);
    void breaker.execute(keep).catch(() => {});
    await clock.advance(20);
    await first;
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
  });

  test('leaves no listener on a signal that all share, however it ends', async () => {
    const { breaker, clock } = makeBreaker({ ...PATIENT, isFailure: (error) => error instanceof Unwell });
    const { signal } = new AbortController();
    const ends = [
      () => 'good',
      async () => 'good',
      fails,
      async () => fails(),
      () => Promise.reject(new TypeError('ignored')),
      hangs,
    ];
    const calls = ends.map((run) => ending(breaker.execute(run as () => unknown, { signal })));
    await clock.advance(50);
    await Promise.all(calls);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    breaker.trip();
    await ending(breaker.execute(() => 'rejected', { signal }));
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  test('a probe that its caller cancels aborts its function too, and leaves no listener', async () => {
    const { breaker, clock } = makeBreaker({ ...QUICK, halfOpen: { probes: 1, probeTimeoutMs: 500 } });
    breaker.trip();
    await clock.advance(1_000);
    const caller = new AbortController();
    let inner: AbortSignal | undefined;
    const call = ending(
      breaker.execute(
        ({ signal }) => {
          inner = signal;
          return hangs();
        },
        { signal: caller.signal },
      ),
    );
    caller.abort('gone');
    await call;
    expect(inner?.reason).toBe('gone');
    expect(getEventListeners(caller.signal, 'abort')).toHaveLength(0);
    expect(await breaker.execute(() => 'probe')).toBe('probe');
  });
});
