import { describe, expect, test } from 'vitest';
import {
  BreakerOpenError,
  bufferWire,
  fallbackWire,
  isReceipt,
  memorySpool,
  type Spool,
  SpoolError,
  type SpooledCall,
} from '../../../src/breaker/index.ts';
import { ending, makeBreaker } from '../support.ts';
import { makeBuffered, RULES, statsOf } from './support.ts';

describe('a full buffer', () => {
  test('next: asks the next wire; reject: asks none', async () => {
    for (const overflow of ['next', 'reject'] as const) {
      const neutralWires = [bufferWire({ capacity: 1, overflow }), fallbackWire(() => 'stale')] as const;
      const { breaker } = makeBreaker({ ...RULES, neutralWires });
      const call = breaker.protect(async (input: number) => input);
      breaker.trip();
      expect(isReceipt(await call(1))).toBe(true);
      const second = await ending(call(2));
      if (overflow === 'next') expect(second).toBe('stale');
      else expect((second as BreakerOpenError).causes).toMatchObject([{ code: 'WIRE_REFUSED', wire: 'buffer' }]);
      expect(breaker.stats().wires[0]).toMatchObject({ buffered: 1, failed: 1, dropped: 1, depth: 1 });
      await breaker.close();
    }
  });

  test('dropOldest: the oldest make room, by count and by bytes, whoever comes at the same time', async () => {
    const { breaker, clock, call, dependency, observer } = makeBuffered({
      capacity: 3,
      maxBytes: 20,
      overflow: 'dropOldest',
      sizeOf: (input) => (input === 9 ? 18 : 2),
    });
    breaker.trip();
    expect(isReceipt(await call(1, { key: 'one' }))).toBe(true);
    expect(isReceipt(await call(2, { key: 'one' }))).toBe(true);
    const together = await Promise.all([3, 4, 5].map((input) => call(input, { key: 'one' })));
    expect(together.every(isReceipt)).toBe(true);
    expect(statsOf(breaker)).toMatchObject({ buffered: 5, failed: 0, dropped: 2, depth: 3 });
    expect(isReceipt(await call(9))).toBe(true);
    expect(statsOf(breaker)).toMatchObject({ buffered: 6, dropped: 4, depth: 2 });
    expect(observer.of('dropped')).toMatchObject(Array(4).fill({ reason: 'overflow' }));
    breaker.reset();
    await clock.advance(1_000);
    expect(dependency.answered).toEqual([5, 9]);
    await breaker.close();
  });

  test('an input larger than the bound is refused, and nothing is dropped for it', async () => {
    const { breaker, call } = makeBuffered({
      maxBytes: 20,
      overflow: 'dropOldest',
      sizeOf: (input) => input as number,
    });
    breaker.trip();
    await call(10);
    expect(await ending(call(21))).toBeInstanceOf(BreakerOpenError);
    expect(statsOf(breaker)).toMatchObject({ buffered: 1, depth: 1 });
    await breaker.close();
  });
});

describe('an operator', () => {
  test('pauses and resumes, sees how long it takes, and purges', async () => {
    const { breaker, clock, call, wire, dependency } = makeBuffered({ drainPerSecond: 10 });
    breaker.trip();
    for (const input of [1, 2, 3, 4]) await call(input);
    expect(wire.timeToEmptyMs()).toBe(1_400);
    breaker.reset();
    await clock.advance(100);
    wire.pause();
    expect([wire.isPaused, wire.timeToEmptyMs()]).toEqual([true, null]);
    await clock.advance(5_000);
    expect(dependency.answered).toEqual([1, 2]);
    expect((await wire.peek()).map(({ input }) => input)).toEqual([3, 4]);
    wire.resume();
    await clock.advance(100);
    expect(dependency.answered).toEqual([1, 2, 3, 4]);
    breaker.trip();
    for (const input of [5, 6]) await call(input);
    expect(await wire.purge()).toBe(2);
    expect(statsOf(breaker)).toMatchObject({ buffered: 6, replayed: 4, dropped: 2, depth: 0 });
    await breaker.close();
  });

  test('reads and forgets the dead letters', async () => {
    const { breaker, clock, call, wire, dependency } = makeBuffered({ maxAttempts: 1, onDead: () => {} });
    breaker.configure({ trip: { failures: 1_000 } });
    breaker.trip();
    for (const input of [1, 2]) await call(input);
    dependency.well = false;
    breaker.reset();
    await clock.advance(1_000);
    expect(await wire.deadLetters()).toMatchObject([
      { input: 2, attempts: 1, error: 'Unwell: unwell at 2' },
      { input: 1, attempts: 1, error: 'Unwell: unwell at 1' },
    ]);
    expect(await wire.purgeDeadLetters()).toBe(2);
    expect(await wire.deadLetters()).toEqual([]);
    await breaker.close();
  });
});

