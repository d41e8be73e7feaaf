import type { Override } from '@switchgear/conventions';
import { describe, expect, test } from 'vitest';
import {
  type Breaker,
  type BreakerDefinition,
  bufferWire,
  InvalidInputError,
  isReceipt,
} from '../../src/breaker/index.ts';
import type { ManualClock } from '../../src/breaker/testing.ts';
import { closeBreakersAfterEach, deferred, ending, failTimes, makeBreaker, QUICK, succeedTimes } from './support.ts';

closeBreakersAfterEach();

/** Its other settings, which a definition leaves out, are the defaults. */
const OTHER = { trip: { failures: 5 }, cooldownMs: 7_000 } as const satisfies BreakerDefinition;

function override(clock: ManualClock, mode: Override['mode'], forMs = 60_000): Override {
  return { mode, reason: 'release 7', actor: 'ada', expiresAt: new Date(clock.wallMs() + forMs).toISOString() };
}

/** All of it that a change could touch. */
function knownOf(breaker: Pick<Breaker, 'stats' | 'exportState' | 'generation' | 'state' | 'mode' | 'settings'>) {
  const { state, generation, mode, settings } = breaker;
  return { state, generation, mode, settings, stats: breaker.stats(), kept: breaker.exportState() };
}

describe('redefined with other settings, a breaker', () => {
  test('goes by them as if it had been made with them: what they leave out is the default', () => {
    const { breaker } = makeBreaker(QUICK);
    breaker.redefine(OTHER);
    expect(breaker.settings).toEqual(makeBreaker(OTHER).breaker.settings);
    breaker.redefine({});
    expect(breaker.settings).toEqual(makeBreaker().breaker.settings);
  });

  test.each(['closed', 'open', 'half_open', 'forced_open'] as const)(
    'keeps state, counts and window while %s',
    async (state) => {
      const { breaker, clock, observer } = makeBreaker(QUICK);
      await succeedTimes(breaker, 3);
      await failTimes(breaker, 2);
      if (state === 'forced_open') breaker.holdIn(override(clock, state));
      else if (state !== 'closed') breaker.trip();
      if (state === 'half_open') {
        await clock.advance(1_000);
        await succeedTimes(breaker, 1);
      }
      const heard = observer.of('transitioned').length;
      const before = knownOf(breaker);
      expect(before.state).toBe(state);
      breaker.redefine(OTHER);
      expect(knownOf(breaker)).toEqual({ ...before, settings: breaker.settings });
      expect(breaker.settings.cooldownMs).toBe(7_000);
      expect(observer.of('transitioned')).toHaveLength(heard);
    },
  );

  test('judges what the window holds by them', async () => {
    const { breaker } = makeBreaker(QUICK);
    await failTimes(breaker, 2);
    breaker.redefine({ trip: { failures: 4 } });
    await failTimes(breaker, 1);
    expect(breaker.state).toBe('closed');
    await failTimes(breaker, 1);
    expect(breaker.state).toBe('open');
  });

  test('keeps listeners, calls in flight and receipts', async () => {
    const wire = bufferWire({ drainPerSecond: 100 });
    const { breaker, clock } = makeBreaker({ ...QUICK, neutralWires: [wire] });
    const heard: string[] = [];
    breaker.onTransition(({ to }) => heard.push(to));
    const late = deferred();
    const call = breaker.execute(() => late.promise);
    breaker.trip();
    const charge = breaker.protect(async (input: number) => input * 2);
    const receipt = await charge(21);
    breaker.redefine(OTHER);
    late.resolve('in flight');
    expect(await call).toBe('in flight');
    breaker.reset();
    await clock.advance(1_000);
    expect(isReceipt(receipt) && (await receipt.done())).toBe(42);
    expect(heard).toEqual(['open', 'closed']);
  });

  test('keeps laid over them what was laid over the ones before', () => {
    const { breaker } = makeBreaker(QUICK);
    breaker.configure({ trip: { failures: 9 }, timeoutMs: 50 });
    breaker.redefine(OTHER);
    expect(breaker.settings).toMatchObject({ trip: { failures: 9 }, cooldownMs: 7_000, timeoutMs: 50 });
    breaker.configure(undefined);
    expect(breaker.settings).toMatchObject({ trip: { failures: 5 }, cooldownMs: 7_000, timeoutMs: null });
  });
});

