import { describe, expect, test } from 'vitest';
import {
  type Breaker,
  BreakerLimitError,
  type BreakerOptions,
  CallTimeoutError,
  fallbackWire,
  InvalidInputError,
  type SettingsPatch,
} from '../../src/breaker/index.ts';
import type { ManualClock } from '../../src/breaker/testing.ts';
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

const RULES = {
  trip: { ...NO_RULE, failures: 100, consecutive: 90 },
  cooldownMs: 1_000,
  halfOpen: { probes: 2, probeTimeoutMs: 500 },
} as const satisfies BreakerOptions;

/** One patch for each setting. */
const patches: readonly (readonly [string, SettingsPatch])[] = [
  ['trip.failureRatio', { trip: { failureRatio: 0.9 } }],
  ['trip.minimumCalls', { trip: { minimumCalls: 50 } }],
  ['trip.failures', { trip: { failures: 50 } }],
  ['trip.consecutive', { trip: { consecutive: 50 } }],
  ['trip.slowRatio', { trip: { slowRatio: 0.9 } }],
  ['trip.slowMs', { trip: { slowMs: 5_000 } }],
  ['trip.countOverdue', { trip: { countOverdue: true } }],
  ['trip.windowMs', { trip: { windowMs: 20_000 } }],
  ['trip.windowMs, shorter', { trip: { windowMs: 5_000 } }],
  ['trip.windowCalls', { trip: { windowCalls: 100 } }],
  ['trip.debounceMs', { trip: { debounceMs: 50 } }],
  ['cooldownMs', { cooldownMs: 5_000 }],
  ['cooldownMs, growing', { cooldownMs: { baseMs: 500 } }],
  ['halfOpen.probes', { halfOpen: { probes: 3 } }],
  ['halfOpen.probeTimeoutMs', { halfOpen: { probeTimeoutMs: 700 } }],
  ['halfOpen.ramp', { halfOpen: { ramp: [0.1, 0.5] } }],
  ['halfOpen.rampStepMs', { halfOpen: { rampStepMs: 3_000 } }],
  ['timeoutMs', { timeoutMs: 2_000 }],
  ['maxConcurrent', { maxConcurrent: 7 }],
];

type Made = { readonly breaker: Breaker<readonly []>; readonly clock: ManualClock };

/** Ways into each state, with calls made before. */
const states: readonly (readonly [string, (made: Made) => Promise<void>])[] = [
  ['closed', async () => {}],
  ['open', async ({ breaker }) => void breaker.trip()],
  [
    'half_open',
    async ({ breaker, clock }) => {
      breaker.trip();
      await clock.advance(1_000);
      await succeedTimes(breaker, 1);
    },
  ],
  ...(['forced_open', 'disabled', 'shadow'] as const).map(
    (mode) =>
      [
        mode,
        async ({ breaker, clock }: Made) => {
          const expiresAt = new Date(clock.wallMs() + 60_000).toISOString();
          breaker.holdIn({ mode, reason: 'r', actor: 'a', expiresAt });
        },
      ] as const,
  ),
];

describe.each(states)('a live change while %s', (state, enter) => {
  test.each(patches)('of %s keeps state, counts, what the window holds and listeners', async (_, patch) => {
    const made = makeBreaker(RULES);
    const { breaker } = made;
    const heard: string[] = [];
    breaker.onTransition(({ to }) => heard.push(to));
    await succeedTimes(breaker, 3);
    await failTimes(breaker, 2);
    await enter(made);
    const before = { stats: breaker.stats(), kept: breaker.exportState(), generation: breaker.generation };
    heard.length = 0;

    breaker.configure(patch);
    expect(breaker.state).toBe(state);
    expect({ stats: breaker.stats(), kept: breaker.exportState(), generation: breaker.generation }).toEqual(before);
    expect(breaker.settings).toMatchObject(patch);

    breaker.configure(undefined);
    expect(breaker.exportState()).toEqual(before.kept);
    expect(breaker.settings).toMatchObject(RULES);
    expect(heard).toEqual([]);
    if (breaker.override) breaker.release();
    else if (!breaker.trip()) breaker.reset();
    expect(heard).toHaveLength(1);
  });
});

