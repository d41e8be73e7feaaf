import { afterEach, describe, expect, expectTypeOf, test } from 'vitest';
import {
  allBreakers,
  type BreakerOptions,
  bufferWire,
  createBreaker,
  fallbackWire,
  findBreaker,
  InvalidInputError,
  type Receipt,
} from '../../src/breaker/index.ts';
import { makeBreaker } from './support.ts';

afterEach(async () => {
  for (const breaker of allBreakers()) await breaker.close();
});

const bad: [string, unknown, string][] = [
  ['trip', 5, '`trip` must be an object, got 5'],
  ['trip.failureRatio', { trip: { failureRatio: 5 } }, '`trip.failureRatio` must be in (0, 1], got 5'],
  ['trip.failureRatio of 0', { trip: { failureRatio: 0 } }, '`trip.failureRatio` must be in (0, 1], got 0'],
  ['trip.failureRatio NaN', { trip: { failureRatio: Number.NaN } }, '`trip.failureRatio` must be in (0, 1], got NaN'],
  [
    'trip.minimumCalls',
    { trip: { minimumCalls: 0 } },
    '`trip.minimumCalls` must be an integer from 1 to 1000000, got 0',
  ],
  ['trip.failures', { trip: { failures: 1.5 } }, '`trip.failures` must be an integer from 1 to 1000000, got 1.5'],
  ['trip.windowMs', { trip: { windowMs: 99 } }, '`trip.windowMs` must be an integer from 100 to 86400000, got 99'],
  ['trip.slowMs', { trip: { slowMs: '5' } }, '`trip.slowMs` must be an integer from 1 to 86400000, got "5"'],
  ['cooldownMs', { cooldownMs: -1 }, '`cooldownMs` must be an integer from 1 to 86400000, got -1'],
  ['halfOpen.probes', { halfOpen: { probes: 1_001 } }, '`halfOpen.probes` must be an integer from 1 to 1000, got 1001'],
  [
    'halfOpen.probeTimeoutMs',
    { halfOpen: { probeTimeoutMs: null } },
    '`halfOpen.probeTimeoutMs` must be an integer from 1 to 86400000, got null',
  ],
  ['timeoutMs', { timeoutMs: 0 }, '`timeoutMs` must be an integer from 1 to 86400000, got 0'],
  ['isFailure', { isFailure: 'always' }, '`isFailure` must be a function, got "always"'],
  ['neutralWires', { neutralWires: 'buffer' }, '`neutralWires` must be an array of wires, got "buffer"'],
  ['a wire', { neutralWires: [{}] }, '`neutralWires[0]` must be a neutral wire, got {}'],
  [
    'two wires of one name',
    { neutralWires: [fallbackWire(() => 1), fallbackWire(() => 2)] },
    '`neutralWires[1].name` must be unique on its breaker, got "fallback"',
  ],
  ['wireMode', { wireMode: 'some' }, '`wireMode` must be first or all, got "some"'],
  ['telemetry', { telemetry: 'on' }, '`telemetry` must be otel, off or an observer, got "on"'],
  ['an observer without its methods', { telemetry: {} }, '`telemetry` must be otel, off or an observer, got {}'],
  ['clock', { clock: 5 }, '`clock` must be a clock, got 5'],
  ['a clock without its methods', { clock: {} }, '`clock` must be a clock, got {}'],
  ['an unknown option', { coolDownMs: 5 }, '`coolDownMs` is unknown; known here: trip, cooldownMs'],
  ['an unknown trip rule', { trip: { errors: 5 } }, '`trip.errors` is unknown; known here: failureRatio'],
  [
    'no trip rule',
    { trip: { failureRatio: null, slowRatio: null } },
    '`trip` must keep at least one of failureRatio, failures, consecutive and slowRatio, got {',
  ],
];

