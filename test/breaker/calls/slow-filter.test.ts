import { diag } from '@opentelemetry/api';
import { afterEach, describe, expect, test } from 'vitest';
import {
  attachBreaker,
  type BreakerOptions,
  bufferWire,
  CallTimeoutError,
  type EndedCall,
} from '../../../src/breaker/index.ts';
import {
  closeBreakersAfterEach,
  deferred,
  ending,
  hangs,
  makeBreaker,
  NO_RULE,
  succeedTimes,
  takes,
} from '../support.ts';

closeBreakersAfterEach();
afterEach(() => diag.disable());

class DeadlineExceeded extends Error {
  readonly code = 4;
}

const TOO_MANY = { status: 429 };
const isSlow = ({ result, error }: EndedCall) => result === TOO_MANY || error instanceof DeadlineExceeded;
/** Nothing takes long enough here to be slow by its time, and no failure trips. */
const FILTERED = {
  trip: { ...NO_RULE, slowRatio: 0.5, slowMs: 60_000, minimumCalls: 4 },
  isSlow,
} as const satisfies BreakerOptions;

const throttled = () => TOO_MANY;
const exceeds = () => {
  throw new DeadlineExceeded('too late');
};

describe('the filter of slow calls', () => {
  test('makes a call slow by its result, which its caller has all the same', async () => {
    const { breaker, observer } = makeBreaker(FILTERED);
    await succeedTimes(breaker, 2);
    expect(await breaker.execute(throttled)).toBe(TOO_MANY);
    expect(breaker.exportState().window).toEqual({ executed: 3, failed: 0, slow: 1, consecutive: 0 });
    expect(breaker.executeSync(throttled)).toBe(TOO_MANY);
    expect(breaker.state).toBe('open');
    expect(observer.of('transitioned')).toMatchObject([
      { reason: 'slow', window: { executed: 4, failed: 0, slow: 2 } },
    ]);
    expect(breaker.stats().calls).toMatchObject({ success: 4, failure: 0 });
  });

  test('makes a failed call slow by its error, and it is a failure all the same', async () => {
    const { breaker } = makeBreaker(FILTERED);
    expect(await ending(breaker.execute(exceeds))).toBeInstanceOf(DeadlineExceeded);
    expect(await ending(breaker.execute(async () => exceeds()))).toBeInstanceOf(DeadlineExceeded);
    expect(() => breaker.executeSync(exceeds)).toThrow(DeadlineExceeded);
    expect(breaker.exportState().window).toMatchObject({ executed: 3, failed: 3, slow: 3 });
  });

  test('is asked once of each call that is judged, with its result or its error', async () => {
    const asked: EndedCall[] = [];
    const bad = { status: 503 };
    const { breaker, clock } = makeBreaker({
      trip: { ...NO_RULE, failures: 100 },
      timeoutMs: 50,
      isFailure: (error) => !(error instanceof TypeError),
      isFailureResult: (result) => result === bad,
      isSlow: (ended) => asked.push(ended) > 100,
    });
    const error = new Error('unwell');
    await breaker.execute(() => 'good');
    await breaker.execute(() => bad);
    await ending(breaker.execute(() => Promise.reject(error)));
    const late = ending(breaker.execute(hangs));
    await clock.advance(50);
    const timeout = await late;
    expect(timeout).toBeInstanceOf(CallTimeoutError);
    breaker.acquire()?.recordSuccess();
    breaker.acquire()?.recordError(error);
    await ending(breaker.execute(() => Promise.reject(new TypeError('ignored'))));
    await ending(breaker.execute(hangs, { signal: AbortSignal.abort() }));
    breaker.acquire()?.release();
    breaker.trip();
    await ending(breaker.execute(() => 'rejected'));
    expect(asked).toEqual([
      { result: 'good', error: undefined },
      { result: bad, error: undefined },
      { result: undefined, error },
      { result: undefined, error: timeout },
      { result: undefined, error: undefined },
      { result: undefined, error },
    ]);
  });

  test('adds to what is slow by its time, and no call counts twice', async () => {
    const { breaker, clock } = makeBreaker({
      ...FILTERED,
      trip: { ...FILTERED.trip, slowMs: 100, countOverdue: true, minimumCalls: 10 },
    });
    const both = breaker.execute(takes(clock, 200, TOO_MANY));
    const byTime = breaker.execute(takes(clock, 200));
    await clock.advance(200);
    await both;
    await byTime;
    await breaker.execute(throttled);
    expect(breaker.exportState().window).toMatchObject({ executed: 3, slow: 3 });
  });

  test('counts without a threshold of time as well', async () => {
    const { breaker } = makeBreaker({ ...FILTERED, trip: { ...NO_RULE, failures: 3, slowMs: null } });
    await breaker.execute(throttled);
    expect(breaker.exportState().window.slow).toBe(1);
  });

  test('fails a probe, where slow calls trip', async () => {
    const { breaker, clock } = makeBreaker({ ...FILTERED, cooldownMs: 1_000, halfOpen: { probes: 1 } });
    breaker.trip();
    await clock.advance(1_000);
    expect(await breaker.execute(throttled)).toBe(TOO_MANY);
    expect(breaker.state).toBe('open');
  });

  test('judges the replays of a buffer', async () => {
    const asked: unknown[] = [];
    const { breaker, clock } = makeBreaker({
      ...FILTERED,
      isSlow: ({ result }) => asked.push(result) > 100,
      neutralWires: [bufferWire()],
    });
    breaker.trip();
    await breaker.protect(async (input: number) => input * 2)(21);
    breaker.reset();
    await clock.advance(5_000);
    expect(asked).toEqual([42]);
  });

  test('of a late result decides nothing', async () => {
    const { breaker } = makeBreaker(FILTERED);
    const late = deferred<unknown>();
    const call = breaker.execute(() => late.promise);
    breaker.trip();
    breaker.reset();
    late.resolve(TOO_MANY);
    await call;
    expect(breaker.exportState().window).toMatchObject({ executed: 0, slow: 0 });
  });

  test('is a function of each thread', async () => {
    const { breaker, clock } = makeBreaker(FILTERED);
    const attached = attachBreaker(breaker.share(), { isSlow, clock, telemetry: 'off' });
    await attached.execute(throttled);
    attached.close();
    expect(breaker.exportState().window.slow).toBe(1);
  });

  test('that throws tells the diag logger, and the call counts by its time', async () => {
    const told: unknown[] = [];
    const silent = () => {};
    diag.setLogger({
      error: (...line) => told.push(line[0]),
      warn: silent,
      info: silent,
      debug: silent,
      verbose: silent,
    });
    const { breaker } = makeBreaker({
      ...FILTERED,
      isSlow: () => {
        throw new Error('the filter itself');
      },
    });
    expect(await breaker.execute(() => 'good')).toBe('good');
    expect(await ending(breaker.execute(exceeds))).toBeInstanceOf(DeadlineExceeded);
    expect(breaker.exportState().window).toMatchObject({ executed: 2, failed: 1, slow: 0 });
    expect(told).toEqual(Array(2).fill(`isSlow of breaker "${breaker.name}" threw`));
  });

  test('must be a function', () => {
    expect(() => makeBreaker({ isSlow: 'always' } as unknown as BreakerOptions)).toThrow(
      /`isSlow` must be a function, got "always"/,
    );
  });
});
