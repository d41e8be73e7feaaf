import { ATTR, METRICS, type Override } from '@switchgear/conventions';
import { describe, expect, test } from 'vitest';
import { DesiredBreakers } from '../../src/breaker/control/desired-breakers.ts';
import { type Breaker, type BreakerOptions, createBreaker, InvalidInputError } from '../../src/breaker/index.ts';
import type { ManualClock } from '../../src/breaker/testing.ts';
import { closeBreakersAfterEach, deferred, ending, failTimes, makeBreaker, QUICK, succeedTimes } from './support.ts';
import { registerSdk } from './telemetry/sdk.ts';

closeBreakersAfterEach();

const SHADOW = { ...QUICK, mode: 'shadow' } as const satisfies BreakerOptions;
const DISABLED = { ...QUICK, mode: 'disabled' } as const satisfies BreakerOptions;

function override(clock: ManualClock, mode: Override['mode'], forMs = 60_000): Override {
  return { mode, reason: 'release 7', actor: 'ada', expiresAt: new Date(clock.wallMs() + forMs).toISOString() };
}

describe('a mode of its own', () => {
  test('is auto where nothing is said', () => {
    expect(makeBreaker().breaker.mode).toBe('auto');
    expect(makeBreaker({ mode: 'auto' }).breaker.state).toBe('closed');
  });

  test.each(['shadow', 'disabled'] as const)('%s holds from the start, and nobody is told of it', (mode) => {
    const { breaker, observer, clock } = makeBreaker({ ...QUICK, mode });
    expect(breaker).toMatchObject({ mode, state: mode, generation: 1, override: undefined, overrideSource: undefined });
    expect(observer.of('transitioned')).toEqual([]);
    expect(observer.of('overridden')).toEqual([]);
    expect(breaker.stats().transitions.every(({ count }) => count === 0)).toBe(true);
    expect(clock.pendingTimers).toBe(0);
  });

  test('shadow counts, reports each trip it would have made once in a cooldown, and rejects nothing', async () => {
    const { breaker, clock, observer } = makeBreaker(SHADOW);
    await failTimes(breaker, 5);
    await clock.advance(1_000);
    await failTimes(breaker, 1);
    const trip = { from: 'shadow', to: 'shadow', reason: 'threshold' };
    expect(observer.of('transitioned')).toMatchObject([trip, trip]);
    expect(breaker.stats().calls).toMatchObject({ failure: 6, rejected: 0 });
    expect(breaker.exportState().window).toMatchObject({ executed: 6, failed: 6 });
    expect(breaker.state).toBe('shadow');
  });

  test('disabled lets all through and judges nothing', async () => {
    const { breaker, observer } = makeBreaker(DISABLED);
    await failTimes(breaker, 50);
    expect(breaker.state).toBe('disabled');
    expect(breaker.stats().calls).toMatchObject({ failure: 50, rejected: 0 });
    expect(breaker.exportState().window.executed).toBe(0);
    expect(observer.of('transitioned')).toEqual([]);
  });

  test.each(['shadow', 'disabled'] as const)('%s has no trips and no resets, whoever asks', (mode) => {
    const { breaker } = makeBreaker({ ...QUICK, mode });
    expect([breaker.trip(), breaker.reset(), breaker.act('trip', 'n'), breaker.act('reset', 'n')]).toEqual(
      Array(4).fill(false),
    );
    expect(breaker).toMatchObject({ state: mode, generation: 1 });
  });

  test.each([['forced_open'], ['on'], [null], [1]])('cannot be %j', (mode) => {
    const options = { mode } as unknown as BreakerOptions;
    expect(() => createBreaker('wrong', options)).toThrow(InvalidInputError);
    expect(() => createBreaker('wrong', options)).toThrow(/`mode` must be one of auto, shadow, disabled, got/);
  });
});

describe('after an override', () => {
  test.each(['shadow', 'disabled'] as const)('%s is what a breaker goes back to, by release', async (mode) => {
    const { breaker, clock, observer } = makeBreaker({ ...QUICK, mode });
    for (const held of ['forced_open', mode === 'shadow' ? 'disabled' : 'shadow'] as const) {
      breaker.holdIn(override(clock, held));
      expect(breaker.state).toBe(held);
      expect(breaker.release()).toBe(true);
      expect(observer.of('transitioned').slice(-2)).toMatchObject([
        { from: mode, to: held, reason: 'operator' },
        { from: held, to: mode, reason: 'operator' },
      ]);
      expect(breaker.release()).toBe(false);
    }
    await failTimes(breaker, 9);
    expect(breaker.state).toBe(mode);
  });

  test('it goes back to it by expiry as well', async () => {
    const { breaker, clock, observer } = makeBreaker(SHADOW);
    breaker.holdIn(override(clock, 'forced_open', 5_000));
    await clock.advance(5_000);
    expect(observer.of('transitioned').at(-1)).toMatchObject({ to: 'shadow', note: 'the override expired' });
    expect(breaker.override).toBeUndefined();
    expect(clock.pendingTimers).toBe(0);
  });

  test('in the mode it has of its own, nothing changes but that it is held', async () => {
    const { breaker, clock, observer } = makeBreaker(SHADOW);
    await failTimes(breaker, 1);
    breaker.holdIn(override(clock, 'shadow'));
    expect(breaker.override?.mode).toBe('shadow');
    expect(observer.of('overridden')).toHaveLength(1);
    expect(breaker.release()).toBe(true);
    expect(breaker.override).toBeUndefined();
    expect(breaker).toMatchObject({ state: 'shadow', generation: 1 });
    expect(breaker.exportState().window.failed).toBe(1);
  });

  test('of the control plane that is withdrawn, it is in its own mode again', () => {
    const { breaker, clock, observer } = makeBreaker(SHADOW);
    const control = new DesiredBreakers();
    const apply = (wanted: object) =>
      control.accept(
        {
          schema: 'switchgear.desired-state/v1',
          revision: 1,
          breakers: { [breaker.name]: { revision: 1, ...wanted } },
        },
        [breaker as unknown as Breaker],
      );
    expect(apply({})).toEqual([]);
    expect(breaker).toMatchObject({ state: 'shadow', generation: 1 });
    const wanted = override(clock, 'forced_open');
    apply({ override: wanted });
    apply({ override: wanted });
    expect(breaker).toMatchObject({ state: 'forced_open', generation: 2 });
    apply({});
    apply({});
    expect(breaker).toMatchObject({ state: 'shadow', generation: 3, override: undefined });
    expect(observer.of('transitioned').at(-1)).toMatchObject({ to: 'shadow', reason: 'desired_state' });
  });
});

