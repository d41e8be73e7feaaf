import { describe, expect, test } from 'vitest';
import {
  BreakerOpenError,
  type BreakerOptions,
  type BreakerSnapshot,
  InvalidInputError,
} from '../../src/breaker/index.ts';
import { ManualClock } from '../../src/breaker/testing.ts';
import { closeBreakersAfterEach, deferred, ending, failTimes, makeBreaker, NO_RULE, succeedTimes } from './support.ts';

closeBreakersAfterEach();

const RULES = {
  trip: { ...NO_RULE, failures: 3, consecutive: 50 },
  cooldownMs: 10_000,
  halfOpen: { probes: 2 },
} as const satisfies BreakerOptions;

const START = Date.UTC(2026, 0, 1);

/** A breaker of another process, which began `laterMs` after the first one's clock stood at 0. */
function inAnotherProcess(laterMs = 0, options: BreakerOptions = RULES) {
  const clock = new ManualClock(START + laterMs);
  return makeBreaker({ ...options, clock });
}

/** What is read back from where it was kept. */
function kept(snapshot: BreakerSnapshot): BreakerSnapshot {
  return JSON.parse(JSON.stringify(snapshot));
}

describe('what a breaker knows', () => {
  test('is plain JSON', async () => {
    const { breaker, clock } = makeBreaker(RULES);
    await succeedTimes(breaker, 2);
    await failTimes(breaker, 1);
    const closed = breaker.exportState();
    expect(kept(closed)).toEqual(closed);
    expect(closed).toEqual({
      schema: 'switchgear.breaker-state/v1',
      takenAt: clock.wallMs(),
      state: 'closed',
      reopenings: 0,
      cooldownLeftMs: 0,
      window: { executed: 3, failed: 1, slow: 0, consecutive: 1 },
    });
    breaker.trip();
    await clock.advance(4_000);
    expect(breaker.exportState()).toMatchObject({ state: 'open', cooldownLeftMs: 6_000, takenAt: clock.wallMs() });
  });

  test('of an open one is taken up with what is left of its cooldown, by the wall clock', async () => {
    const { breaker, clock } = makeBreaker(RULES);
    breaker.trip();
    await clock.advance(3_000);
    const snapshot = kept(breaker.exportState());
    const next = inAnotherProcess(8_000);
    next.breaker.importState(snapshot);
    expect(next.breaker.state).toBe('open');
    expect(await ending(next.breaker.execute(() => 1))).toMatchObject({ code: 'BREAKER_OPEN', retryAfterMs: 2_000 });
    await next.clock.advance(2_000);
    expect(await next.breaker.execute(() => 'probe')).toBe('probe');
    expect(next.breaker.state).toBe('half_open');
  });

  test('of an open one whose cooldown has run out meanwhile is a breaker that probes', async () => {
    const { breaker } = makeBreaker(RULES);
    breaker.trip();
    const next = inAnotherProcess(3_600_000);
    next.breaker.importState(kept(breaker.exportState()));
    expect(next.breaker.state).toBe('open');
    await succeedTimes(next.breaker, 1);
    expect(next.breaker.state).toBe('half_open');
  });

  test('under a wall clock that was set back keeps no longer cooldown than was left', async () => {
    const { breaker } = makeBreaker(RULES);
    breaker.trip();
    const next = inAnotherProcess(-3_600_000);
    next.breaker.importState(kept(breaker.exportState()));
    expect(await ending(next.breaker.execute(() => 1))).toMatchObject({ retryAfterMs: 10_000 });
  });

  test('of a half-open one begins its probes anew', async () => {
    const { breaker, clock } = makeBreaker(RULES);
    breaker.trip();
    await clock.advance(10_000);
    await succeedTimes(breaker, 1);
    const next = inAnotherProcess(20_000);
    next.breaker.importState(kept(breaker.exportState()));
    expect(next.breaker.state).toBe('half_open');
    await succeedTimes(next.breaker, 1);
    expect(next.breaker.state).toBe('half_open');
    await succeedTimes(next.breaker, 1);
    expect(next.breaker.state).toBe('closed');
  });

  test('takes up what the window held, for as long as the window lasts', async () => {
    const { breaker } = makeBreaker(RULES);
    await failTimes(breaker, 2);
    const snapshot = kept(breaker.exportState());
    const next = inAnotherProcess();
    next.breaker.importState(snapshot);
    expect(next.breaker.exportState().window).toEqual(snapshot.window);
    await failTimes(next.breaker, 1);
    expect(next.breaker.state).toBe('open');

    const later = inAnotherProcess();
    later.breaker.importState(snapshot);
    await later.clock.advance(11_000);
    await failTimes(later.breaker, 1);
    expect(later.breaker.state).toBe('closed');
  });

  test('takes up a window of so many calls, and the failures in a row', async () => {
    const trip = { ...NO_RULE, windowCalls: 10, failures: 5, consecutive: 4 };
    const { breaker } = makeBreaker({ ...RULES, trip });
    await succeedTimes(breaker, 5);
    await failTimes(breaker, 3);
    const next = inAnotherProcess(3_600_000, { ...RULES, trip });
    next.breaker.importState(kept(breaker.exportState()));
    expect(next.breaker.exportState().window).toEqual({ executed: 8, failed: 3, slow: 0, consecutive: 3 });
    await failTimes(next.breaker, 1);
    expect(next.breaker.state).toBe('open');
  });

  test('lets a growing cooldown grow on', async () => {
    const options = { ...RULES, cooldownMs: { baseMs: 1_000, maxMs: 60_000, factor: 2, jitter: 0 } };
    const { breaker, clock } = makeBreaker(options);
    breaker.trip();
    for (const cooldownMs of [1_000, 2_000]) {
      await clock.advance(cooldownMs);
      await failTimes(breaker, 1);
    }
    const snapshot = kept(breaker.exportState());
    expect(snapshot).toMatchObject({ reopenings: 2, cooldownLeftMs: 4_000 });
    const next = inAnotherProcess(clock.monotonicMs(), options);
    next.breaker.importState(snapshot);
    await next.clock.advance(4_000);
    await failTimes(next.breaker, 1);
    expect(await ending(next.breaker.execute(() => 1))).toMatchObject({ retryAfterMs: 8_000 });
  });

  test('is no transition: nobody is told', async () => {
    const { breaker } = makeBreaker(RULES);
    breaker.trip();
    const next = inAnotherProcess();
    const heard: string[] = [];
    next.breaker.onTransition(({ to }) => heard.push(to));
    next.breaker.importState(kept(breaker.exportState()));
    expect(heard).toEqual([]);
    expect(next.observer.of('transitioned')).toEqual([]);
    expect(next.breaker.stats().transitions.every(({ count }) => count === 0)).toBe(true);
  });

  test('takes the decision from calls that were in flight', async () => {
    const { breaker } = makeBreaker({ ...RULES, trip: { ...NO_RULE, failures: 1 } });
    const late = deferred();
    const call = ending(breaker.execute(() => late.promise));
    const { generation } = breaker;
    breaker.importState(kept(breaker.exportState()));
    expect(breaker.generation).toBe(generation + 1);
    late.reject(new Error('late'));
    await call;
    expect(breaker.state).toBe('closed');
    expect(breaker.stats().calls.failure).toBe(1);
  });
});

