import { describe, expect, expectTypeOf, test } from 'vitest';
import {
  BreakerOpenError,
  bufferWire,
  type CachedAnswer,
  type CacheWireOptions,
  cacheWire,
  createBreaker,
  fallbackWire,
  InvalidInputError,
  isCached,
  type NeutralWire,
  type Receipt,
} from '../../../src/breaker/index.ts';
import { closeBreakersAfterEach, deferred, ending, fails, makeBreaker, Unwell } from '../support.ts';
import { RULES } from './support.ts';

closeBreakersAfterEach();

/** A breaker with a cache over a function that answers how often it was asked, and what. */
function makeCached(options: CacheWireOptions = {}) {
  const made = makeBreaker({ ...RULES, neutralWires: [cacheWire(options)] });
  let asked = 0;
  const call = made.breaker.protect((input: unknown) => `${++asked}: ${String(input)}`);
  return { ...made, call };
}

const WALL_ORIGIN = Date.UTC(2026, 0, 1);

describe('a cache wire', () => {
  test('answers with the last good result for the same input, and says how old it is', async () => {
    const { breaker, call, clock } = makeCached();
    await call('bolt');
    await clock.advance(1_000);
    expect(await call('bolt')).toBe('2: bolt');
    await call('nut');
    await clock.advance(2_500);
    breaker.trip();
    const answer = await call('bolt');
    expect(isCached(answer)).toBe(true);
    expect(answer).toMatchObject({ value: '2: bolt', ageMs: 2_500, stale: true, cachedAt: WALL_ORIGIN + 1_000 });
    expect(await call('nut')).toMatchObject({ value: '3: nut' });
    expect(breaker.stats().wires).toMatchObject([{ name: 'cache', kind: 'cache', served: 2, failed: 0 }]);
  });

  test('a fresh result is the caller’s as it is', async () => {
    const { breaker, call } = makeCached();
    expect(await call('bolt')).toBe('1: bolt');
    breaker.trip();
    await call('bolt');
    breaker.reset();
    expect(await call('bolt')).toBe('2: bolt');
    expect(isCached('1: bolt')).toBe(false);
    expect(isCached(null)).toBe(false);
    expect(isCached({ value: 1, ageMs: 0, stale: true, cachedAt: 0 })).toBe(false);
  });

  test('a call that it knows nothing of gets the error, and that is no failure of the wire', async () => {
    const { breaker, call, observer } = makeCached();
    await call('bolt');
    breaker.trip();
    const error = await ending(call('nut'));
    expect(error).toBeInstanceOf(BreakerOpenError);
    expect((error as BreakerOpenError).causes).toMatchObject([{ code: 'WIRE_REFUSED', wire: 'cache', declined: true }]);
    expect(breaker.stats().wires).toMatchObject([{ served: 0, failed: 0 }]);
    expect(observer.of('diverted')).toEqual([]);
  });

  test('the tripping call has the last good result as well, and stays a failure', async () => {
    const { breaker } = makeBreaker({ ...RULES, neutralWires: [cacheWire()] });
    let well = true;
    const call = breaker.protect((input: string) => (well ? `good ${input}` : fails()));
    await call('bolt');
    well = false;
    expect(await call('bolt')).toMatchObject({ value: 'good bolt' });
    expect(breaker.stats().calls).toMatchObject({ success: 1, failure: 1, diverted: 0 });
  });

  test('a hit is no outcome: it counts as diverted, and the window does not move', async () => {
    const { breaker, call } = makeCached();
    await call('bolt');
    breaker.trip();
    const before = breaker.exportState().window;
    for (let hit = 0; hit < 1_000; hit++) expect(isCached(await call('bolt'))).toBe(true);
    expect(breaker.exportState().window).toEqual(before);
    expect(breaker.stats().calls).toMatchObject({ success: 1, failure: 0, diverted: 1_000, rejected: 0 });
  });
});

