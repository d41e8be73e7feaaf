import { describe, expect, test } from 'vitest';
import { BreakerOpenError, bufferWire, type DeadCall, isReceipt } from '../../../src/breaker/index.ts';
import { deferred, ending, makeBreaker, Unwell } from '../support.ts';
import { Dependency, makeBuffered, RULES, statsOf } from './support.ts';

/** After which the timers that all calls of a clock share have run out: the longest is of the slow threshold. */
const SHARED_TIMERS_MS = 10_000;
/** How long a due probe is left to live calls before a held call makes it. */
const LIVE_CALLS_FIRST_MS = 1_000;

describe('a buffer', () => {
  test('is bounded by count: the call beyond gets the error, and the drop is counted and reported', async () => {
    const { breaker, call, observer } = makeBuffered({ capacity: 2 });
    breaker.trip();
    expect(isReceipt(await call(1))).toBe(true);
    expect(isReceipt(await call(2))).toBe(true);
    const error = await ending(call(3));
    expect(error).toBeInstanceOf(BreakerOpenError);
    expect((error as BreakerOpenError).causes).toMatchObject([{ code: 'WIRE_REFUSED', declined: false }]);
    expect(statsOf(breaker)).toMatchObject({ buffered: 2, failed: 1, dropped: 1, depth: 2 });
    expect(observer.of('dropped')).toEqual([{ wire: 'buffer', reason: 'overflow', depth: 2 }]);
    await breaker.close();
  });

  test('is bounded by bytes, measured as JSON or as told', async () => {
    const { breaker, clock, wire } = makeBuffered({ maxBytes: 10 });
    const call = breaker.protect(async (input: string) => input);
    breaker.trip();
    expect(isReceipt(await call('12345678'))).toBe(true);
    expect(await ending(call('x'))).toBeInstanceOf(BreakerOpenError);
    expect(wire.load?.()).toEqual({ depth: 1, capacity: 1_000, sizeBytes: 10, oldestAgeMs: 0 });
    await clock.advance(250);
    expect(wire.load?.().oldestAgeMs).toBe(250);
    await breaker.close();

    const told = makeBuffered({ maxBytes: 10, sizeOf: () => 6 });
    told.breaker.trip();
    expect(isReceipt(await told.call(1))).toBe(true);
    expect(await ending(told.call(2))).toBeInstanceOf(BreakerOpenError);
    await told.breaker.close();
  });

  test.each([[Number.NaN], [-5], ['a lot']])('a measure of %j does not undo the bound of bytes', async (size) => {
    const { breaker, call } = makeBuffered({ maxBytes: 2_000, sizeOf: () => size as number });
    breaker.trip();
    expect(isReceipt(await call(1))).toBe(true);
    expect(await ending(call(2))).toBeInstanceOf(BreakerOpenError);
    await breaker.close();
  });

  test('gives up calls past their time to live, and says so', async () => {
    const { breaker, clock, call, observer, dependency } = makeBuffered({ ttlMs: 5_000 });
    const forced = { mode: 'forced_open', reason: 'r', actor: 'a', expiresAt: '2027-01-01T00:00:00Z' } as const;
    breaker.holdIn(forced);
    await call(1);
    await clock.advance(3_000);
    await call(2);
    await clock.advance(2_000);
    expect(observer.of('dropped')).toEqual([{ wire: 'buffer', reason: 'expired', depth: 1 }]);
    breaker.release();
    await clock.advance(2_000);
    expect(dependency.answered).toEqual([2]);
    await breaker.close();
  });
});

