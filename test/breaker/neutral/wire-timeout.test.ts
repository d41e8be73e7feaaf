import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, test } from 'vitest';
import {
  BreakerOpenError,
  createBreaker,
  fallbackWire,
  InvalidInputError,
  type NeutralWire,
  type WireAnswer,
  WireTimeoutError,
} from '../../../src/breaker/index.ts';
import { ManualClock } from '../../../src/breaker/testing.ts';
import { closeBreakersAfterEach, deferred, ending, fails, hangs, makeBreaker, takes, Unwell } from '../support.ts';
import { RULES } from './support.ts';

closeBreakersAfterEach();

const DEFAULT_MS = 5_000;

/** A wire that holds calls, and acknowledges each when the test says so. */
function heldWire(timeoutMs?: number | null) {
  const acknowledged = deferred<WireAnswer<string>>();
  const wire: NeutralWire<string> = {
    name: 'held',
    kind: 'held',
    take: () => acknowledged.promise,
    load: () => ({ depth: 0, capacity: 1, sizeBytes: 0, oldestAgeMs: 0 }),
    ...(timeoutMs !== undefined && { timeoutMs }),
  };
  return { wire, acknowledge: () => acknowledged.resolve({ outcome: 'buffered', value: 'a receipt' }) };
}

describe('a wire that does not answer in time', () => {
  test('is passed over after wireTimeoutMs, counted as failed and told to telemetry', async () => {
    const { breaker, clock, observer } = makeBreaker({
      ...RULES,
      wireTimeoutMs: 200,
      neutralWires: [fallbackWire(hangs, { name: 'hung' }), fallbackWire(() => 'stale')],
    });
    breaker.trip();
    const answer = ending(breaker.execute(() => 'fresh'));
    await clock.advance(199);
    expect(breaker.stats().wires).toMatchObject([{ failed: 0 }, { served: 0 }]);
    await clock.advance(1);
    expect(await answer).toBe('stale');
    expect(breaker.stats().wires).toMatchObject([
      { failed: 1, served: 0 },
      { failed: 0, served: 1 },
    ]);
    expect(observer.of('diverted')).toMatchObject([
      { wire: 'hung', outcome: 'failed', error: { code: 'WIRE_TIMEOUT', wire: 'hung', timeoutMs: 200 } },
      { wire: 'fallback', outcome: 'served' },
    ]);
  });

  test('is given five seconds by default, and each wire has its own', async () => {
    const { breaker, clock } = makeBreaker({
      ...RULES,
      neutralWires: [fallbackWire(hangs, { name: 'first' }), fallbackWire(hangs, { name: 'second' })],
    });
    breaker.holdIn({ mode: 'forced_open', reason: 'r', actor: 'a', expiresAt: '2027-01-01T00:00:00Z' });
    const answer = ending(breaker.execute(() => 'fresh'));
    await clock.advance(DEFAULT_MS - 1);
    expect(breaker.stats().wires[0]?.failed).toBe(0);
    await clock.advance(1);
    expect(breaker.stats().wires.map(({ failed }) => failed)).toEqual([1, 0]);
    await clock.advance(DEFAULT_MS);
    const error = await answer;
    expect(error).toBeInstanceOf(BreakerOpenError);
    expect((error as BreakerOpenError).causes).toMatchObject([
      { code: 'WIRE_TIMEOUT', wire: 'first' },
      { code: 'WIRE_TIMEOUT', wire: 'second' },
    ]);
    expect((error as BreakerOpenError).cause).toBeInstanceOf(WireTimeoutError);
  });

  test('answers that come too late are let go, good ones and bad ones', async () => {
    const late = [deferred(), deferred()];
    const { breaker, clock } = makeBreaker({
      ...RULES,
      wireTimeoutMs: 100,
      neutralWires: [
        fallbackWire(() => late[0]!.promise, { name: 'first' }),
        fallbackWire(() => late[1]!.promise, { name: 'second' }),
        fallbackWire(() => 'stale'),
      ],
    });
    const unhandled: unknown[] = [];
    const onUnhandled = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', onUnhandled);
    breaker.trip();
    const answer = breaker.execute(() => 'fresh');
    await clock.advance(200);
    expect(await answer).toBe('stale');
    late[0]!.resolve('late');
    late[1]!.reject(new Unwell('late'));
    await clock.advance(1);
    process.off('unhandledRejection', onUnhandled);
    expect(unhandled).toEqual([]);
    expect(breaker.stats().wires.map(({ served, failed }) => [served, failed])).toEqual([
      [0, 1],
      [0, 1],
      [1, 0],
    ]);
  });

  test('one that answers or fails before its time leaves nothing that falls due', async () => {
    const { breaker, clock, observer } = makeBreaker({
      ...RULES,
      wireTimeoutMs: 100,
      neutralWires: [
        fallbackWire(async () => fails(), { name: 'fails' }),
        fallbackWire(async () => 'in time', { name: 'answers' }),
      ],
    });
    breaker.trip();
    expect(await breaker.execute(() => 'fresh')).toBe('in time');
    await clock.advance(10_000);
    expect(observer.of('diverted')).toHaveLength(2);
  });

  test('null waits for as long as it takes', async () => {
    const clock = new ManualClock();
    const { breaker } = makeBreaker({
      ...RULES,
      clock,
      wireTimeoutMs: null,
      neutralWires: [fallbackWire(takes(clock, 3_600_000, 'at last'))],
    });
    breaker.trip();
    const answer = breaker.execute(() => 'fresh');
    await clock.advance(3_600_000);
    expect(await answer).toBe('at last');
  });

  test('all: the ones after it are asked all the same, and the first answer is the caller’s', async () => {
    const { breaker, clock } = makeBreaker({
      ...RULES,
      wireMode: 'all',
      wireTimeoutMs: 100,
      neutralWires: [
        fallbackWire(() => 'near', { name: 'near' }),
        fallbackWire(hangs, { name: 'hung' }),
        fallbackWire(async () => 'far', { name: 'far' }),
      ],
    });
    breaker.trip();
    const answer = breaker.execute(() => 'fresh');
    await clock.advance(100);
    expect(await answer).toBe('near');
    expect(breaker.stats().wires.map(({ served, failed }) => [served, failed])).toEqual([
      [1, 0],
      [0, 1],
      [1, 0],
    ]);
  });

  test('the next wire and the caller go on in the caller’s async context', async () => {
    const requests = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const { breaker, clock } = makeBreaker({
      ...RULES,
      wireTimeoutMs: 100,
      neutralWires: [fallbackWire(hangs, { name: 'hung' }), fallbackWire(() => seen.push(requests.getStore()))],
    });
    breaker.trip();
    const calls = ['a', 'b'].map((request) =>
      requests.run(request, async () => {
        await breaker.execute(() => 0);
        return requests.getStore();
      }),
    );
    await clock.advance(100);
    expect(await Promise.all(calls)).toEqual(['a', 'b']);
    expect(seen).toEqual(['a', 'b']);
  });

  test('a thousand calls that wait for a wire have one timer', async () => {
    const { breaker, clock } = makeBreaker({ ...RULES, neutralWires: [fallbackWire(hangs)] });
    breaker.holdIn({ mode: 'forced_open', reason: 'r', actor: 'a', expiresAt: '2027-01-01T00:00:00Z' });
    const before = clock.pendingTimers;
    const calls = Array.from({ length: 1_000 }, () => ending(breaker.execute(() => 0)));
    expect(clock.pendingTimers - before).toBe(1);
    await clock.advance(DEFAULT_MS);
    expect(breaker.stats().wires[0]?.failed).toBe(1_000);
    await Promise.all(calls);
  });

  test('the tripping call gets its own error after it', async () => {
    const { breaker, clock } = makeBreaker({ ...RULES, wireTimeoutMs: 50, neutralWires: [fallbackWire(hangs)] });
    const call = ending(breaker.execute(fails));
    await clock.advance(50);
    expect(await call).toBeInstanceOf(Unwell);
  });
});