/** A spool of which the test decides what works; it outlives its breakers. */
function fakeSpool() {
  const inner = memorySpool();
  const state = { opens: true, appends: true };
  const totals = { received: 0, replayed: 0, dead: 0, dropped: { overflow: 0, expired: 0, exhausted: 0, shutdown: 0 } };
  const spool: Spool = {
    kind: 'fake',
    isDurable: true,
    async open() {
      if (!state.opens) throw new SpoolError('SPOOL_LOCKED', 'another process has it');
      return { totals, damage: undefined };
    },
    async append(call: SpooledCall) {
      if (!state.appends) throw new SpoolError('SPOOL_FAILED', 'the disk is full');
      await inner.append(call);
      totals.received += 1;
    },
    take: (limit, now) => inner.take(limit, now),
    giveBack: (id, attempts, notBefore) => inner.giveBack(id, attempts, notBefore),
    async end(id, end) {
      if (end.kind === 'replayed') totals.replayed += 1;
      return inner.end(id, end);
    },
    expire: (now) => inner.expire(now),
    load: () => inner.load(),
    nextDueAt: () => inner.nextDueAt(),
    peek: (limit) => inner.peek(limit),
    deadLetters: (limit) => inner.deadLetters(limit),
    purgeDeadLetters: () => inner.purgeDeadLetters(),
    close: async () => {},
  };
  return { spool, state };
}

describe('a durable spool', () => {
  test('keeps its calls and its numbers for the next process, which waits for the function of a call', async () => {
    const { spool } = fakeSpool();
    const one = makeBuffered({ spool });
    one.breaker.trip();
    await one.breaker.protect(one.dependency.answer, { name: 'pay' })(1);
    await one.breaker.close();
    expect(statsOf(one.breaker)).toMatchObject({ buffered: 1, dropped: 0, depth: 1 });

    const wire = bufferWire({ spool });
    const { breaker, clock } = makeBreaker({ ...RULES, neutralWires: [wire] });
    await clock.advance(1_000);
    expect(breaker.stats().wires[0]).toMatchObject({ buffered: 1, replayed: 0, depth: 1 });
    const paid: number[] = [];
    breaker.protect((input: number) => void paid.push(input), { name: 'pay' });
    await clock.advance(6_000);
    expect(paid).toEqual([1]);
    expect(breaker.stats().wires[0]).toMatchObject({ buffered: 1, replayed: 1, depth: 0 });
    await breaker.close();
  });

  test('that cannot write: the caller hears why, and nothing is held', async () => {
    const { spool, state } = fakeSpool();
    const { breaker, call } = makeBuffered({ spool });
    breaker.trip();
    state.appends = false;
    const error = await ending(call(1));
    expect(error).toBeInstanceOf(BreakerOpenError);
    expect((error as BreakerOpenError).causes).toMatchObject([{ code: 'SPOOL_FAILED' }]);
    expect(statsOf(breaker)).toMatchObject({ buffered: 0, failed: 1, depth: 0 });
    await breaker.close();
  });

  test('that cannot be had refuses, and is asked for again', async () => {
    const { spool, state } = fakeSpool();
    state.opens = false;
    const { breaker, clock, call } = makeBuffered({ spool });
    breaker.trip();
    const error = await ending(call(1));
    expect((error as BreakerOpenError).causes).toMatchObject([{ code: 'SPOOL_LOCKED' }]);
    state.opens = true;
    await clock.advance(999);
    expect(await ending(call(1))).toBeInstanceOf(BreakerOpenError);
    await clock.advance(1);
    breaker.reset();
    breaker.trip();
    expect(isReceipt(await call(2))).toBe(true);
    await breaker.close();
  });

  test('takes no call of a second function under a name that is taken', async () => {
    const { spool } = fakeSpool();
    const { breaker } = makeBuffered({ spool });
    const [pay, refund] = [1, 2].map((factor) =>
      breaker.protect(async (input: number) => input * factor, { name: 'pay' }),
    );
    breaker.trip();
    expect(isReceipt(await pay?.(1))).toBe(true);
    const error = await ending(refund?.(1) ?? Promise.resolve());
    expect((error as BreakerOpenError).causes).toMatchObject([{ message: expect.stringContaining('"pay"') }]);
    await breaker.close();
  });
});
