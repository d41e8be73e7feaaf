import { BREAKER_STATES, CALL_OUTCOMES, TRANSITION_REASONS } from '@switchgear/conventions';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Cells } from '../../../src/breaker/memory/cells.ts';
import { callsCell, createCells, LAYOUT, transitionsCell } from '../../../src/breaker/memory/layout.ts';
import { WINDOW_WORDS } from '../../../src/breaker/window/time-window.ts';

const makers = [
  ['an ArrayBuffer', () => new Cells(new Int32Array(new ArrayBuffer(16)))],
  ['a SharedArrayBuffer', () => new Cells(new Int32Array(new SharedArrayBuffer(16)))],
] as const;

describe.each(makers)('cells over %s', (_, makeCells) => {
  test('a wide cell carries from its low word into its high one', () => {
    const cells = makeCells();
    cells.setWide(0, 2 ** 32 - 1);
    cells.increment(0);
    expect(cells.getWide(0)).toBe(2 ** 32);
    cells.increment(0);
    expect(cells.getWide(0)).toBe(2 ** 32 + 1);
  });

  test('a wide cell passes the sign bit of its low word', () => {
    const cells = makeCells();
    cells.setWide(0, 2 ** 31 - 1);
    cells.increment(0);
    expect(cells.getWide(0)).toBe(2 ** 31);
  });

  test('a wide cell holds 2^53', () => {
    const cells = makeCells();
    cells.setWide(0, 2 ** 53 - 1);
    cells.increment(0);
    expect(cells.getWide(0)).toBe(2 ** 53);
  });

  test('a wide cell holds every whole number up to 2^53 and counts on from it', () => {
    const cells = makeCells();
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        cells.setWide(0, value);
        expect(cells.getWide(0)).toBe(value);
        cells.increment(0);
        expect(cells.getWide(0)).toBe(value + 1);
      }),
    );
  });

  test('a wide cell leaves its neighbours alone', () => {
    const cells = makeCells();
    cells.setWide(2, 5);
    cells.setWide(0, 2 ** 32 - 1);
    cells.increment(0);
    expect(cells.getWide(2)).toBe(5);
  });

  test('a single word adds and takes away', () => {
    const cells = makeCells();
    expect(cells.add(0, 3)).toBe(3);
    expect(cells.add(0, -1)).toBe(2);
    expect(cells.get(0)).toBe(2);
    cells.set(0, -7);
    expect(cells.get(0)).toBe(-7);
  });
});

test('no two numbers of a breaker share a word', () => {
  const taken = [
    LAYOUT.word,
    LAYOUT.active,
    ...[LAYOUT.slowCalls, LAYOUT.slowCalls + 1],
    ...CALL_OUTCOMES.flatMap((outcome) => [callsCell(outcome), callsCell(outcome) + 1]),
    ...BREAKER_STATES.flatMap((state) =>
      TRANSITION_REASONS.flatMap((reason) => [transitionsCell(state, reason), transitionsCell(state, reason) + 1]),
    ),
    ...Array.from({ length: WINDOW_WORDS }, (_, word) => LAYOUT.window + word),
  ];
  expect(new Set(taken).size).toBe(taken.length);
  expect(taken.length).toBe(LAYOUT.total);
  expect(createCells().words.length).toBe(LAYOUT.total);
});
