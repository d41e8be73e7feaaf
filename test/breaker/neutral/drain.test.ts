import { describe, expect, test } from 'vitest';
import { type BufferWireOptions, bufferWire, type CallContext, isReceipt } from '../../../src/breaker/index.ts';
import { deferred, ending, makeBreaker, Unwell } from '../support.ts';
import { makeBuffered, RULES, statsOf } from './support.ts';

/** A breaker that trips only by hand, over a function that the test writes. */
function makeDrained<Result>(
  buffer: BufferWireOptions,
  act: (input: number, context: CallContext) => Result | Promise<Result>,
  settings: object = {},
) {
  const wire = bufferWire(buffer);
  const made = makeBreaker({ ...RULES, trip: { ...RULES.trip, failures: 1_000 }, ...settings, neutralWires: [wire] });
  return { ...made, wire, call: made.breaker.protect(act) };
}

describe('several at a time', () => {
  test('as many as allowed are in flight, and of one key never two', async () => {
    const running = new Set<number>();
    const ends = new Map<number, () => void>();
    const { breaker, clock, call } = makeDrained({ drainPerSecond: 1_000, drainConcurrency: 3 }, async (input) => {
      running.add(input);
      await new Promise<void>((resolve) => ends.set(input, resolve));
      running.delete(input);
    });
    breaker.configure({ timeoutMs: null });
    breaker.trip();
    for (const [input, key] of [
      [1, 'a'],
      [2, 'a'],
      [3, 'b'],
      [4, undefined],
      [5, undefined],
    ] as const) {
      await call(input, { key });
    }
    breaker.reset();
    await clock.advance(50);
    expect([...running]).toEqual([1, 3, 4]);
    ends.get(3)?.();
    await clock.advance(50);
    expect([...running]).toEqual([1, 4, 5]);
    ends.get(1)?.();
    await clock.advance(50);
    expect([...running]).toEqual([4, 5, 2]);
    for (const end of ends.values()) end();
    await clock.advance(50);
    expect(statsOf(breaker)).toMatchObject({ replayed: 5, depth: 0 });
    await breaker.close();
  });

  test('other keys go on past a key that is stuck, which keeps its order', async () => {
    const done: number[] = [];
    let isStuck = true;
    const { breaker, clock, call } = makeDrained(
      { maxAttempts: 100, backoff: { baseMs: 100, maxMs: 400 } },
      (input) => {
        if (isStuck && input < 10) throw new Unwell('stuck');
        done.push(input);
      },
    );
    breaker.trip();
    for (const input of [1, 2, 3]) await call(input, { key: 'stuck' });
    for (const input of [11, 12]) await call(input, { key: 'free' });
    await call(13);
    breaker.reset();
    await clock.advance(3_000);
    expect(done.sort()).toEqual([11, 12, 13]);
    isStuck = false;
    await clock.advance(2_000);
    expect(done.slice(3)).toEqual([1, 2, 3]);
    await breaker.close();
  });

  test('a call waits longer after each failure, up to the longest wait', async () => {
    const at: number[] = [];
    const { breaker, clock, call } = makeDrained(
      { drainPerSecond: 1_000, maxAttempts: 6, backoff: { baseMs: 100, maxMs: 300 } },
      () => {
        at.push(clock.monotonicMs());
        throw new Unwell('unwell');
      },
    );
    breaker.trip();
    await call(1);
    breaker.reset();
    await clock.advance(5_000);
    expect(at).toEqual([0, 100, 300, 600, 900, 1_200]);
    await breaker.close();
  });
});

describe('a trip', () => {
  test('gives back unharmed what was taken, and lets what is in flight end', async () => {
    const first = deferred();
    const attempts: [number, number][] = [];
    const { breaker, clock, call, wire } = makeDrained(
      { drainPerSecond: 10, drainConcurrency: 4 },
      (input, { attempt }) => {
        attempts.push([input, attempt]);
        return input === 1 && attempt === 1 ? first.promise : 'good';
      },
    );
    breaker.configure({ timeoutMs: null });
    breaker.trip();
    for (const input of [1, 2, 3, 4]) await call(input, { key: String(input) });
    breaker.reset();
    await clock.advance(50);
    expect(attempts).toEqual([[1, 1]]);
    breaker.trip();
    await clock.advance(500);
    expect(attempts).toEqual([[1, 1]]);
    expect((await wire.peek()).map(({ attempts: tried }) => tried)).toEqual([0, 0, 0, 0]);
    first.resolve('good');
    await clock.advance(0);
    expect(statsOf(breaker)).toMatchObject({ replayed: 1, depth: 3 });
    breaker.reset();
    await clock.advance(1_000);
    expect(attempts.slice(1)).toEqual([
      [2, 1],
      [3, 1],
      [4, 1],
    ]);
    await breaker.close();
  });
});