describe('options', () => {
  test.each(bad)('%s: the error names option, rule and value', (_, options, message) => {
    const given = typeof options === 'object' ? options : { trip: options };
    expect(() => createBreaker('bad-options', given as BreakerOptions)).toThrow(InvalidInputError);
    expect(() => createBreaker('bad-options', given as BreakerOptions)).toThrow(message);
    expect(findBreaker('bad-options')).toBeUndefined();
  });

  test('every problem is named at once', () => {
    const options = { cooldownMs: 0, timeoutMs: -5, wrong: 1 } as unknown as BreakerOptions;
    try {
      createBreaker('bad-options', options);
      expect.unreachable();
    } catch (error) {
      expect((error as InvalidInputError).code).toBe('INVALID_INPUT');
      expect((error as InvalidInputError).problems.map(({ field }) => field)).toEqual([
        'cooldownMs',
        'timeoutMs',
        'wrong',
      ]);
    }
  });

  test.each([[''], [' padded'], ['a\nb'], ['x'.repeat(121)], [undefined], [7]])('the name %j is refused', (name) => {
    expect(() => createBreaker(name as string)).toThrow(/`name` must/);
  });

  test.each([[null], ['options'], [[]]])('%j for the options is refused', (options) => {
    expect(() => createBreaker('bad-options', options as unknown as BreakerOptions)).toThrow(InvalidInputError);
  });

  test('a second breaker of a name is refused, and the first goes on', async () => {
    const { breaker } = makeBreaker({}, 'twice');
    expect(() => createBreaker('twice')).toThrow(/`name` must be unique in the process.*got "twice"/);
    expect(await breaker.execute(() => 1)).toBe(1);
    await breaker.close();
  });

  test('breakers may be named like what every object has', async () => {
    for (const name of ['__proto__', 'constructor', 'toString']) {
      const { breaker } = makeBreaker({}, name);
      expect(findBreaker(name)).toBe(breaker);
      expect(await breaker.execute(() => name)).toBe(name);
      await breaker.close();
    }
    expect(allBreakers()).toEqual([]);
  });

  test('undefined stands for the default', async () => {
    const { breaker } = makeBreaker({ cooldownMs: undefined, trip: { failures: undefined }, timeoutMs: undefined });
    expect(breaker.settings).toMatchObject({ cooldownMs: 30_000, timeoutMs: null, trip: { failures: null } });
    await breaker.close();
  });

  test.each([
    [{ capacity: 0 }, '`capacity` must be an integer from 1 to 1000000, got 0'],
    [{ maxBytes: 2 ** 31 }, '`maxBytes` must be an integer from 1 to 2147483647'],
    [{ ttlMs: 0 }, '`ttlMs` must be'],
    [{ maxAttempts: 1_001 }, '`maxAttempts` must be an integer from 1 to 1000, got 1001'],
    [{ drainPerSecond: 0.5 }, '`drainPerSecond` must be an integer from 1 to 100000, got 0.5'],
    [{ sizeOf: 5 }, '`sizeOf` must be a function, got 5'],
    [{ onDead: 'log' }, '`onDead` must be a function, got "log"'],
    [{ overflow: 'wait' }, '`overflow` must be one of next, reject, dropOldest, got "wait"'],
    [{ drainConcurrency: 0 }, '`drainConcurrency` must be an integer from 1 to 1000, got 0'],
    [{ backoff: { baseMs: 0 } }, '`backoff.baseMs` must be an integer from 1 to 86400000, got 0'],
    [{ name: '' }, '`name` must be a string of 1 to 120 characters, got ""'],
    [{ spool: 'file' }, '`spool` must be a spool, got "file"'],
  ])('bufferWire(%j) is refused', (options, message) => {
    expect(() => bufferWire(options as never)).toThrow(message);
  });

  test('a fallback that is no function is refused', () => {
    expect(() => fallbackWire('stale' as never)).toThrow('`handler` must be a function, got "stale"');
  });

  test('a wire on a second breaker is refused', async () => {
    const wire = bufferWire();
    const { breaker } = makeBreaker({ neutralWires: [wire] });
    expect(() => createBreaker('second', { neutralWires: [wire] })).toThrow(/`neutralWires` must be on one breaker/);
    expect(findBreaker('second')).toBeUndefined();
    await breaker.close();
  });
});

describe('types', () => {
  test('without wires a call answers what its function answers', async () => {
    const { breaker } = makeBreaker();
    expectTypeOf(breaker.execute(() => 1)).toEqualTypeOf<Promise<number>>();
    expectTypeOf(breaker.protect(async (input: number) => `${input}`))
      .parameter(0)
      .toEqualTypeOf<number>();
    expectTypeOf(breaker.protect(async (input: number) => `${input}`)(1)).toEqualTypeOf<Promise<string>>();
    await breaker.close();
  });

  test('a fallback adds its answer, a buffer adds its receipt where a call can be replayed', async () => {
    const { breaker } = makeBreaker({ neutralWires: [fallbackWire(async () => null), bufferWire()] });
    expectTypeOf(breaker.execute(() => 1)).toEqualTypeOf<Promise<number | null>>();
    expectTypeOf(breaker.protect((input: number) => input)(1)).toEqualTypeOf<Promise<number | null | Receipt>>();
    await breaker.close();
  });
});