describe('an override in a snapshot', () => {
  const override = (expiresInMs: number, mode: 'forced_open' | 'disabled' | 'shadow' = 'forced_open') => ({
    mode,
    reason: 'release 7',
    actor: 'ada',
    expiresAt: new Date(START + expiresInMs).toISOString(),
  });

  test('is held on until its expiry', async () => {
    const { breaker } = makeBreaker(RULES);
    breaker.holdIn(override(60_000));
    const next = inAnotherProcess(50_000);
    next.breaker.importState(kept(breaker.exportState()));
    expect(next.breaker.state).toBe('forced_open');
    expect(next.breaker.override).toEqual(override(60_000));
    await next.clock.advance(10_000);
    expect(next.breaker.state).toBe('half_open');
    expect(next.breaker.override).toBeUndefined();
  });

  test.each([['operator'], ['desired_state']] as const)('is still the one of whoever set it: %s', (reason) => {
    const { breaker } = makeBreaker(RULES);
    breaker.holdIn(override(60_000), { reason });
    const next = inAnotherProcess();
    next.breaker.importState(kept(breaker.exportState()));
    expect(next.breaker.overrideSource).toBe(reason);
    expect(next.observer.of('transitioned')).toMatchObject([{ to: 'forced_open', reason }]);
  });

  test('that has run out meanwhile leaves the state that its release would have led to', () => {
    const expected = { forced_open: 'half_open', disabled: 'closed', shadow: 'closed' } as const;
    for (const mode of ['forced_open', 'disabled', 'shadow'] as const) {
      const { breaker } = makeBreaker(RULES);
      breaker.holdIn(override(60_000, mode));
      const next = inAnotherProcess(60_000);
      next.breaker.importState(kept(breaker.exportState()));
      expect([mode, next.breaker.state]).toEqual([mode, expected[mode]]);
      expect(next.breaker.override).toBeUndefined();
    }
  });

  test('takes the place of one that was held here, and none ends it', async () => {
    const { breaker } = makeBreaker(RULES);
    const next = inAnotherProcess();
    next.breaker.holdIn(override(60_000));
    next.breaker.importState(kept(breaker.exportState()));
    expect(next.breaker.override).toBeUndefined();
    expect(next.breaker.state).toBe('closed');
    expect(next.clock.pendingTimers).toBe(0);
  });
});