describe('the rate', () => {
  test('halves where replays fail, once for those in flight together, and grows again by a tenth a second', async () => {
    const at: number[] = [];
    let isWell = false;
    const { breaker, clock, call } = makeDrained({ drainPerSecond: 10, maxAttempts: 1 }, () => {
      at.push(clock.monotonicMs());
      if (!isWell) throw new Unwell('unwell');
    });
    breaker.trip();
    for (let input = 0; input < 40; input++) await call(input);
    breaker.reset();
    await clock.advance(0);
    isWell = true;
    await clock.advance(10_000);
    const gaps = at.slice(1).map((time, index) => time - (at[index] ?? 0));
    // The first start was paced before its replay failed.
    expect(gaps[0]).toBe(100);
    expect(gaps[1]).toBeGreaterThan(180);
    expect(gaps[1]).toBeLessThanOrEqual(200);
    expect(gaps.slice(1).every((gap, index, all) => index === 0 || gap <= (all[index - 1] ?? 0))).toBe(true);
    expect(gaps.at(-1)).toBe(100);
    await breaker.close();
  });

  test('halves where replays are slow', async () => {
    const at: number[] = [];
    const { breaker, clock, call } = makeDrained(
      { drainPerSecond: 10 },
      () => {
        at.push(clock.monotonicMs());
        return new Promise((resolve) => clock.timer(60, () => resolve('slow')));
      },
      { trip: { failureRatio: null, failures: 1_000, slowRatio: null, slowMs: 50, countOverdue: false } },
    );
    breaker.trip();
    for (let input = 0; input < 4; input++) await call(input);
    breaker.reset();
    await clock.advance(10_000);
    const gaps = at.slice(1).map((time, index) => time - (at[index] ?? 0));
    expect(gaps).toEqual([100, 200, 400]);
    await breaker.close();
  });
});

describe('live calls', () => {
  test('have the last free place of the concurrency limit', async () => {
    let running = 0;
    let most = 0;
    const { breaker, clock, call } = makeDrained({ drainPerSecond: 1_000, drainConcurrency: 10 }, async () => {
      running += 1;
      most = Math.max(most, running);
      await new Promise<void>((resolve) => clock.timer(50, resolve));
      running -= 1;
    });
    breaker.trip();
    for (let input = 0; input < 12; input++) await call(input);
    breaker.configure({ maxConcurrent: 4 });
    breaker.reset();
    await clock.advance(20);
    expect(running).toBe(3);
    expect(await breaker.execute(() => 'live')).toBe('live');
    await clock.advance(2_000);
    expect(most).toBe(3);
    expect(statsOf(breaker)).toMatchObject({ replayed: 12, depth: 0 });
    await breaker.close();
  });
});

describe('what a replay is given', () => {
  test('its attempt, the key of its call, and when that was diverted', async () => {
    const given: unknown[] = [];
    const { breaker, clock, call } = makeDrained({}, (_, { attempt, idempotencyKey, divertedAt }) => {
      given.push([attempt, idempotencyKey, divertedAt]);
      if (given.length === 1) throw new Unwell('unwell');
    });
    breaker.trip();
    const divertedAt = clock.wallMs();
    await call(1, { idempotencyKey: 'order-1' });
    breaker.reset();
    await clock.advance(1_000);
    await call(2, { idempotencyKey: 'order-2' });
    expect(given).toEqual([
      [1, 'order-1', divertedAt],
      [2, 'order-1', divertedAt],
      [1, 'order-2', undefined],
    ]);
    await breaker.close();
  });

  test('the call that trips has the same key in its replay as when it was live', async () => {
    const keys: string[] = [];
    const { breaker, clock, call } = makeDrained(
      {},
      (_, { idempotencyKey }) => {
        keys.push(idempotencyKey);
        if (keys.length === 1) throw new Unwell('unwell');
      },
      { trip: RULES.trip },
    );
    expect(isReceipt(await call(1))).toBe(true);
    breaker.reset();
    await clock.advance(100);
    expect(keys).toHaveLength(2);
    expect(keys[0]).toBe(keys[1]);
    await breaker.close();
  });
});

describe('receipt.done()', () => {
  test('has the result of the replay, also for who asks later', async () => {
    const { breaker, clock, call } = makeBuffered();
    breaker.trip();
    const receipt = await call(7);
    if (!isReceipt(receipt)) throw new Error('no receipt');
    const done = receipt.done();
    breaker.reset();
    await clock.advance(100);
    expect(await done).toBe('answer 7');
    expect(await receipt.done()).toBe('answer 7');
    await breaker.close();
  });

  test.each([
    ['dead', { maxAttempts: 1, onDead: () => {} }, 0],
    ['exhausted', { maxAttempts: 1 }, 0],
    ['expired', { ttlMs: 50, maxAttempts: 100 }, 1_000],
    ['shutdown', { maxAttempts: 100 }, 0],
  ] as const)('rejects where the call is given up: %s', async (reason, options, ms) => {
    const { breaker, clock, call, dependency } = makeBuffered(options);
    breaker.configure({ trip: { failures: 1_000 } });
    breaker.trip();
    dependency.well = false;
    const receipt = await call(7);
    if (!isReceipt(receipt)) throw new Error('no receipt');
    const done = ending(receipt.done());
    breaker.reset();
    await clock.advance(ms);
    await breaker.close();
    expect(await done).toMatchObject({ code: 'REPLAY_FAILED', receipt: receipt.id, reason });
  });
});