describe('a wire that holds calls', () => {
  test('is waited for: a call that was given up might be held after all', async () => {
    const { wire, acknowledge } = heldWire();
    const { breaker, clock } = makeBreaker({
      ...RULES,
      wireTimeoutMs: 100,
      neutralWires: [wire, fallbackWire(() => 'stale')],
    });
    breaker.trip();
    const answer = breaker.execute(() => 'fresh');
    await clock.advance(60_000);
    acknowledge();
    expect(await answer).toBe('a receipt');
    expect(breaker.stats().wires).toMatchObject([
      { buffered: 1, failed: 0 },
      { served: 0, failed: 0 },
    ]);
  });

  test('with a time of its own it may be held after it has failed, and counts as both', async () => {
    const { wire, acknowledge } = heldWire(100);
    const { breaker, clock } = makeBreaker({ ...RULES, neutralWires: [wire] });
    breaker.trip();
    const call = ending(breaker.execute(() => 'fresh'));
    await clock.advance(100);
    expect(await call).toMatchObject({ code: 'BREAKER_OPEN', causes: [{ code: 'WIRE_TIMEOUT', wire: 'held' }] });
    expect(breaker.stats().wires).toMatchObject([{ buffered: 0, failed: 1 }]);
    acknowledge();
    await clock.advance(1);
    expect(breaker.stats().wires).toMatchObject([{ buffered: 1, failed: 1 }]);
  });

  test('a wire’s own time holds in place of the breaker’s, longer or none', async () => {
    const clock = new ManualClock();
    const slow = { ...fallbackWire(takes(clock, 500, 'slow')), timeoutMs: 1_000 };
    const { breaker } = makeBreaker({ ...RULES, clock, wireTimeoutMs: 100, neutralWires: [slow] });
    breaker.trip();
    const answer = breaker.execute(() => 'fresh');
    await clock.advance(500);
    expect(await answer).toBe('slow');
  });
});

