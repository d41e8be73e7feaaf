import { describe, expect, test } from 'vitest';
import { type BufferWireOptions, bufferWire, type CallContext } from '../../../src/breaker/index.ts';
import { makeBreaker, Unwell } from '../support.ts';
import { RULES, statsOf } from './support.ts';

interface Made {
  readonly buffer?: BufferWireOptions;
  readonly probes?: number;
  readonly ramp?: readonly number[];
}

const STEP_MS = 2_000;
const DUE_MS = RULES.cooldownMs;

/** A breaker with a ramp over a function that the test writes; live calls go beside the buffer. */
function makeRecovering({ buffer = {}, probes = 1, ramp = [] }: Made, act: (input: number) => unknown) {
  const wire = bufferWire(buffer);
  const made = makeBreaker({
    ...RULES,
    halfOpen: { probes, probeTimeoutMs: 5_000, ramp, rampStepMs: STEP_MS },
    neutralWires: [wire],
  });
  const replayed: number[] = [];
  const call = made.breaker.protect((input: number, { divertedAt }: CallContext) => {
    if (divertedAt !== undefined) replayed.push(input);
    return act(input);
  });
  const hold = async (count: number) => {
    made.breaker.trip();
    for (let input = 1; input <= count; input++) await call(input);
  };
  /** Live calls at even distances for a time. Returns how many were let through. */
  const live = async (everyMs: number, forMs: number) => {
    let through = 0;
    for (let passed = 0; passed < forMs; passed += everyMs) {
      const ran = made.breaker.execute(() => {
        through += 1;
      });
      await ran.catch(() => {});
      await made.clock.advance(everyMs);
    }
    return through;
  };
  return { ...made, wire, call, hold, live, replayed };
}

describe('in the recovery ramp', () => {
  test('replays go at the share of the step where live traffic has ended', async () => {
    const { breaker, clock, hold, replayed } = makeRecovering(
      { buffer: { drainPerSecond: 50 }, ramp: [0.1, 0.5] },
      () => 'good',
    );
    await hold(300);
    await clock.advance(DUE_MS + 1_000);
    // The probe has been the first of them.
    expect(replayed).toEqual([1]);
    await clock.advance(STEP_MS - 100);
    expect(breaker.state).toBe('half_open');
    expect(replayed.length).toBeGreaterThanOrEqual(9);
    expect(replayed.length).toBeLessThanOrEqual(12);
    const inFirst = replayed.length;
    await clock.advance(STEP_MS);
    expect(replayed.length - inFirst).toBeGreaterThanOrEqual(45);
    expect(replayed.length - inFirst).toBeLessThanOrEqual(60);
    expect(breaker.state).toBe('half_open');
    await clock.advance(10_000);
    expect(breaker.state).toBe('closed');
    expect(replayed).toEqual(Array.from({ length: 300 }, (_, index) => index + 1));
    await breaker.close();
  });

  test.each([
    [10, 50],
    [20, 50],
    [7, 200],
    [30, 50],
  ])(
    'as many live calls get through as without a drain: one each %i ms, %i replays a second',
    async (everyMs, perSecond) => {
      const through: number[] = [];
      let replays = 0;
      for (const held of [0, 1_000]) {
        const { breaker, clock, hold, live, replayed } = makeRecovering(
          { buffer: { drainPerSecond: perSecond, capacity: 2_000 }, ramp: [0.2, 0.5] },
          () => 'good',
        );
        await hold(held);
        await clock.advance(DUE_MS);
        through.push(await live(everyMs, 2 * STEP_MS - 100));
        expect(breaker.state).toBe('half_open');
        replays = replayed.length;
        await breaker.close();
      }
      expect(through[1]).toBeGreaterThanOrEqual(through[0] ?? 0);
      expect(replays).toBeLessThanOrEqual(4 * perSecond * 0.5);
    },
  );

  test('replays go on beside live calls', async () => {
    const { breaker, clock, hold, live, replayed } = makeRecovering(
      { buffer: { drainPerSecond: 50, capacity: 2_000 }, ramp: [0.5] },
      () => 'good',
    );
    await hold(500);
    await clock.advance(DUE_MS);
    await live(7, STEP_MS - 100);
    expect(breaker.state).toBe('half_open');
    expect(replayed.length).toBeGreaterThan(10);
    await breaker.close();
  });

  test('a trip stops the drain at once, and nothing is lost', async () => {
    let isWell = true;
    const { breaker, clock, hold, wire, replayed } = makeRecovering(
      { buffer: { drainPerSecond: 50 }, ramp: [0.5] },
      () => {
        if (!isWell) throw new Unwell('unwell');
      },
    );
    await hold(100);
    await clock.advance(DUE_MS + 1_500);
    expect(breaker.state).toBe('half_open');
    isWell = false;
    await clock.advance(400);
    expect(breaker.state).toBe('open');
    const before = replayed.length;
    const { replayed: good, depth } = statsOf(breaker);
    expect(good + depth).toBe(100);
    await clock.advance(900);
    expect(replayed).toHaveLength(before);
    isWell = true;
    await clock.advance(20_000);
    expect(statsOf(breaker)).toMatchObject({ replayed: 100, depth: 0, dropped: 0 });
    expect(wire.load().depth).toBe(0);
    await breaker.close();
  });

  test('the time to empty is that of the share', async () => {
    const { breaker, clock, hold, wire } = makeRecovering(
      { buffer: { drainPerSecond: 100, capacity: 2_000 }, ramp: [0.1] },
      () => 'good',
    );
    await hold(1_001);
    await clock.advance(DUE_MS + 1_000);
    expect(statsOf(breaker)).toMatchObject({ depth: 1_000 });
    expect(wire.timeToEmptyMs()).toBe(100_000);
    await clock.advance(STEP_MS + 100);
    expect(breaker.state).toBe('closed');
    expect(wire.timeToEmptyMs()).toBeLessThan(10_000);
    await breaker.close();
  });
});

