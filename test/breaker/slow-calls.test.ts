import { describe, expect, test } from 'vitest';
import { type BreakerReadings, fallbackWire } from '../../src/breaker/index.ts';
import { RecordingObserver } from '../../src/breaker/testing.ts';
import {
  closeBreakersAfterEach,
  deferred,
  ending,
  failTimes,
  hangs,
  makeBreaker,
  NO_RULE,
  succeedTimes,
  takes,
  Unwell,
} from './support.ts';

closeBreakersAfterEach();

const SLOW = { ...NO_RULE, slowRatio: 0.5, slowMs: 100, minimumCalls: 4 } as const;

describe('a share of slow calls', () => {
  test('trips at the slow call that reaches it, though none failed', async () => {
    const { breaker, clock, observer } = makeBreaker({ trip: SLOW });
    await succeedTimes(breaker, 2);
    for (let call = 0; call < 2; call++) {
      expect(breaker.state).toBe('closed');
      const slow = breaker.execute(takes(clock, 101));
      await clock.advance(101);
      await slow;
    }
    expect(breaker.state).toBe('open');
    expect(observer.of('transitioned')).toMatchObject([
      { to: 'open', reason: 'slow', window: { executed: 4, failed: 0, slow: 2 } },
    ]);
  });

  test('a call of just the threshold is not slow', async () => {
    const { breaker, clock } = makeBreaker({ trip: { ...SLOW, minimumCalls: 1 } });
    const call = breaker.execute(takes(clock, 100));
    await clock.advance(100);
    await call;
    expect(breaker.exportState().window.slow).toBe(0);
  });

  test('the slow call that trips has its own answer, and no wire is asked for it', async () => {
    const { breaker, clock } = makeBreaker({
      trip: { ...SLOW, minimumCalls: 1 },
      neutralWires: [fallbackWire(() => 'stale')],
    });
    const call = breaker.execute(takes(clock, 101, 'its own'));
    await clock.advance(101);
    expect(await call).toBe('its own');
    expect(breaker.state).toBe('open');
    expect(await breaker.execute(() => 'fresh')).toBe('stale');
  });

  test('a call may be slow and failed at once', async () => {
    const { breaker, clock } = makeBreaker({ trip: SLOW });
    const late = deferred();
    const call = ending(breaker.execute(() => late.promise));
    await clock.advance(200);
    late.reject(new Unwell('slow and bad'));
    await call;
    expect(breaker.exportState().window).toMatchObject({ executed: 1, failed: 1, slow: 1 });
  });

  test('quick failures do not trip by it', async () => {
    const { breaker } = makeBreaker({ trip: SLOW });
    await failTimes(breaker, 20);
    expect(breaker.state).toBe('closed');
  });

  test('a slow probe fails its breaker', async () => {
    const { breaker, clock } = makeBreaker({ trip: SLOW, cooldownMs: 1_000, halfOpen: { probes: 2 } });
    breaker.trip();
    await clock.advance(1_000);
    const probe = breaker.execute(takes(clock, 101));
    await clock.advance(101);
    expect(await probe).toBe('slow');
    expect(breaker.state).toBe('open');
  });
});

describe('calls that hang', () => {
  const HANGING = { ...SLOW, countOverdue: true } as const;

  test('trip the breaker while they hang, and their callers still get their answers', async () => {
    const { breaker, clock } = makeBreaker({ trip: HANGING });
    const hung = deferred();
    const calls = Array.from({ length: 4 }, () => breaker.execute(() => hung.promise));
    await clock.advance(99);
    expect(breaker.state).toBe('closed');
    await clock.advance(1);
    expect(breaker.state).toBe('open');
    hung.resolve('at last');
    expect(await Promise.all(calls)).toEqual(Array(4).fill('at last'));
    expect(breaker.stats().calls).toMatchObject({ success: 4, failure: 0 });
  });

  test('by default: twenty calls that hang for ten seconds trip a breaker nobody configured', async () => {
    const { breaker, clock } = makeBreaker();
    for (let call = 0; call < 20; call++) void breaker.execute(hangs);
    await clock.advance(9_999);
    expect(breaker.state).toBe('closed');
    await clock.advance(1);
    expect(breaker.state).toBe('open');
  });

  test('each counts once: a late good end adds nothing, a late bad end adds its failure only', async () => {
    let readings: BreakerReadings | undefined;
    const telemetry = Object.assign(new RecordingObserver(), {
      added: (breaker: BreakerReadings) => {
        readings = breaker;
      },
    });
    const { breaker, clock } = makeBreaker({ trip: { ...HANGING, minimumCalls: 10 }, telemetry });
    const good = deferred();
    const bad = deferred();
    const calls = [breaker.execute(() => good.promise), ending(breaker.execute(() => bad.promise))];
    await clock.advance(100);
    expect(breaker.exportState().window).toMatchObject({ executed: 2, failed: 0, slow: 2 });
    await clock.advance(100);
    good.resolve('late');
    bad.reject(new Unwell('late'));
    await Promise.all(calls);
    expect(breaker.exportState().window).toMatchObject({ executed: 2, failed: 1, slow: 2 });
    expect(readings?.slowCalls()).toBe(2);
  });

  test('a late bad end can trip by its failure', async () => {
    const { breaker, clock } = makeBreaker({ trip: { ...HANGING, failures: 1, minimumCalls: 10 } });
    const late = deferred();
    const call = ending(breaker.execute(() => late.promise));
    await clock.advance(100);
    expect(breaker.state).toBe('closed');
    late.reject(new Unwell('late'));
    await call;
    expect(breaker.state).toBe('open');
  });

  test('their late ends decide nothing once they have tripped it', async () => {
    const { breaker, clock } = makeBreaker({ trip: HANGING, cooldownMs: 1_000, halfOpen: { probes: 1 } });
    const hung = deferred();
    const calls = Array.from({ length: 4 }, () => ending(breaker.execute(() => hung.promise)));
    await clock.advance(1_100);
    const probe = deferred();
    const probing = breaker.execute(() => probe.promise);
    hung.reject(new Unwell('late'));
    await Promise.all(calls);
    expect(breaker.state).toBe('half_open');
    probe.resolve('good');
    await probing;
    expect(breaker.state).toBe('closed');
    expect(breaker.exportState().window.executed).toBe(0);
  });

  test('in a window of so many calls, one that was pushed out adds no failure to another', async () => {
    const { breaker, clock } = makeBreaker({ trip: { ...HANGING, windowCalls: 3, minimumCalls: 3, slowRatio: 1 } });
    const late = deferred();
    const call = ending(breaker.execute(() => late.promise));
    await clock.advance(100);
    expect(breaker.exportState().window).toMatchObject({ executed: 1, slow: 1 });
    await succeedTimes(breaker, 3);
    late.reject(new Unwell('late'));
    await call;
    expect(breaker.exportState().window).toMatchObject({ executed: 3, failed: 0, slow: 0 });
  });

  test('count at their end where the breaker is told so', async () => {
    const { breaker, clock } = makeBreaker({ trip: { ...HANGING, countOverdue: false } });
    const hung = deferred();
    const calls = Array.from({ length: 4 }, () => breaker.execute(() => hung.promise));
    await clock.advance(1_000);
    expect(breaker.state).toBe('closed');
    hung.resolve('at last');
    await Promise.all(calls);
    expect(breaker.state).toBe('open');
  });
});
