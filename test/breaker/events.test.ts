import { describe, expect, expectTypeOf, test } from 'vitest';
import {
  type BreakerOptions,
  type CallFailure,
  fallbackWire,
  type Transition,
  type TurnedAwayCall,
} from '../../src/breaker/index.ts';
import {
  closeBreakersAfterEach,
  ending,
  fails,
  failTimes,
  hangs,
  makeBreaker,
  NO_RULE,
  succeedTimes,
} from './support.ts';

closeBreakersAfterEach();

const RULES = {
  trip: { ...NO_RULE, failures: 2 },
  cooldownMs: 1_000,
  halfOpen: { probes: 1 },
} as const satisfies BreakerOptions;

function throws(): never {
  throw new Error('a bad listener');
}

describe('events of the state', () => {
  test('a trip is told after it happened, whoever made it, and other transitions are not', async () => {
    const { breaker, clock } = makeBreaker(RULES);
    const heard: [Transition, string][] = [];
    breaker.onTrip((transition) => heard.push([transition, breaker.state]));
    await failTimes(breaker, 2);
    breaker.reset();
    breaker.trip({ reason: 'maintenance' });
    await clock.advance(1_000);
    await failTimes(breaker, 1);
    expect(heard).toEqual([
      [{ from: 'closed', to: 'open', reason: 'threshold', note: undefined }, 'open'],
      [{ from: 'closed', to: 'open', reason: 'operator', note: 'maintenance' }, 'open'],
      [{ from: 'half_open', to: 'open', reason: 'probe_failed', note: undefined }, 'open'],
    ]);
  });

  test('a reset is told after it happened, by probes or by an operator', async () => {
    const { breaker, clock } = makeBreaker(RULES);
    const heard: string[] = [];
    breaker.notifyOnReset(({ from, reason }) => heard.push(`${from} ${reason} ${breaker.state}`));
    breaker.trip();
    breaker.reset();
    breaker.trip();
    await clock.advance(1_000);
    await succeedTimes(breaker, 1);
    expect(heard).toEqual(['open operator closed', 'half_open probes_passed closed']);
  });

  test('a trip or reset that changes nothing is not told', () => {
    const { breaker } = makeBreaker(RULES);
    const heard: string[] = [];
    breaker.onTransition(({ to }) => heard.push(to));
    breaker.reset();
    breaker.trip();
    breaker.trip();
    expect(heard).toEqual(['open']);
  });
});

describe('events of calls', () => {
  test('a failure is told before its caller knows, with its error, its time and whether it tripped', async () => {
    const { breaker, clock } = makeBreaker({ ...RULES, timeoutMs: 50 });
    const heard: unknown[] = [];
    breaker.onFailure((failure) => heard.push(failure));
    const timedOut = ending(breaker.execute(hangs)).then((error) => {
      heard.push('the caller');
      return error;
    });
    await clock.advance(50);
    const error = await timedOut;
    await failTimes(breaker, 1);
    expect(heard).toMatchObject([
      { outcome: 'timeout', error, durationMs: 50, state: 'closed', tripped: false },
      'the caller',
      { outcome: 'failure', error: { name: 'Unwell' }, durationMs: 0, state: 'closed', tripped: true },
    ]);
  });

  test('a failure names the state its call came in, and a late one trips nothing', async () => {
    const { breaker, clock } = makeBreaker({ ...RULES, halfOpen: { probes: 1, probeTimeoutMs: 100 } });
    const heard: unknown[] = [];
    breaker.onFailure(({ state, tripped }) => heard.push([state, tripped]));
    const late = breaker.acquire();
    breaker.trip();
    await clock.advance(1_000);
    const probe = breaker.acquire();
    await clock.advance(100);
    // The first to come after the probe's deadline: it is what the hung probe is noticed by.
    late?.recordError(new Error('late'));
    expect(breaker.state).toBe('open');
    probe?.recordError(new Error('later still'));
    await clock.advance(1_000);
    await failTimes(breaker, 1);
    expect(heard).toEqual([
      ['closed', false],
      ['half_open', false],
      ['half_open', true],
    ]);
  });

  test('good, ignored and cancelled calls are no failures', async () => {
    const { breaker } = makeBreaker({ ...RULES, isFailure: () => false });
    const heard: unknown[] = [];
    breaker.onFailure((failure) => heard.push(failure));
    await succeedTimes(breaker, 1);
    await failTimes(breaker, 1);
    await ending(breaker.execute(hangs, { signal: AbortSignal.abort() }));
    breaker.acquire()?.release();
    expect(heard).toEqual([]);
  });

  test('a call that was not let through is told by what became of it', async () => {
    let isStale = false;
    const wire = fallbackWire(() => (isStale ? fails() : 'stale'));
    const { breaker } = makeBreaker({ ...RULES, maxConcurrent: 1, neutralWires: [wire] });
    const heard: string[] = [];
    breaker.onTurnedAway(({ outcome }) => heard.push(outcome));
    const permit = breaker.acquire();
    await breaker.execute(() => 1);
    isStale = true;
    await ending(breaker.execute(() => 1));
    permit?.release();
    breaker.trip();
    await ending(breaker.execute(() => 1));
    isStale = false;
    breaker.executeSync(() => 1);
    expect(heard).toEqual(['diverted', 'limited', 'rejected', 'diverted']);
    const { diverted, limited, rejected } = breaker.stats().calls;
    expect({ diverted, limited, rejected }).toEqual({ diverted: 2, limited: 1, rejected: 1 });
  });

  test('the call that trips and is diverted was let through: it is a failure, and not turned away', async () => {
    const { breaker } = makeBreaker({ ...RULES, neutralWires: [fallbackWire(() => 'stale')] });
    const heard: unknown[] = [];
    breaker.onTurnedAway(({ outcome }) => heard.push(outcome));
    breaker.onFailure(({ tripped }) => heard.push(tripped));
    await failTimes(breaker, 2);
    expect(heard).toEqual([false, true]);
  });
});

