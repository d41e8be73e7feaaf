import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { restoreInput, storeInput } from '../../../../src/breaker/neutral/spool/stored-input.ts';

describe('an input on disk', () => {
  test('plain data is JSON text that anybody can read', () => {
    expect(storeInput({ order: 7, lines: ['bolt', null, true, 1.5] })).toBe(
      '{"order":7,"lines":["bolt",null,true,1.5]}',
    );
    expect(storeInput(null)).toBe('null');
  });

  test('any JSON comes back as it was', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        expect(restoreInput(storeInput(value))).toStrictEqual(value);
      }),
    );
  });

  test.each<[string, unknown]>([
    ['a date', { at: new Date(5) }],
    ['a map of sets', new Map([['a', new Set([1, { b: new Date(7) }])]])],
    ['bytes', { body: Buffer.from('abc'), view: new Uint8Array([1, 2]) }],
    ['a big integer', [10n]],
    ['no input', undefined],
    ['a property without a value', { a: undefined }],
    ['numbers that JSON makes null', [Number.NaN, Number.POSITIVE_INFINITY]],
    ['a zero with a sign', { balance: -0 }],
    ['an array with a hole', Object.assign(new Array(3), { 0: 1, 2: 3 })],
    ['an expression', /a+/giu],
  ])('%s comes back as it was', (_, value) => {
    expect(restoreInput(storeInput(value))).toStrictEqual(value);
  });

  test('an array with a name comes back with it', () => {
    const matched = Object.assign(['a'], { index: 3 });
    expect(restoreInput(storeInput(matched))).toStrictEqual(matched);
  });

  test('a cycle, and one object in two places, come back as such', () => {
    const order: Record<string, unknown> = { lines: [] };
    order.self = order;
    const back = restoreInput(storeInput(order)) as typeof order;
    expect(back.self).toBe(back);
    const shared = { street: 'Elm' };
    const twice = restoreInput(storeInput({ bill: shared, ship: shared })) as { bill: unknown; ship: unknown };
    expect(twice.bill).toBe(twice.ship);
  });

  class Order {
    total(): number {
      return 1;
    }
  }
  test.each<[string, unknown, string]>([
    ['a function', { run: () => 1 }, 'a function cannot be written down'],
    ['a function deep in a map', [1n, new Map([['a', [() => 1]]])], 'a function cannot'],
    ['a symbol', [Symbol('a')], 'a symbol cannot'],
    ['a property named by a symbol', { [Symbol('a')]: 1 }, 'a symbol cannot'],
    ['an instance of a class', { order: new Order() }, 'an instance of Order would come back without its methods'],
    ['an address', new URL('http://a.example'), 'an instance of URL'],
    ['an error', { cause: new RangeError('far') }, 'an instance of RangeError'],
    ['a promise in a set', new Set([Promise.resolve()]), 'an instance of Promise'],
  ])('%s is refused', (_, value, words) => {
    expect(() => storeInput(value)).toThrow(words);
  });
});
