import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, test } from 'vitest';
import { type CallContext, createBreaker, fallbackWire } from '../../src/breaker/index.ts';
import { RecordingObserver } from '../../src/breaker/testing.ts';
import { closeBreakersAfterEach, ending, fails, hangs, makeBreaker, NO_RULE, QUICK } from './support.ts';

closeBreakersAfterEach();

describe('async context', () => {
  test('the guarded function and its caller keep their own', async () => {
    const request = new AsyncLocalStorage<string>();
    const { breaker } = makeBreaker(QUICK);
    const seen = await request.run('mine', async () => {
      const inner = await breaker.execute(async () => {
        await Promise.resolve();
        return request.getStore();
      });
      return [inner, request.getStore()];
    });
    expect(seen).toEqual(['mine', 'mine']);
    await breaker.close();
  });

  test("listeners and the observer hear of a trip outside the tripping request's", async () => {
    const request = new AsyncLocalStorage<string>();
    const heard: [string, string | undefined][] = [];
    const observer = new RecordingObserver();
    const telemetry = Object.assign(observer, {
      transitioned: () => heard.push(['observer', request.getStore()]),
      failed: () => heard.push(['failure', request.getStore()]),
    });
    const { breaker } = makeBreaker({ ...QUICK, trip: { failureRatio: null, failures: 1 }, telemetry });
    breaker.onTransition(() => heard.push(['listener', request.getStore()]));
    await request.run('mine', () => ending(breaker.execute(fails)));
    // A failure belongs to its request's trace; a transition belongs to nobody's.
    expect(heard).toEqual([
      ['failure', 'mine'],
      ['observer', undefined],
      ['listener', undefined],
    ]);
    await breaker.close();
  });

  test('a trip that shadow did not make is told outside as well', async () => {
    const request = new AsyncLocalStorage<string>();
    const heard: (string | undefined)[] = [];
    const telemetry = Object.assign(new RecordingObserver(), { transitioned: () => heard.push(request.getStore()) });
    const { breaker, clock } = makeBreaker({ ...QUICK, trip: { failureRatio: null, failures: 1 }, telemetry });
    const expiresAt = new Date(clock.wallMs() + 1_000).toISOString();
    breaker.holdIn({ mode: 'shadow', reason: 'r', actor: 'a', expiresAt });
    await request.run('mine', () => ending(breaker.execute(fails)));
    expect(heard).toEqual([undefined, undefined]);
    await breaker.close();
  });
});