/** Every event, how to listen to it and how to make it happen once. */
const events = [
  [
    'onTransition',
    (breaker: Made, heard: () => void) => breaker.onTransition(heard),
    (breaker: Made) => breaker.trip(),
  ],
  ['onTrip', (breaker: Made, heard: () => void) => breaker.onTrip(heard), (breaker: Made) => breaker.trip()],
  [
    'notifyOnReset',
    (breaker: Made, heard: () => void) => breaker.notifyOnReset(heard),
    (breaker: Made) => breaker.trip() && breaker.reset(),
  ],
  [
    'onFailure',
    (breaker: Made, heard: () => void) => breaker.onFailure(heard),
    (breaker: Made) => breaker.recordError(new Error('unwell')),
  ],
  [
    'onTurnedAway',
    (breaker: Made, heard: () => void) => breaker.onTurnedAway(heard),
    (breaker: Made) => breaker.trip() && breaker.allow(),
  ],
] as const;
type Made = ReturnType<typeof makeBreaker>['breaker'];

describe.each(events)('a listener of %s', (_, listen, happen) => {
  test('hears of it once, and nothing after it was taken off', () => {
    const { breaker } = makeBreaker(RULES);
    let heard = 0;
    const off = listen(breaker, () => heard++);
    happen(breaker);
    expect(heard).toBe(1);
    off();
    off();
    breaker.reset();
    happen(breaker);
    expect(heard).toBe(1);
  });

  test('that was added twice hears twice, and each is taken off by itself', () => {
    const { breaker } = makeBreaker(RULES);
    let heard = 0;
    const listener = () => {
      heard += 1;
    };
    const off = listen(breaker, listener);
    listen(breaker, listener);
    happen(breaker);
    expect(heard).toBe(2);
    off();
    breaker.reset();
    heard = 0;
    happen(breaker);
    expect(heard).toBe(1);
  });

  test('that throws harms neither the call nor the next listener', () => {
    const { breaker } = makeBreaker(RULES);
    let heard = 0;
    listen(breaker, throws);
    listen(breaker, () => heard++);
    expect(() => happen(breaker)).not.toThrow();
    expect(heard).toBe(1);
  });

  test('may take itself off while it hears', () => {
    const { breaker } = makeBreaker(RULES);
    let heard = 0;
    const off = listen(breaker, () => {
      heard += 1;
      off();
    });
    listen(breaker, () => (heard += 10));
    happen(breaker);
    expect(heard).toBe(11);
  });
});

test('events are typed', () => {
  const { breaker } = makeBreaker(RULES);
  expectTypeOf(breaker.onTransition).parameter(0).parameter(0).toEqualTypeOf<Transition>();
  expectTypeOf(breaker.onTrip).parameter(0).parameter(0).toEqualTypeOf<Transition>();
  expectTypeOf(breaker.notifyOnReset).parameter(0).parameter(0).toEqualTypeOf<Transition>();
  expectTypeOf(breaker.onFailure).parameter(0).parameter(0).toEqualTypeOf<CallFailure>();
  expectTypeOf(breaker.onTurnedAway).parameter(0).parameter(0).toEqualTypeOf<TurnedAwayCall>();
  expectTypeOf(breaker.onTurnedAway).returns.toEqualTypeOf<() => void>();
});