describe('a bad snapshot', () => {
  const good: BreakerSnapshot = {
    schema: 'switchgear.breaker-state/v1',
    takenAt: START,
    state: 'open',
    reopenings: 1,
    cooldownLeftMs: 500,
    window: { executed: 4, failed: 2, slow: 1, consecutive: 0 },
  };

  test.each([
    ['schema', { schema: 'switchgear.breaker-state/v2' }],
    ['takenAt', { takenAt: 'yesterday' }],
    ['takenAt', { takenAt: -1 }],
    ['state', { state: 'ajar' }],
    ['state', { state: 'forced_open' }],
    ['reopenings', { reopenings: -1 }],
    ['reopenings', { reopenings: 2 ** 31 - 1 }],
    ['cooldownLeftMs', { cooldownLeftMs: Number.NaN }],
    ['cooldownLeftMs', { cooldownLeftMs: null }],
    ['cooldownLeftMs', { cooldownLeftMs: 86_400_001 }],
    ['window', { window: undefined }],
    ['window.executed', { window: { ...good.window, executed: 1.5 } }],
    ['window.executed', { window: { ...good.window, executed: 2 ** 31 } }],
    ['window.executed', { window: { ...good.window, failed: 5 } }],
    ['window.executed', { window: { ...good.window, slow: 5 } }],
    ['window.consecutive', { window: { ...good.window, consecutive: -1 } }],
    ['window.timeouts', { window: { ...good.window, timeouts: 1 } }],
    ['override.mode', { override: { mode: 'ajar', reason: 'r', actor: 'a', expiresAt: '2027-01-01T00:00:00Z' } }],
    ['override', { override: 'forced_open' }],
    ['overrideSource', { overrideSource: 'nobody' }],
    ['generation', { generation: 7 }],
  ])('is refused at its `%s`, and nothing changes', async (field, wrong) => {
    const { breaker } = makeBreaker(RULES);
    await failTimes(breaker, 1);
    const before = breaker.exportState();
    try {
      breaker.importState({ ...good, ...wrong } as BreakerSnapshot);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(InvalidInputError);
      expect((error as InvalidInputError).problems.map((problem) => problem.field)).toEqual([field]);
    }
    expect(breaker.exportState()).toEqual(before);
    expect(breaker.generation).toBe(1);
  });

  test('names every field at once', () => {
    const { breaker } = makeBreaker(RULES);
    expect(() => breaker.importState({ ...good, state: 'ajar', takenAt: -1 } as unknown as BreakerSnapshot)).toThrow(
      /takenAt.*state/s,
    );
  });

  test.each([[null], ['open'], [[]], [undefined]])('%j is none', (snapshot) => {
    const { breaker } = makeBreaker(RULES);
    expect(() => breaker.importState(snapshot as unknown as BreakerSnapshot)).toThrow(InvalidInputError);
  });

  test('none of these is refused for being good', async () => {
    const { breaker } = makeBreaker(RULES);
    breaker.importState(good);
    expect(await ending(breaker.execute(() => 1))).toBeInstanceOf(BreakerOpenError);
  });
});