describe('redefined with another mode, a breaker', () => {
  test.each([
    ['auto', 'shadow', 'closed', 'shadow'],
    ['auto', 'disabled', 'closed', 'disabled'],
    ['shadow', 'disabled', 'shadow', 'disabled'],
    ['shadow', 'auto', 'shadow', 'closed'],
    ['disabled', undefined, 'disabled', 'closed'],
  ] as const)('goes from %s to %s at once, by an operator', (first, second, from, to) => {
    const { breaker, observer } = makeBreaker({ ...QUICK, mode: first });
    breaker.redefine({ ...QUICK, mode: second });
    expect(breaker).toMatchObject({ mode: second ?? 'auto', state: to, generation: 2 });
    expect(observer.of('transitioned')).toMatchObject([{ from, to, reason: 'operator', note: 'redefined' }]);
    expect(observer.of('overridden')).toEqual([]);
    breaker.redefine({ ...QUICK, mode: second });
    expect(breaker.generation).toBe(2);
  });

  test('that is open lets calls through in shadow, and is closed after it', async () => {
    const { breaker } = makeBreaker(QUICK);
    breaker.trip();
    breaker.redefine({ ...QUICK, mode: 'shadow' });
    expect(await breaker.execute(() => 'through')).toBe('through');
    breaker.redefine(QUICK);
    expect(breaker.state).toBe('closed');
  });

  test.each(['shadow', 'disabled'] as const)('that is open replays in %s what it holds', async (mode) => {
    const { breaker, clock } = makeBreaker({ ...QUICK, cooldownMs: 3_600_000, neutralWires: [bufferWire()] });
    const charge = breaker.protect(async (input: number) => input * 2);
    breaker.trip();
    const receipt = await charge(21);
    await clock.advance(60_000);
    expect(breaker.stats().wires).toMatchObject([{ depth: 1 }]);
    breaker.redefine({ ...QUICK, mode });
    await clock.advance(60_000);
    expect(isReceipt(receipt) && (await receipt.done())).toBe(42);
    expect(breaker.stats().wires).toMatchObject([{ depth: 0, replayed: 1 }]);
  });

  test('stays under its override, and is in the new mode after it', async () => {
    const { breaker, clock, observer } = makeBreaker(QUICK);
    breaker.holdIn(override(clock, 'forced_open', 5_000));
    breaker.redefine({ ...QUICK, mode: 'shadow' });
    expect(breaker).toMatchObject({ state: 'forced_open', mode: 'shadow', generation: 2 });
    await clock.advance(5_000);
    expect(breaker).toMatchObject({ state: 'shadow', override: undefined });
    expect(observer.of('transitioned')).toMatchObject([{ to: 'forced_open' }, { from: 'forced_open', to: 'shadow' }]);
  });

  test('under an override that has run out, goes through the mode before', () => {
    const { breaker, clock, observer } = makeBreaker({ ...QUICK, mode: 'shadow' });
    breaker.holdIn(override(clock, 'forced_open', 5_000));
    // The clock is past the expiry, and its timer has not come to run.
    clock.wallMs = () => Date.UTC(2026, 0, 1) + 6_000;
    breaker.redefine({ ...QUICK, mode: 'disabled' });
    expect(observer.of('transitioned').map((told) => (told as { to: string }).to)).toEqual([
      'forced_open',
      'shadow',
      'disabled',
    ]);
  });

  test('has its new settings by the time that listeners hear of it', () => {
    const { breaker } = makeBreaker(QUICK);
    const seen: unknown[] = [];
    breaker.onTransition(() => seen.push([breaker.mode, breaker.settings.cooldownMs]));
    breaker.redefine({ ...OTHER, mode: 'shadow' });
    expect(seen).toEqual([['shadow', 7_000]]);
  });
});

describe('a definition', () => {
  test.each([
    ['trip.failures', { trip: { failures: 0 }, mode: 'shadow' }],
    ['cooldownMs', { cooldownMs: 0, timeoutMs: 50 }],
    ['cooldownMs.maxMs', { cooldownMs: { baseMs: 100, maxMs: 50 } }],
    ['trip.slowMs', { trip: { slowMs: null } }],
    ['mode', { mode: 'forced_open' }],
    ['mode', { mode: null, cooldownMs: 5 }],
    ['isFailure', { isFailure: () => true }],
    ['', 'shadow'],
    ['', undefined],
  ])('is refused at its `%s`, and nothing changes', async (field, wrong) => {
    const { breaker, observer } = makeBreaker(QUICK);
    await failTimes(breaker, 1);
    const before = knownOf(breaker);
    const error = (await ending(
      (async () => breaker.redefine(wrong as unknown as BreakerDefinition))(),
    )) as InvalidInputError;
    expect(error).toBeInstanceOf(InvalidInputError);
    expect(error.problems.map((problem) => problem.field)).toEqual([field]);
    expect(knownOf(breaker)).toEqual(before);
    expect(observer.of('transitioned')).toEqual([]);
  });

  test('is refused where it breaks a rule with what is laid over it', () => {
    const { breaker } = makeBreaker(QUICK);
    breaker.configure({ trip: { slowMs: null, slowRatio: null } });
    const before = knownOf(breaker);
    const alone = { trip: { failureRatio: null }, mode: 'shadow' } as const;
    expect(() => breaker.redefine(alone)).toThrow(/`trip` must keep at least one/);
    expect(knownOf(breaker)).toEqual(before);
    breaker.configure(undefined);
    breaker.redefine(alone);
    expect(breaker.state).toBe('shadow');
  });
});
