import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Cells } from '../../../src/breaker/memory/cells.ts';

const NO_SECTIONS = { failures: undefined, ring: undefined };

const makers = [
  ['an ArrayBuffer', () => new Cells(new Int32Array(new ArrayBuffer(24)), NO_SECTIONS)],
  ['a SharedArrayBuffer', () => new Cells(new Int32Array(new SharedArrayBuffer(24)), NO_SECTIONS)],
] as const;

/** Bits of a low word below the half of its range. */
const BELOW_HALF = 2 ** 31 - 1;

describe.each(makers)('cells over %s', (_, makeCells) => {
  test('a wide cell counts one by one', () => {
    const cells = makeCells();
    for (let count = 1; count <= 100; count++) {
      cells.increment(0);
      expect(cells.getWide(0)).toBe(count);
    }
  });

  test.each([2 ** 31, 2 ** 32, 3 * 2 ** 31, 2 ** 33, 2 ** 45, 2 ** 52 + 2 ** 31])(
    'a wide cell counts past %d',
    (edge) => {
      const cells = makeCells();
      cells.addWide(0, edge - 2);
      for (let step = -1; step <= 3; step++) {
        cells.increment(0);
        expect(cells.getWide(0)).toBe(edge + step);
      }
    },
  );

  test('a wide cell holds 2^53', () => {
    const cells = makeCells();
    cells.addWide(0, 2 ** 53 - 1);
    cells.increment(0);
    expect(cells.getWide(0)).toBe(2 ** 53);
  });

  test('a wide cell takes every whole amount from 0 to 2^53', () => {
    const amount = fc.oneof(
      fc.maxSafeNat(),
      fc.integer({ min: 0, max: 10 }),
      fc
        .tuple(fc.integer({ min: 29, max: 44 }), fc.integer({ min: -2, max: 2 }))
        .map(([power, off]) => 2 ** power + off),
    );
    fc.assert(
      fc.property(fc.array(amount, { minLength: 1, maxLength: 12 }), (amounts) => {
        const cells = makeCells();
        let sum = 0;
        for (const each of amounts) {
          if (sum + each > Number.MAX_SAFE_INTEGER) break;
          cells.addWide(0, each);
          sum += each;
          expect(cells.getWide(0)).toBe(sum);
        }
        cells.increment(0);
        expect(cells.getWide(0)).toBe(sum + 1);
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([
    ['the first half', BELOW_HALF],
    ['the whole', 2 ** 32 - 1],
    ['a later half', 5 * 2 ** 31 - 1],
  ])('a reader knows of a carry past %s that is still to come', (_where, before) => {
    const cells = makeCells();
    cells.addWide(0, before);
    // A writer that was held up between its two steps.
    Atomics.add(cells.words, 0, 1);
    expect(cells.getWide(0)).toBe(before + 1);
    Atomics.add(cells.words, 0, 7);
    expect(cells.getWide(0)).toBe(before + 8);
    Atomics.add(cells.words, 1, 1);
    expect(cells.getWide(0)).toBe(before + 8);
  });

  test('a carry that never comes, because its thread was killed, is not missed later either', () => {
    const cells = makeCells();
    cells.addWide(0, BELOW_HALF);
    Atomics.add(cells.words, 0, 1);
    cells.addWide(0, BELOW_HALF);
    expect(cells.getWide(0)).toBe(2 ** 32 - 1);
    cells.increment(0);
    expect(cells.getWide(0)).toBe(2 ** 32);
    cells.addWide(0, 2 ** 31);
    expect(cells.getWide(0)).toBe(3 * 2 ** 31);
  });

  test('a wide cell leaves its neighbours alone', () => {
    const cells = makeCells();
    cells.set(1, 11);
    cells.set(4, 44);
    cells.addWide(2, 2 ** 40 + 2 ** 32 - 1);
    cells.increment(2);
    expect(cells.getWide(2)).toBe(2 ** 40 + 2 ** 32);
    expect([cells.get(1), cells.get(4)]).toEqual([11, 44]);
  });

  test('a single word adds and takes away', () => {
    const cells = makeCells();
    expect(cells.add(0, 3)).toBe(3);
    expect(cells.add(0, -1)).toBe(2);
    expect(cells.get(0)).toBe(2);
    cells.set(0, -7);
    expect(cells.get(0)).toBe(-7);
  });

  test('two words hold every double without loss', () => {
    const cells = makeCells();
    cells.set(4, 9);
    fc.assert(
      fc.property(fc.double(), (value) => {
        cells.setDouble(2, value);
        expect(cells.getDouble(2)).toBe(value);
      }),
    );
    expect([cells.get(1), cells.get(4)]).toEqual([0, 9]);
  });

  test('doubles of two cells do not mix', () => {
    const cells = makeCells();
    cells.setDouble(0, 0.1);
    cells.setDouble(2, -1e300);
    expect([cells.getDouble(0), cells.getDouble(2)]).toEqual([0.1, -1e300]);
  });
});