describe('what it learns', () => {
  test('neither errors nor results that count as failures', async () => {
    const { breaker } = makeBreaker({
      ...RULES,
      trip: { ...RULES.trip, failures: 10 },
      isFailureResult: (result) => result === 503,
      isFailure: (error) => !(error instanceof TypeError),
      neutralWires: [cacheWire()],
    });
    let answer: () => number = () => 200;
    const call = breaker.protect((_: string) => answer());
    await call('page');
    answer = () => 503;
    await call('page');
    answer = fails;
    await ending(call('page'));
    answer = () => {
      throw new TypeError('bad input');
    };
    await ending(call('page'));
    breaker.trip();
    expect(await call('page')).toMatchObject({ value: 200 });
  });

  test('results of probes and of calls that were slow, but not what came after the timeout', async () => {
    const { breaker, clock } = makeBreaker({ ...RULES, neutralWires: [cacheWire()] });
    const late = deferred();
    let answer: () => string | Promise<string> = () => 'first';
    const call = breaker.protect((_: string) => answer());
    await call('page');
    answer = () => late.promise;
    const timedOut = call('page');
    await clock.advance(RULES.timeoutMs);
    expect(await timedOut).toMatchObject({ value: 'first' });
    late.resolve('too late');
    await clock.advance(RULES.cooldownMs);
    answer = () => 'of a probe';
    expect(await call('page')).toBe('of a probe');
    breaker.trip();
    expect(await call('page')).toMatchObject({ value: 'of a probe' });
  });

  test('undefined and null are results', async () => {
    const { breaker } = makeBreaker({ ...RULES, neutralWires: [cacheWire()] });
    const call = breaker.protect((input: string) => (input === 'none' ? null : undefined));
    await call('none');
    await call('nothing');
    breaker.trip();
    expect(await call('none')).toMatchObject({ value: null });
    const nothing = await call('nothing');
    expect(isCached(nothing) && nothing.value).toBe(undefined);
  });

  test('no answer of a wire: neither its own nor those of another breaker that the function calls', async () => {
    const behind = makeBreaker({ ...RULES, neutralWires: [bufferWire()] }).breaker;
    const held = behind.protect((input: string) => input);
    const stale = makeCached();
    await stale.call('page');
    const { breaker } = makeBreaker({ ...RULES, neutralWires: [cacheWire()] });
    const call = breaker.protect<string, unknown>((input) => (input === 'order' ? held(input) : stale.call(input)));
    behind.trip();
    stale.breaker.trip();
    await call('order');
    await call('page');
    breaker.trip();
    expect(await ending(call('order'))).toBeInstanceOf(BreakerOpenError);
    expect(await ending(call('page'))).toBeInstanceOf(BreakerOpenError);
  });

  test('what throws while it learns reaches nobody’s call', async () => {
    const keyOf = () => {
      throw new Unwell('no key');
    };
    const { breaker, call } = makeCached({ keyOf });
    expect(await call('bolt')).toBe('1: bolt');
    breaker.trip();
    expect(await ending(call('bolt'))).toMatchObject({ causes: [{ name: 'Unwell' }] });
    expect(breaker.stats().wires).toMatchObject([{ failed: 1 }]);
  });
});