describe("in its caller's async context", () => {
  const request = new AsyncLocalStorage<string>();

  test('run the filters, the failure listeners and the fallback of a call, whatever its end', async () => {
    const seen: [string, string | undefined][] = [];
    const note = (what: string) => seen.push([what, request.getStore()]);
    const { breaker } = makeBreaker({
      trip: { ...NO_RULE, failures: 2 },
      isFailure: () => note('isFailure') > 0,
      isFailureResult: () => note('isFailureResult') > 0,
      neutralWires: [fallbackWire(() => note('fallback'))],
    });
    breaker.onFailure(() => note('onFailure'));
    breaker.onTurnedAway(() => note('onTurnedAway'));
    await request.run('one', () => ending(breaker.execute(async () => fails())));
    await request.run('two', () => breaker.execute(async () => 'bad'));
    await request.run('three', () => breaker.execute(() => 'fresh'));
    expect(seen).toEqual([
      ['isFailure', 'one'],
      ['onFailure', 'one'],
      ['isFailureResult', 'two'],
      ['onFailure', 'two'],
      ['fallback', 'two'],
      ['fallback', 'three'],
      ['onTurnedAway', 'three'],
    ]);
  });

  test('a timed-out call aborts, fails and falls back, each of several that one timer ends in its own', async () => {
    const seen: [string, string | undefined][] = [];
    const note = (what: string) => seen.push([what, request.getStore()]);
    const { breaker, clock } = makeBreaker({
      trip: { ...NO_RULE, failures: 2 },
      timeoutMs: 50,
      neutralWires: [fallbackWire(() => note('fallback'))],
    });
    breaker.onFailure(() => note('onFailure'));
    breaker.onTransition(() => note('onTransition'));
    const hang = ({ signal }: CallContext) => {
      signal.addEventListener('abort', () => note('abort'));
      return hangs();
    };
    const calls = ['one', 'two'].map((name) =>
      request.run(name, async () => {
        await ending(breaker.execute(hang));
        note('afterwards');
      }),
    );
    await clock.advance(50);
    await Promise.all(calls);
    const of = (name: string | undefined) => seen.filter(([, store]) => store === name).map(([what]) => what);
    expect(of('one').sort()).toEqual(['abort', 'afterwards', 'onFailure']);
    expect(of('two').sort()).toEqual(['abort', 'afterwards', 'fallback', 'onFailure']);
    expect(of(undefined)).toEqual(['onTransition']);
  });

  test('a call that another request cancels ends in its own', async () => {
    const { breaker } = makeBreaker(QUICK);
    const caller = new AbortController();
    const seen: (string | undefined)[] = [];
    const call = request.run('mine', async () => {
      const hang = ({ signal }: CallContext) => {
        signal.addEventListener('abort', () => seen.push(request.getStore()));
        return hangs();
      };
      await ending(breaker.execute(hang, { signal: caller.signal }));
      seen.push(request.getStore());
    });
    request.run('another', () => caller.abort());
    await call;
    expect(seen).toEqual(['mine', 'mine']);
  });
});

describe('outside of every async context', () => {
  test('transitions are told, whatever made them', async () => {
    const request = new AsyncLocalStorage<string>();
    const { breaker, clock } = makeBreaker({ ...QUICK, halfOpen: { probes: 1, probeTimeoutMs: 500 } });
    const seen: [string, string | undefined][] = [];
    breaker.onTransition(({ to }) => seen.push([to, request.getStore()]));
    const expiresAt = new Date(clock.wallMs() + 60_000).toISOString();
    await request.run('mine', async () => {
      breaker.trip();
      await clock.advance(1_000);
      await breaker.execute(() => 'probe');
      breaker.recordError(new Error('1'));
      breaker.recordError(new Error('2'));
      breaker.recordError(new Error('3'));
      await clock.advance(1_000);
      breaker.allow();
      await clock.advance(500);
      expect(breaker.state).toBe('open');
      breaker.reset();
      breaker.holdIn({ mode: 'disabled', reason: 'r', actor: 'a', expiresAt });
      breaker.release();
    });
    expect(seen.map(([to]) => to)).toEqual([
      ...['open', 'half_open', 'closed', 'open', 'half_open', 'open', 'closed'],
      ...['disabled', 'closed'],
    ]);
    expect(seen.filter(([, store]) => store !== undefined)).toEqual([]);
  });

  test('a listener does not find the context it was added in either', () => {
    const request = new AsyncLocalStorage<string>();
    const { breaker } = makeBreaker(QUICK);
    const seen: (string | undefined)[] = [];
    request.run('mine', () => breaker.onTransition(() => seen.push(request.getStore())));
    request.run('another', () => breaker.trip());
    expect(seen).toEqual([undefined]);
  });
});

test('an observer that throws at everything never reaches a call', async () => {
  const observer = new RecordingObserver();
  const throwing = Object.fromEntries(
    Object.keys(observer).map((key) => [
      key,
      () => {
        throw new Error('a bad observer');
      },
    ]),
  ) as unknown as RecordingObserver;
  const breaker = createBreaker('bad-observer', { ...QUICK, telemetry: throwing });
  expect(await breaker.execute(() => 1)).toBe(1);
  for (let call = 0; call < 3; call++) expect(await ending(breaker.execute(fails))).toMatchObject({ name: 'Unwell' });
  expect(await ending(breaker.execute(() => 1))).toMatchObject({ code: 'BREAKER_OPEN' });
  await breaker.close();
});