describe('a live change takes effect', () => {
  test('on trip rules with the next call, over what the window holds already', async () => {
    const { breaker } = makeBreaker(RULES);
    await failTimes(breaker, 5);
    breaker.configure({ trip: { failures: 6 } });
    await failTimes(breaker, 1);
    expect(breaker.state).toBe('open');
  });

  test('on the window: a longer one keeps what the shorter held, a shorter one forgets sooner', async () => {
    const { breaker, clock } = makeBreaker({ ...RULES, trip: { ...RULES.trip, windowMs: 1_000 } });
    await failTimes(breaker, 4);
    breaker.configure({ trip: { windowMs: 60_000 } });
    await clock.advance(30_000);
    expect(breaker.exportState().window.failed).toBe(4);
    breaker.configure({ trip: { windowMs: 1_000 } });
    expect(breaker.exportState().window.failed).toBe(0);
  });

  test('on the kind of window, both ways', async () => {
    const { breaker, clock } = makeBreaker(RULES);
    await failTimes(breaker, 4);
    breaker.configure({ trip: { windowCalls: 10 } });
    await clock.advance(3_600_000);
    expect(breaker.exportState().window).toMatchObject({ executed: 4, failed: 4 });
    breaker.configure({ trip: { windowCalls: null } });
    expect(breaker.exportState().window).toMatchObject({ executed: 4, failed: 4 });
    await clock.advance(11_000);
    expect(breaker.exportState().window).toMatchObject({ executed: 0, failed: 0 });
  });

  test('on the number of calls a window holds: it keeps the latest', async () => {
    const { breaker } = makeBreaker({ ...RULES, trip: { ...RULES.trip, windowCalls: 10 } });
    await failTimes(breaker, 5);
    await succeedTimes(breaker, 5);
    breaker.configure({ trip: { windowCalls: 7 } });
    expect(breaker.exportState().window).toMatchObject({ executed: 7, failed: 2 });
    breaker.configure({ trip: { windowCalls: 1_000 } });
    await failTimes(breaker, 3);
    expect(breaker.exportState().window).toMatchObject({ executed: 10, failed: 5 });
  });

  test('on probes that are counted now', async () => {
    const { breaker, clock } = makeBreaker(RULES);
    breaker.trip();
    await clock.advance(1_000);
    await succeedTimes(breaker, 1);
    breaker.configure({ halfOpen: { probes: 4 } });
    await succeedTimes(breaker, 2);
    expect(breaker.state).toBe('half_open');
    await succeedTimes(breaker, 1);
    expect(breaker.state).toBe('closed');
  });

  test('on a ramp that is under way: taken off, its step is the last', async () => {
    const { breaker, clock } = makeBreaker({ ...RULES, halfOpen: { probes: 1, ramp: [0.1, 0.2], rampStepMs: 1_000 } });
    breaker.trip();
    await clock.advance(1_000);
    await succeedTimes(breaker, 2);
    breaker.configure({ halfOpen: { ramp: [] } });
    expect(await breaker.execute(() => 'all of them now')).toBe('all of them now');
    await clock.advance(1_000);
    expect(breaker.state).toBe('closed');
  });

  test('on the next cooldown, not the one that runs', async () => {
    const { breaker, clock } = makeBreaker(RULES);
    breaker.trip();
    breaker.configure({ cooldownMs: 60_000 });
    await clock.advance(1_000);
    await failTimes(breaker, 1);
    expect(await ending(breaker.execute(() => 1))).toMatchObject({ retryAfterMs: 60_000 });
  });

  test('on the timeout of the next call, not of those in flight', async () => {
    const { breaker, clock } = makeBreaker({ ...RULES, timeoutMs: 5_000 });
    const before = deferred();
    const early = breaker.execute(() => before.promise);
    breaker.configure({ timeoutMs: 50 });
    const late = ending(breaker.execute(hangs));
    await clock.advance(50);
    expect(await late).toBeInstanceOf(CallTimeoutError);
    before.resolve('in time');
    expect(await early).toBe('in time');
  });

  test('on the slow threshold of calls that end from now on', async () => {
    const { breaker, clock } = makeBreaker({ ...RULES, trip: { ...RULES.trip, slowMs: 10_000 } });
    const call = breaker.execute(takes(clock, 200));
    breaker.configure({ trip: { slowMs: 100 } });
    await clock.advance(200);
    await call;
    expect(breaker.exportState().window.slow).toBe(1);
  });

  test('on the concurrency limit at once', async () => {
    const { breaker } = makeBreaker(RULES);
    breaker.configure({ maxConcurrent: 1 });
    breaker.acquire();
    expect(await ending(breaker.execute(() => 1))).toBeInstanceOf(BreakerLimitError);
  });

  test('and wires stay as they are', async () => {
    const { breaker } = makeBreaker({ ...RULES, neutralWires: [fallbackWire(() => 'stale')] });
    breaker.configure({ trip: { failures: 1 } });
    expect(await breaker.execute(() => Promise.reject(new Error('unwell')))).toBe('stale');
  });

  test('or none where anything is wrong with it', async () => {
    const { breaker } = makeBreaker(RULES);
    const before = breaker.settings;
    for (const bad of [
      { cooldownMs: 0, timeoutMs: 50 },
      { trip: { slowRatio: 0.5, slowMs: null } },
      { cooldownMs: { baseMs: 100, maxMs: 50 } },
      { halfOpen: { ramp: [0.5, 0.1] } },
      { neutralWires: [] },
      'faster',
    ]) {
      expect(() => breaker.configure(bad as unknown as SettingsPatch)).toThrow(InvalidInputError);
      expect(breaker.settings).toBe(before);
    }
  });
});