describe('what is the same call', () => {
  test.each<[string, unknown, unknown]>([
    [
      'the order of properties does not matter',
      { a: 1, b: { c: [1, 2], d: null } },
      { b: { d: null, c: [1, 2] }, a: 1 },
    ],
    ['a property without a value is none', { a: 1, b: undefined }, { a: 1 }],
    ['dates by their time', { at: new Date(5) }, { at: new Date(5) }],
    ['numbers that JSON does not have', [Number.NaN, 5n], [Number.NaN, 5n]],
  ])('%s', async (_, first, second) => {
    const { breaker, call } = makeCached();
    await call(first);
    breaker.trip();
    expect(isCached(await ending(call(second)))).toBe(true);
  });

  test.each<[string, unknown, unknown]>([
    ['text and number', '1', 1],
    ['text and bigint', '1n', 1n],
    ['null and not a number', [null], [Number.NaN]],
    ['null and nothing', [null], [undefined]],
    ['the order of a list', [1, 2], [2, 1]],
    ['the edges of lists', [[1], 2], [[1, 2]]],
    ['the edges of properties', { a: '1,"b":2' }, { a: 1, b: 2 }],
    ['a date and an hour later', new Date(0), new Date(3_600_000)],
  ])('%s are told apart', async (_, first, second) => {
    const { breaker, call } = makeCached();
    await call(first);
    breaker.trip();
    expect(await ending(call(second))).toBeInstanceOf(BreakerOpenError);
    expect(isCached(await ending(call(first)))).toBe(true);
  });

  const loop: { self?: unknown } = {};
  loop.self = loop;
  test.each<[string, unknown]>([
    ['a map', new Map([['a', 1]])],
    ['a function', () => 1],
    ['an object of a class', new (class Order {})()],
    ['a loop', loop],
    ['a long text', 'x'.repeat(1_025)],
    ['a long list', Array.from({ length: 100_000 }, (_, index) => index)],
    ['many properties', Object.fromEntries(Array.from({ length: 2_000 }, (_, index) => [`p${index}`, 1]))],
  ])('%s cannot be told apart from others, so such a call is declined', async (_, input) => {
    const { breaker, call } = makeCached();
    await call(input);
    breaker.trip();
    expect(await ending(call(input))).toMatchObject({ causes: [{ declined: true }] });
  });

  test('a key alone says what is asked; key and input together both count', async () => {
    const { breaker, call } = makeCached();
    await breaker.execute(() => 'of jo', { key: 'jo' });
    await call('order 1', { key: 'jo' });
    breaker.trip();
    expect(await breaker.execute(fails, { key: 'jo' })).toMatchObject({ value: 'of jo' });
    // A key may be there for the order of a customer's calls: another of them must not get this one's answer.
    expect(await ending(call('order 2', { key: 'jo' }))).toBeInstanceOf(BreakerOpenError);
    expect(await call('order 1', { key: 'jo' })).toMatchObject({ value: '1: order 1' });
    expect(await ending(call('order 1', { key: 'ada' }))).toBeInstanceOf(BreakerOpenError);
  });

  test('keyOf says it otherwise', async () => {
    const { breaker, call } = makeCached({ keyOf: ({ input }) => (input as { item?: string }).item });
    await call({ item: 'bolt', trace: 1 });
    await call({ trace: 2 });
    breaker.trip();
    expect(isCached(await call({ item: 'bolt', trace: 3 }))).toBe(true);
    expect(await ending(call({ trace: 2 }))).toMatchObject({ causes: [{ declined: true }] });
  });

  test('a key that is no text is a fault of the wire', async () => {
    const { breaker, call } = makeCached({ keyOf: () => 5 as unknown as string });
    await call('bolt');
    breaker.trip();
    expect(await ending(call('bolt'))).toMatchObject({ causes: [{ name: 'TypeError' }] });
  });

  test('two functions of one breaker do not answer for each other', async () => {
    const { breaker } = makeBreaker({ ...RULES, neutralWires: [cacheWire()] });
    const user = breaker.protect(async (id: number) => `user ${id}`);
    const order = breaker.protect(async (id: number) => `order ${id}`);
    await user(1);
    breaker.trip();
    expect(await ending(order(1))).toBeInstanceOf(BreakerOpenError);
    expect(await user(1)).toMatchObject({ value: 'user 1' });
  });

  test('a protected function without an input has one answer; execute without key and input has none', async () => {
    const { breaker } = makeBreaker({ ...RULES, neutralWires: [cacheWire()] });
    const rates = breaker.protect<void, string>(() => 'the rates');
    await rates();
    await breaker.execute(() => 'something');
    breaker.trip();
    expect(await rates()).toMatchObject({ value: 'the rates' });
    expect(await ending(breaker.execute(() => 'something'))).toBeInstanceOf(BreakerOpenError);
  });
});