describe('a drain', () => {
  test('replays in order after the reset, at its pace, and announces its end', async () => {
    const { breaker, clock, call, dependency, observer } = makeBuffered({ drainPerSecond: 10 });
    breaker.trip();
    for (const input of [1, 2, 3, 4, 5]) await call(input);
    expect(dependency.asked).toEqual([]);
    breaker.reset();
    await clock.advance(0);
    expect(dependency.answered).toEqual([1]);
    await clock.advance(199);
    expect(dependency.answered).toEqual([1, 2]);
    await clock.advance(201);
    expect(dependency.answered).toEqual([1, 2, 3, 4, 5]);
    expect(observer.of('drained')).toEqual([{ wire: 'buffer', replayed: 5, dead: 0, durationMs: 400 }]);
    expect(observer.of('replayed')).toMatchObject([
      { outcome: 'replayed', waitedMs: 0 },
      { outcome: 'replayed', waitedMs: 100 },
      { outcome: 'replayed', waitedMs: 200 },
      { outcome: 'replayed', waitedMs: 300 },
      { outcome: 'replayed', waitedMs: 400 },
    ]);
    await clock.advance(SHARED_TIMERS_MS);
    expect(clock.pendingTimers).toBe(0);
    await breaker.close();
  });

  test('keeps its pace however many calls are taken in meanwhile', async () => {
    const { breaker, clock, dependency } = makeBuffered({ drainPerSecond: 10 });
    breaker.configure({ halfOpen: { probes: 100 } });
    const starts: number[] = [];
    const call = breaker.protect(async (input: number) => {
      starts.push(clock.monotonicMs());
      return dependency.answer(input);
    });
    const live = breaker.protect(() => new Promise(() => {}));
    breaker.trip();
    for (let input = 0; input < 20; input++) await call(input);
    await clock.advance(1_000);
    // Live probes take what is left of the permits, so the calls that come are diverted into the buffer.
    for (let probe = 0; probe < 99; probe++) void ending(live(undefined));
    for (let burst = 0; burst < 9; burst++) {
      await ending(call(100 + burst));
      await clock.advance(10);
    }
    const gaps = starts.slice(1).map((start, index) => start - (starts[index] ?? 0));
    expect(Math.min(100, ...gaps)).toBe(100);
    await breaker.close();
  });

  test('starts only when the breaker lets calls through', async () => {
    const { breaker, clock, call, dependency } = makeBuffered();
    breaker.trip();
    await call(1);
    await clock.advance(999);
    expect(dependency.asked).toEqual([]);
    await breaker.close();
  });

  test('sends a held call as the probe where no live traffic comes', async () => {
    const { breaker, clock, call, dependency } = makeBuffered();
    dependency.well = false;
    expect(isReceipt(await call(1))).toBe(true);
    await clock.advance(1_000 + LIVE_CALLS_FIRST_MS);
    expect(dependency.asked).toEqual([1, 1]);
    expect(breaker.state).toBe('open');
    dependency.well = true;
    await clock.advance(1_000 + LIVE_CALLS_FIRST_MS);
    expect(breaker.state).toBe('closed');
    expect(dependency.answered).toEqual([1]);
    expect(statsOf(breaker)).toMatchObject({ replayed: 1, retried: 1, depth: 0 });
    await breaker.close();
  });

  test('a trip during the drain stops it and loses nothing', async () => {
    const { breaker, clock, call, dependency } = makeBuffered({ drainPerSecond: 10 });
    breaker.trip();
    for (const input of [1, 2, 3, 4]) await call(input);
    breaker.reset();
    await clock.advance(100);
    expect(dependency.answered).toEqual([1, 2]);
    breaker.trip();
    await clock.advance(900);
    expect(dependency.answered).toEqual([1, 2]);
    expect(statsOf(breaker).depth).toBe(2);
    await clock.advance(1_200 + LIVE_CALLS_FIRST_MS);
    expect(dependency.answered).toEqual([1, 2, 3, 4]);
    expect(statsOf(breaker)).toMatchObject({ buffered: 4, replayed: 4, dropped: 0, depth: 0 });
    await breaker.close();
  });

  test('tries a call again until it is dead, then hands it over with what was known of it', async () => {
    const dead: DeadCall[] = [];
    const { breaker, clock, call, dependency } = makeBuffered({
      maxAttempts: 3,
      onDead: (call) => void dead.push(call),
    });
    breaker.configure({ trip: { failures: 1_000 } });
    breaker.trip();
    const receipt = await call(7, { key: 'ada' });
    dependency.well = false;
    breaker.reset();
    await clock.advance(1_000);
    expect(dead).toMatchObject([{ receipt, input: 7, key: 'ada', attempts: 3, error: expect.any(Unwell) }]);
    expect(statsOf(breaker)).toMatchObject({ retried: 2, dead: 1, dropped: 0, depth: 0 });
    await breaker.close();
  });

  test.each([
    ['without a handler', undefined],
    ['with a handler that throws', () => Promise.reject(new Error('no room'))],
  ])('%s a dead call is dropped as exhausted', async (_, onDead) => {
    const { breaker, clock, call, dependency, observer } = makeBuffered({
      maxAttempts: 1,
      ...(onDead && { onDead }),
    });
    breaker.configure({ trip: { failures: 1_000 } });
    breaker.trip();
    await call(7);
    dependency.well = false;
    breaker.reset();
    await clock.advance(0);
    expect(statsOf(breaker)).toMatchObject({ dead: 0, dropped: 1, depth: 0 });
    expect(observer.of('dropped')).toEqual([{ wire: 'buffer', reason: 'exhausted', depth: 0 }]);
    await breaker.close();
  });

  test('an error the breaker ignores makes a call dead at once', async () => {
    const dead: DeadCall[] = [];
    const { breaker, clock } = makeBreaker({
      ...RULES,
      isFailure: (error) => error instanceof Unwell,
      neutralWires: [bufferWire({ onDead: (call) => void dead.push(call) })],
    });
    const call = breaker.protect(() => Promise.reject(new TypeError('bad input')));
    breaker.trip();
    await call(1);
    breaker.reset();
    await clock.advance(0);
    expect(dead).toMatchObject([{ attempts: 1, error: expect.any(TypeError) }]);
    expect(breaker.stats().calls.ignored).toBe(1);
    await breaker.close();
  });

  test('a replay knows which attempt it is and is judged like any call', async () => {
    const attempts: number[] = [];
    const { breaker, clock } = makeBreaker({ ...RULES, neutralWires: [bufferWire()] });
    const call = breaker.protect(async (_: number, { attempt }) => {
      attempts.push(attempt);
      if (attempts.length === 1) throw new Unwell('first');
    });
    breaker.trip();
    await call(1);
    await clock.advance(2 * (1_000 + LIVE_CALLS_FIRST_MS));
    expect(attempts).toEqual([1, 1]);
    expect(breaker.stats().calls).toMatchObject({ failure: 1, success: 1, diverted: 1 });
    await breaker.close();
  });
});

