import { describe, expect, test } from 'vitest';
import { BreakerOpenError, type BreakerOptions, fallbackWire, type NeutralWire } from '../../src/breaker/index.ts';
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
} from './support.ts';

closeBreakersAfterEach();

const COOLDOWN_MS = 5_000;
const STEP_MS = 1_000;
const RAMP = {
  trip: { ...NO_RULE, failureRatio: 0.5, minimumCalls: 20 },
  cooldownMs: COOLDOWN_MS,
  halfOpen: { probes: 1, probeTimeoutMs: 500, ramp: [0.1, 0.5], rampStepMs: STEP_MS },
} as const satisfies BreakerOptions;

/** A breaker at the first step of its ramp. */
async function onItsRamp<const Wires extends readonly NeutralWire[] = readonly []>(options: BreakerOptions<Wires>) {
  const made = makeBreaker<Wires>(options);
  made.breaker.trip();
  await made.clock.advance(COOLDOWN_MS);
  await made.breaker.execute(() => 'probe');
  expect(made.breaker.state).toBe('half_open');
  return made;
}

/** Offers good calls and counts those that were let through. */
async function letThrough(breaker: Awaited<ReturnType<typeof onItsRamp>>['breaker'], offered: number) {
  let ran = 0;
  for (let call = 0; call < offered; call++) await ending(breaker.execute(() => ran++));
  return ran;
}

describe('a recovery ramp', () => {
  test('lets its share of the calls through in each step, and closes after the last', async () => {
    const { breaker, clock, observer } = await onItsRamp(RAMP);
    expect(await letThrough(breaker, 100)).toBe(10);
    await clock.advance(STEP_MS);
    expect(await letThrough(breaker, 100)).toBe(50);
    await clock.advance(STEP_MS);
    expect(breaker.state).toBe('closed');
    expect(await letThrough(breaker, 100)).toBe(100);
    // The steps are no transitions: it was half-open all the way.
    expect(observer.of<{ to: string; reason: string }>('transitioned').map(({ to, reason }) => [to, reason])).toEqual([
      ['open', 'operator'],
      ['half_open', 'cooldown'],
      ['closed', 'probes_passed'],
    ]);
  });

  test('spreads them: the first, and then every tenth', async () => {
    const { breaker } = await onItsRamp(RAMP);
    const through: number[] = [];
    for (let call = 1; call <= 31; call++) await ending(breaker.execute(() => through.push(call)));
    expect(through).toEqual([1, 11, 21, 31]);
  });

  test('diverts the rest to a wire; without one they are told how long the step lasts', async () => {
    const { breaker: wired } = await onItsRamp({ ...RAMP, neutralWires: [fallbackWire(() => 'stale')] });
    const answers: string[] = [];
    for (let call = 0; call < 10; call++) answers.push(await wired.execute(() => 'fresh'));
    expect(answers).toEqual(['fresh', ...Array(9).fill('stale')]);
    expect(wired.stats().calls).toMatchObject({ diverted: 9, rejected: 0 });

    const { breaker, clock } = await onItsRamp(RAMP);
    await succeedTimes(breaker, 1);
    await clock.advance(300);
    const error = await ending(breaker.execute(() => 'too many'));
    expect(error).toBeInstanceOf(BreakerOpenError);
    expect(error).toMatchObject({ retryAfterMs: STEP_MS - 300 });
  });

  test('goes on by calls, not by silence: a step that nobody used is not passed', async () => {
    const { breaker, clock } = await onItsRamp(RAMP);
    await clock.advance(3_600_000);
    expect(breaker.state).toBe('half_open');
    // Its first call ends it, since its time is over: of the nine after it, every other one.
    expect(await letThrough(breaker, 10)).toBe(1 + 5);
  });

  test('a bad step opens the breaker again as soon as five calls say so', async () => {
    const { breaker, observer } = await onItsRamp({ ...RAMP, halfOpen: { ...RAMP.halfOpen, ramp: [0.5] } });
    await failTimes(breaker, 8);
    expect(breaker.state).toBe('half_open');
    await failTimes(breaker, 1);
    expect(breaker.state).toBe('open');
    expect(observer.of('transitioned').at(-1)).toMatchObject({ from: 'half_open', to: 'open', reason: 'probe_failed' });
    // And the cooldown begins anew.
    expect(await ending(breaker.execute(() => 1))).toMatchObject({ retryAfterMs: COOLDOWN_MS });
  });

  test('a few bad calls are judged when the step is over', async () => {
    const { breaker, clock } = await onItsRamp({ ...RAMP, halfOpen: { ...RAMP.halfOpen, ramp: [0.5] } });
    await failTimes(breaker, 1);
    await clock.advance(STEP_MS - 1);
    expect(breaker.state).toBe('half_open');
    await clock.advance(1);
    expect(breaker.state).toBe('open');
  });

  test('a bad second step opens it as well', async () => {
    const { breaker, clock } = await onItsRamp(RAMP);
    await succeedTimes(breaker, 1);
    await clock.advance(STEP_MS);
    await failTimes(breaker, 20);
    expect(breaker.state).toBe('open');
  });

  test('single failures under the ratio do not stop it', async () => {
    const { breaker, clock } = await onItsRamp({ ...RAMP, halfOpen: { ...RAMP.halfOpen, ramp: [0.9] } });
    await succeedTimes(breaker, 9);
    await failTimes(breaker, 2);
    expect(breaker.state).toBe('half_open');
    await clock.advance(STEP_MS);
    expect(breaker.state).toBe('closed');
  });

  test('slow calls stop it where slowness trips', async () => {
    const trip = { ...RAMP.trip, slowRatio: 0.5, slowMs: 100 };
    const { breaker, clock } = await onItsRamp({ ...RAMP, trip });
    const slow = breaker.execute(takes(clock, 101));
    await clock.advance(101);
    await slow;
    await clock.advance(STEP_MS);
    expect(breaker.state).toBe('open');
  });

  test('calls that hang stop it while they hang', async () => {
    const trip = { ...RAMP.trip, slowRatio: 0.5, slowMs: 100, countOverdue: true };
    const { breaker, clock } = await onItsRamp({ ...RAMP, trip, halfOpen: { ...RAMP.halfOpen, ramp: [0.9] } });
    for (let call = 0; call < 5; call++) void breaker.execute(hangs);
    await clock.advance(100);
    expect(breaker.state).toBe('open');
  });

  test('late results of calls from before the trip stop nothing', async () => {
    const { breaker, clock } = makeBreaker({ ...RAMP, halfOpen: { ...RAMP.halfOpen, ramp: [0.9] } });
    const late = deferred();
    const calls = Array.from({ length: 10 }, () => ending(breaker.execute(() => late.promise)));
    breaker.trip();
    await clock.advance(COOLDOWN_MS);
    await breaker.execute(() => 'probe');
    late.reject(new Error('late'));
    await Promise.all(calls);
    await succeedTimes(breaker, 1);
    await clock.advance(STEP_MS);
    expect(breaker.state).toBe('closed');
  });
});