describe('its bounds', () => {
  test('beyond maxEntries the result goes that was used least recently, by a good call or by a hit', async () => {
    const { breaker, call } = makeCached({ maxEntries: 3 });
    for (const item of ['a', 'b', 'c']) await call(item);
    breaker.trip();
    expect(isCached(await call('a'))).toBe(true);
    breaker.reset();
    await call('b');
    await call('d');
    breaker.trip();
    expect(await ending(call('c'))).toBeInstanceOf(BreakerOpenError);
    for (const item of ['a', 'b', 'd']) expect(isCached(await call(item)), item).toBe(true);
  });

  test('a result as old as maxAgeMs is answered with, an older one is not', async () => {
    const { breaker, call, clock } = makeCached({ maxAgeMs: 5_000 });
    await call('bolt');
    breaker.holdIn({ mode: 'forced_open', reason: 'r', actor: 'a', expiresAt: '2027-01-01T00:00:00Z' });
    await clock.advance(5_000);
    expect(await call('bolt')).toMatchObject({ ageMs: 5_000 });
    await clock.advance(1);
    expect(await ending(call('bolt'))).toMatchObject({ causes: [{ message: expect.stringContaining('5001 ms old') }] });
  });

  test.each<CacheWireOptions>([
    { maxEntries: 0 },
    { maxEntries: 1_000_001 },
    { maxAgeMs: 0 },
    { maxAgeMs: 86_400_001 },
    { name: '' },
    { keyOf: 'input' as never },
    { size: 5 } as never,
  ])('%j is refused', (options) => {
    expect(() => cacheWire(options)).toThrow(InvalidInputError);
  });

  test('it forgets all at the breaker’s close, and learns no more from calls that were in flight', async () => {
    const wire = cacheWire();
    const { breaker } = makeBreaker({ ...RULES, neutralWires: [wire] });
    const first = deferred();
    const call = breaker.protect((input: string) => (input === 'late' ? first.promise : input));
    await call('early');
    const late = call('late');
    await breaker.close();
    first.resolve('good');
    await late;
    for (const input of ['early', 'late']) {
      const diverted = { breaker: 'b', input, key: undefined, fn: undefined, signal: undefined, error: undefined };
      const unasked = { operation: undefined, idempotencyKey: 'k', divertedAt: 0, replay: undefined };
      expect(() => wire.take({ ...diverted, ...unasked })).toThrow('no good result');
    }
  });
});

describe('for callers that cannot wait', () => {
  test('it learns from them and answers them', () => {
    const { breaker } = makeBreaker({ ...RULES, timeoutMs: null, neutralWires: [cacheWire()] });
    expect(breaker.executeSync(() => 'parsed', { input: 'page' })).toBe('parsed');
    breaker.trip();
    expect(breaker.executeSync(() => 'never', { input: 'page' })).toMatchObject({ value: 'parsed', stale: true });
    expect(() => breaker.executeSync(() => 'never', { input: 'other' })).toThrow(BreakerOpenError);
  });

  test('a promise that executeSync was given is no result: it may be rejected yet', async () => {
    const { breaker } = makeBreaker({ ...RULES, timeoutMs: null, neutralWires: [cacheWire()] });
    const given = breaker.executeSync(() => Promise.reject(new Unwell('later')), { input: 'page' });
    await ending(given as Promise<never>);
    breaker.trip();
    expect(() => breaker.executeSync(fails, { input: 'page' })).toThrow(BreakerOpenError);
  });
});

describe('its type', () => {
  test('a cached answer has the type of the function’s own result', () => {
    const { breaker } = makeBreaker({ neutralWires: [cacheWire(), fallbackWire(() => 0), bufferWire()] });
    const name = breaker.protect(async (id: number) => `name ${id}`);
    expectTypeOf<Awaited<ReturnType<typeof name>>>().toEqualTypeOf<string | CachedAnswer<string> | number | Receipt>();
    const executed = () => breaker.execute(async () => true);
    expectTypeOf<Awaited<ReturnType<typeof executed>>>().toEqualTypeOf<boolean | CachedAnswer<boolean> | number>();
    const atOnce = () => breaker.executeSync(() => 'x');
    expectTypeOf(atOnce).returns.toEqualTypeOf<string | CachedAnswer<string> | number>();
  });

  test('isCached tells it from the result', () => {
    const tell = (answer: string | CachedAnswer<string>): string => {
      if (!isCached(answer)) {
        expectTypeOf(answer).toEqualTypeOf<string>();
        return answer;
      }
      expectTypeOf(answer.value).toEqualTypeOf<string>();
      return answer.value;
    };
    expect(tell('fresh')).toBe('fresh');
  });

  test('a cache of one’s own may name a type of its own', () => {
    const own = cacheWire() as NeutralWire<CachedAnswer<number>>;
    const breaker = createBreaker('typed-cache', { neutralWires: [own] });
    const executed = () => breaker.execute(() => 'x');
    expectTypeOf<Awaited<ReturnType<typeof executed>>>().toEqualTypeOf<string | CachedAnswer<number>>();
  });
});