describe('closing down', () => {
  test('drains for the time given', async () => {
    const { breaker, clock, call, dependency } = makeBuffered({ drainPerSecond: 10 });
    breaker.trip();
    for (const input of [1, 2, 3]) await call(input);
    breaker.reset();
    const closing = breaker.close({ drainForMs: 5_000 });
    await clock.advance(300);
    await closing;
    expect(dependency.answered).toEqual([1, 2, 3]);
    expect(statsOf(breaker)).toMatchObject({ replayed: 3, dropped: 0 });
    await clock.advance(SHARED_TIMERS_MS);
    expect(clock.pendingTimers).toBe(0);
  });

  test('drops what is left, counted one by one as shutdown', async () => {
    const { breaker, clock, call, observer } = makeBuffered();
    breaker.trip();
    for (const input of [1, 2, 3]) await call(input);
    const closing = breaker.close({ drainForMs: 500 });
    await clock.advance(500);
    await closing;
    expect(statsOf(breaker)).toMatchObject({ replayed: 0, dropped: 3, depth: 0 });
    expect(observer.of('dropped')).toEqual([
      { wire: 'buffer', reason: 'shutdown', depth: 2 },
      { wire: 'buffer', reason: 'shutdown', depth: 1 },
      { wire: 'buffer', reason: 'shutdown', depth: 0 },
    ]);
    expect(clock.pendingTimers).toBe(0);
  });

  test('waits for a dead-letter handler that is at work', async () => {
    const handled = deferred<void>();
    const { breaker, clock, call, dependency } = makeBuffered({ maxAttempts: 1, onDead: () => handled.promise });
    breaker.trip();
    await call(1);
    dependency.well = false;
    breaker.reset();
    await clock.advance(0);
    let closed = false;
    const closing = breaker.close({ drainForMs: 1_000 }).then(() => {
      closed = true;
    });
    await clock.advance(100);
    expect(closed).toBe(false);
    handled.resolve();
    await clock.advance(40);
    await closing;
    expect(statsOf(breaker)).toMatchObject({ dead: 1, dropped: 0 });
  });

  test('a wire that throws at its close harms neither the other wires nor the name', async () => {
    const dependency = new Dependency();
    const bad = {
      name: 'bad',
      kind: 'own',
      take: () => Promise.reject(new Error('no')),
      close: () => Promise.reject(new Error('stuck')),
    };
    const { breaker, observer } = makeBreaker({ ...RULES, neutralWires: [bad, bufferWire()] });
    breaker.trip();
    await breaker.protect(dependency.answer)(1);
    await breaker.close();
    expect(breaker.stats().wires[1]).toMatchObject({ dropped: 1, depth: 0 });
    expect(observer.of('removed')).toHaveLength(1);
  });
});