describe('a snapshot', () => {
  test('of a breaker in shadow is one of a closed breaker with what it had counted', async () => {
    const { breaker } = makeBreaker(SHADOW);
    await failTimes(breaker, 2);
    const snapshot = breaker.exportState();
    expect(snapshot).toMatchObject({ state: 'closed', reopenings: 0, window: { executed: 2, failed: 2 } });
    const { breaker: next } = makeBreaker(QUICK);
    next.importState(snapshot);
    expect(next.state).toBe('closed');
    await failTimes(next, 1);
    expect(next.state).toBe('open');
  });

  test.each(['closed', 'open', 'half_open'] as const)('of %s leaves a breaker in shadow there', async (state) => {
    const { breaker, clock, observer } = makeBreaker(SHADOW);
    const late = deferred();
    const call = ending(breaker.execute(() => late.promise));
    const window = { executed: 2, failed: 2, slow: 0, consecutive: 2 };
    const schema = 'switchgear.breaker-state/v1';
    breaker.importState({ schema, takenAt: clock.wallMs(), state, reopenings: 0, cooldownLeftMs: 900, window });
    expect(breaker).toMatchObject({ state: 'shadow', generation: 2 });
    expect(breaker.exportState()).toMatchObject({ state: 'closed', window });
    expect(observer.of('transitioned')).toEqual([]);
    late.reject(new Error('late'));
    await call;
    expect(observer.of('transitioned')).toEqual([]);
    await failTimes(breaker, 1);
    expect(observer.of('transitioned')).toMatchObject([{ from: 'shadow', to: 'shadow' }]);
  });

  test.each(['shadow', 'disabled'] as const)('of an open breaker is no outage of one in %s', async (mode) => {
    const { breaker } = makeBreaker(QUICK);
    breaker.trip();
    const { breaker: next, clock, observer } = makeBreaker({ ...QUICK, mode });
    next.importState(breaker.exportState());
    await clock.advance(500);
    next.redefine(QUICK);
    expect(observer.of('transitioned')).toMatchObject([{ to: 'closed', openMs: undefined, meanwhile: undefined }]);
  });

  test('leaves a disabled breaker disabled, and nothing of it comes back later', async () => {
    const { breaker, clock } = makeBreaker(DISABLED);
    const window = { executed: 2, failed: 2, slow: 0, consecutive: 2 };
    const schema = 'switchgear.breaker-state/v1';
    const at = { schema, takenAt: clock.wallMs(), reopenings: 0, cooldownLeftMs: 900, window } as const;
    breaker.importState({ ...at, state: 'open' });
    expect(breaker).toMatchObject({ state: 'disabled', generation: 2 });
    expect(breaker.exportState()).toMatchObject({ state: 'closed', window: { executed: 0, consecutive: 0 } });
  });

  test('with an override holds it, and then it is in its own mode', async () => {
    const { breaker, clock } = makeBreaker(QUICK);
    breaker.holdIn(override(clock, 'forced_open', 5_000));
    const { breaker: next, clock: itsClock, observer } = makeBreaker(SHADOW);
    next.importState(breaker.exportState());
    expect(observer.of('transitioned')).toMatchObject([{ from: 'shadow', to: 'forced_open' }]);
    await itsClock.advance(5_000);
    expect(next.state).toBe('shadow');
  });

  test('that has none takes off what held it here', () => {
    const { breaker, clock } = makeBreaker(SHADOW);
    const snapshot = breaker.exportState();
    breaker.holdIn(override(clock, 'forced_open'));
    breaker.importState(snapshot);
    expect(breaker).toMatchObject({ state: 'shadow', override: undefined });
  });
});

test('its first series say so', async () => {
  const sdk = registerSdk();
  const breaker = createBreaker('on-trial', { mode: 'shadow' });
  const found = await sdk.metricsOf(breaker.name);
  const pointsOf = (name: string) => found.find(({ descriptor }) => descriptor.name === name)?.dataPoints ?? [];
  const states = pointsOf(METRICS.status.name).map(({ attributes, value }) => [attributes[ATTR.state], value]);
  expect(Object.fromEntries(states)).toEqual({
    closed: 0,
    open: 0,
    half_open: 0,
    forced_open: 0,
    disabled: 0,
    shadow: 1,
  });
  expect(pointsOf(METRICS.transitions.name).every(({ value }) => value === 0)).toBe(true);
  expect(sdk.events()).toEqual([]);
  await succeedTimes(breaker, 1);
  expect(breaker.stats().calls.success).toBe(1);
});
