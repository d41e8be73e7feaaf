import { describe, expect, test } from 'vitest';
import { BreakerOpenError, InvalidInputError, type Override } from '../../src/breaker/index.ts';
import type { ManualClock } from '../../src/breaker/testing.ts';
import { ending, failTimes, makeBreaker, QUICK } from './support.ts';

function override(clock: ManualClock, mode: Override['mode'], forMs = 60_000): Override {
  return { mode, reason: 'release 7', actor: 'ada', expiresAt: new Date(clock.wallMs() + forMs).toISOString() };
}

describe('an override', () => {
  test('forced open refuses every call, for as long as it holds', async () => {
    const { breaker, clock } = makeBreaker(QUICK);
    breaker.holdIn(override(clock, 'forced_open'));
    await clock.advance(30_000);
    const error = await ending(breaker.execute(() => 1));
    expect(error).toBeInstanceOf(BreakerOpenError);
    expect(error).toMatchObject({ retryAfterMs: null });
    expect(breaker.trip()).toBe(false);
    expect(breaker.reset()).toBe(false);
    await breaker.close();
  });

  test('released from forced open it probes before it closes', async () => {
    const { breaker, clock } = makeBreaker(QUICK);
    breaker.holdIn(override(clock, 'forced_open'));
    expect(breaker.release()).toBe(true);
    expect(breaker.release()).toBe(false);
    expect(breaker.state).toBe('half_open');
    await breaker.execute(() => 'good');
    await breaker.execute(() => 'good');
    expect(breaker.state).toBe('closed');
    await breaker.close();
  });

  test('ends by itself at its expiry, with no call to remind it', async () => {
    const { breaker, clock, observer } = makeBreaker(QUICK);
    breaker.holdIn(override(clock, 'forced_open', 5_000));
    await clock.advance(4_999);
    expect(breaker.override?.mode).toBe('forced_open');
    await clock.advance(1);
    expect(observer.of('transitioned').at(-1)).toMatchObject({ to: 'half_open', note: 'the override expired' });
    expect(breaker.override).toBeUndefined();
    expect(clock.pendingTimers).toBe(0);
    await breaker.close();
  });

  test('an expiry is told as ended by whoever set the override', async () => {
    const { breaker, clock, observer } = makeBreaker(QUICK);
    breaker.holdIn(override(clock, 'shadow', 5_000));
    await clock.advance(5_000);
    breaker.holdIn(override(clock, 'shadow', 5_000), { reason: 'desired_state', revision: 4 });
    await clock.advance(5_000);
    expect(observer.of('transitioned')).toMatchObject([
      { to: 'shadow', reason: 'operator' },
      { to: 'closed', reason: 'operator' },
      { to: 'shadow', reason: 'desired_state' },
      { to: 'closed', reason: 'desired_state' },
    ]);
    await breaker.close();
  });

  test('disabled lets all through and judges nothing', async () => {
    const { breaker, clock } = makeBreaker(QUICK);
    breaker.holdIn(override(clock, 'disabled'));
    await failTimes(breaker, 50);
    expect(breaker.state).toBe('disabled');
    expect(breaker.stats().calls).toMatchObject({ failure: 50, rejected: 0 });
    breaker.release();
    expect(breaker.state).toBe('closed');
    await failTimes(breaker, 2);
    expect(breaker.state).toBe('closed');
    await breaker.close();
  });

  test('shadow reports each trip it would have made and rejects nothing', async () => {
    const { breaker, clock, observer } = makeBreaker(QUICK);
    const heard: string[] = [];
    breaker.holdIn(override(clock, 'shadow'));
    breaker.onTransition(({ to }) => heard.push(to));
    await failTimes(breaker, 5);
    expect(observer.of('transitioned').slice(1)).toMatchObject([
      { from: 'shadow', to: 'shadow', reason: 'threshold', window: { executed: 3, failed: 3 } },
    ]);
    expect(heard).toEqual([]);
    expect(breaker.state).toBe('shadow');
    expect(breaker.stats().calls).toMatchObject({ failure: 5, rejected: 0 });
    await breaker.close();
  });

  test('another override takes the place of the first, its expiry too', async () => {
    const { breaker, clock, observer } = makeBreaker(QUICK);
    breaker.holdIn(override(clock, 'forced_open', 1_000));
    breaker.holdIn(override(clock, 'disabled', 9_000));
    await clock.advance(5_000);
    expect(breaker.state).toBe('disabled');
    expect(observer.of('overridden')).toHaveLength(2);
    await breaker.close();
  });

  test.each([
    ['mode', { mode: 'ajar' }, /`mode` must be one of forced_open, disabled, shadow, got "ajar"/],
    ['reason', { reason: '' }, /`reason` must be a string of 1 to 500 characters, got ""/],
    ['actor', { actor: 7 }, /`actor` must be a string of 1 to 200 characters, got 7/],
    ['expiry', { expiresAt: 'tomorrow' }, /`expiresAt` must be an RFC 3339 time/],
    ['stray field', { until: 5 }, /`until` is unknown/],
  ])('with a bad %s is refused and changes nothing', async (_, wrong, message) => {
    const { breaker, clock } = makeBreaker(QUICK);
    const bad = { ...override(clock, 'shadow'), ...wrong } as unknown as Override;
    expect(() => breaker.holdIn(bad)).toThrow(InvalidInputError);
    expect(() => breaker.holdIn(bad)).toThrow(message);
    expect(breaker.state).toBe('closed');
    expect(breaker.override).toBeUndefined();
    expect(clock.pendingTimers).toBe(0);
    await breaker.close();
  });

  test('that has run out already is refused', async () => {
    const { breaker, clock } = makeBreaker(QUICK);
    expect(() => breaker.holdIn(override(clock, 'forced_open', 0))).toThrow(/`expiresAt` must be in the future/);
    expect(breaker.state).toBe('closed');
    await breaker.close();
  });
});

describe('settings laid over', () => {
  test('count from the next call on, and taken off leave its own', async () => {
    const { breaker } = makeBreaker(QUICK);
    await failTimes(breaker, 1);
    breaker.configure({ trip: { failures: 2 }, cooldownMs: 7_000 });
    await failTimes(breaker, 1);
    expect(breaker.state).toBe('open');
    expect(await ending(breaker.execute(() => 1))).toMatchObject({ retryAfterMs: 7_000 });
    breaker.configure(undefined);
    expect(breaker.settings).toMatchObject({ trip: { failures: 3 }, cooldownMs: 1_000 });
    await breaker.close();
  });

  test('a cooldown that runs already is not changed', async () => {
    const { breaker, clock } = makeBreaker(QUICK);
    breaker.trip();
    breaker.configure({ cooldownMs: 60_000 });
    await clock.advance(1_000);
    expect(await breaker.execute(() => 'probe')).toBe('probe');
    await breaker.close();
  });

  test('that could never trip are refused and change nothing', async () => {
    const { breaker } = makeBreaker(QUICK);
    expect(() => breaker.configure({ trip: { failures: null, slowRatio: null } })).toThrow(
      /must keep at least one of failureRatio, failures, consecutive and slowRatio/,
    );
    expect(breaker.settings.trip.failures).toBe(3);
    await breaker.close();
  });
});