describe('the probes', () => {
  test('are live calls as long as there are any', async () => {
    const { breaker, clock, hold, live, replayed } = makeRecovering({ probes: 8 }, () => 'good');
    await hold(10);
    await clock.advance(DUE_MS);
    await live(700, 4_900);
    expect(breaker.state).toBe('half_open');
    expect(replayed).toEqual([]);
    expect(await live(700, 700)).toBe(1);
    expect(breaker.state).toBe('closed');
    expect(replayed).toHaveLength(10);
    await breaker.close();
  });

  test('are held calls from a second after the last live one on', async () => {
    const { breaker, clock, hold, live, replayed } = makeRecovering({ probes: 3 }, () => 'good');
    await hold(10);
    await clock.advance(DUE_MS);
    await live(100, 100);
    expect(breaker.state).toBe('half_open');
    await clock.advance(800);
    expect(replayed).toEqual([]);
    await clock.advance(300);
    expect(replayed.slice(0, 2)).toEqual([1, 2]);
    expect(breaker.state).toBe('closed');
    await breaker.close();
  });

  test('are another call’s turn where one has failed, and the key of that one keeps its order', async () => {
    const tried: number[] = [];
    const { breaker, clock, call, live } = makeRecovering({}, (input) => {
      tried.push(input);
      if (input === 1) throw new Unwell('it always fails');
    });
    breaker.trip();
    for (const [input, key] of [
      [1, 'a'],
      [2, 'a'],
      [3, 'b'],
      [4, undefined],
    ] as const) {
      await call(input, { key });
    }
    await clock.advance(DUE_MS + 1_000);
    expect(tried).toEqual([1]);
    expect(breaker.state).toBe('open');
    await clock.advance(DUE_MS + 1_000);
    expect(tried.slice(0, 2)).toEqual([1, 3]);
    // What is behind it has no turn of its own: it takes live calls to tell that it is this one that fails.
    await live(500, 60_000);
    expect(statsOf(breaker)).toMatchObject({ replayed: 3, dropped: 1, depth: 0 });
    expect(tried.filter((input) => input !== 1)).toEqual([3, 4, 2]);
    expect(tried.lastIndexOf(1)).toBeLessThan(tried.indexOf(2));
    await breaker.close();
  });

  test('come round to the first again once each has had its turn', async () => {
    const { breaker, clock, hold, replayed } = makeRecovering({}, () => {
      throw new Unwell('unwell');
    });
    await hold(3);
    await clock.advance(7 * (DUE_MS + 1_000));
    expect(replayed).toEqual([1, 2, 3, 1, 2, 3, 1]);
    expect(statsOf(breaker)).toMatchObject({ depth: 3, dropped: 0 });
    await breaker.close();
  });
});