describe('a caller that leaves', () => {
  test('is let go while a wire makes up its mind, whether or not it has a time', async () => {
    const { wire, acknowledge } = heldWire();
    const { breaker, clock, observer } = makeBreaker({
      ...RULES,
      neutralWires: [wire, fallbackWire(() => 'never asked')],
    });
    breaker.trip();
    const leaving = new AbortController();
    const call = ending(breaker.execute(() => 'fresh', { signal: leaving.signal }));
    await clock.advance(50);
    leaving.abort(new Unwell('the client hung up'));
    expect(await call).toMatchObject({ code: 'BREAKER_OPEN', causes: [{ message: 'the client hung up' }] });
    expect(breaker.stats().calls).toMatchObject({ rejected: 1, diverted: 0 });
    // No fault of the wire, which still says truly that it holds the call.
    expect(breaker.stats().wires).toMatchObject([
      { buffered: 0, failed: 0 },
      { served: 0, failed: 0 },
    ]);
    expect(observer.of('diverted')).toEqual([]);
    acknowledge();
    await clock.advance(1);
    expect(breaker.stats().wires).toMatchObject([{ buffered: 1, failed: 0 }, { served: 0 }]);
  });

  test('one that had left before is not waited for', async () => {
    const { breaker } = makeBreaker({ ...RULES, neutralWires: [fallbackWire(hangs)] });
    breaker.trip();
    const call = ending(breaker.execute(() => 'fresh', { signal: AbortSignal.abort(new Unwell('gone')) }));
    expect(await call).toMatchObject({ causes: [{ message: 'gone' }] });
  });

  test('a signal that never aborts keeps no listener', async () => {
    const { breaker } = makeBreaker({ ...RULES, neutralWires: [fallbackWire(async () => 'stale')] });
    breaker.trip();
    const { signal } = new AbortController();
    let listeners = 0;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...rest: Parameters<typeof add>) => {
      listeners += 1;
      add(...rest);
    };
    signal.removeEventListener = (...rest: Parameters<typeof remove>) => {
      listeners -= 1;
      remove(...rest);
    };
    const calls = Array.from({ length: 10 }, () => breaker.execute(() => 'fresh', { signal }));
    expect(listeners).toBe(1);
    await Promise.all(calls);
    expect(listeners).toBe(0);
  });
});

describe('a wire that answers with what is no answer', () => {
  test.each([[undefined], ['text'], [{ value: 1 }], [{ outcome: 'failed', value: 1 }]])(
    '%j is passed over and counted as failed, now and later',
    async (answer) => {
      const odd = (name: string, take: () => unknown) => ({ name, kind: 'odd', take }) as NeutralWire<string>;
      const { breaker } = makeBreaker({
        ...RULES,
        neutralWires: [odd('now', () => answer), odd('later', async () => answer), fallbackWire(() => 'stale')],
      });
      breaker.trip();
      expect(await breaker.execute(() => 'fresh')).toBe('stale');
      expect(breaker.stats().wires.map(({ failed, served }) => [failed, served])).toEqual([
        [1, 0],
        [1, 0],
        [0, 1],
      ]);
    },
  );

  test('a promise of another make is waited for', async () => {
    // biome-ignore lint/suspicious/noThenProperty: it is what the test is about
    const promise = { then: (resolve: (answer: unknown) => void) => resolve({ outcome: 'served', value: 'own' }) };
    const wire = { name: 'own', kind: 'own', take: () => promise } as unknown as NeutralWire<string>;
    const { breaker } = makeBreaker({ ...RULES, neutralWires: [wire] });
    breaker.trip();
    expect(await breaker.execute(() => 'fresh')).toBe('own');
    expect(() => breaker.executeSync(() => 'fresh')).toThrow(BreakerOpenError);
  });
});

describe('its option', () => {
  test.each([0, -1, 1.5, 86_400_001, '5'])('%j is refused, on the breaker and on a wire', (bad) => {
    const timeout = bad as number;
    expect(() => createBreaker('bad-wire-timeout', { wireTimeoutMs: timeout })).toThrow(InvalidInputError);
    const wire = { ...fallbackWire(() => 1), timeoutMs: timeout };
    expect(() => createBreaker('bad-wire-timeout', { neutralWires: [wire] })).toThrow('`neutralWires[0].timeoutMs`');
  });

  test.each([1, 86_400_000, null])('%j is taken', (good) => {
    expect(() => createBreaker(`wire-timeout-${good}`, { wireTimeoutMs: good })).not.toThrow();
  });
});
