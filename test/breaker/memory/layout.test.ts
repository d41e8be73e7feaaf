import { BREAKER_STATES, TIMED_OUTCOMES, TRANSITION_REASONS } from '@switchgear/conventions';
import { expect, test } from 'vitest';
import { POSSIBLE_TRANSITIONS } from '../../../src/breaker/machine/transition.ts';
import {
  callsCell,
  createCells,
  DURATION_BUCKETS,
  durationsCell,
  growRing,
  isTimed,
  LAYOUT,
  moveToSharedMemory,
  sharedCells,
  transitionsCell,
} from '../../../src/breaker/memory/layout.ts';
import { StateCell } from '../../../src/breaker/memory/state-cell.ts';
import { RECORD_WORDS } from '../../../src/breaker/memory/state-record.ts';
import { WINDOW_WORDS } from '../../../src/breaker/window/call-window.ts';
import { CountWindow, RING_WORDS } from '../../../src/breaker/window/count-window.ts';

const COUNTED = ['ignored', 'cancelled', 'rejected', 'limited', 'diverted'] as const;
const OPEN = { kind: 'open', generation: 7, since: 1.5, until: 9.25, reopenings: 3 } as const;

test('no two numbers of a breaker share a word, and none is left over', () => {
  const wide = (cell: number) => [cell, cell + 1];
  const several = (cell: number, words: number) => Array.from({ length: words }, (_, word) => cell + word);
  const taken = [
    LAYOUT.state,
    LAYOUT.claims,
    LAYOUT.records,
    LAYOUT.limited,
    ...wide(LAYOUT.started),
    ...wide(LAYOUT.slowCalls),
    ...COUNTED.flatMap((outcome) => wide(callsCell(outcome))),
    ...POSSIBLE_TRANSITIONS.map(([state, reason]) => transitionsCell(state, reason) as number),
    ...TIMED_OUTCOMES.flatMap((outcome) => several(durationsCell(outcome), 2 * (DURATION_BUCKETS + 1))),
    ...wide(LAYOUT.openedAt),
    ...wide(LAYOUT.divertedBefore),
    ...wide(LAYOUT.rejectedBefore),
    ...several(LAYOUT.window, WINDOW_WORDS),
  ];
  expect(new Set(taken).size).toBe(taken.length);
  expect([...taken].sort((one, other) => one - other)).toEqual(several(0, LAYOUT.total));
});

test('an outcome is timed, or has a counter of its own', () => {
  for (const outcome of TIMED_OUTCOMES) expect(isTimed(outcome)).toBe(true);
  for (const outcome of COUNTED) expect(isTimed(outcome)).toBe(false);
});

test('a transition that cannot be has no counter', () => {
  const possible = BREAKER_STATES.flatMap((state) =>
    TRANSITION_REASONS.map((reason) => transitionsCell(state, reason)),
  ).filter((cell) => cell !== undefined);
  expect(possible).toHaveLength(POSSIBLE_TRANSITIONS.length);
  expect(transitionsCell('closed', 'threshold')).toBeUndefined();
});

test('the ring of a count window follows the state records, and only where there is such a window', () => {
  const timed = createCells(null);
  const counted = createCells(1_000);
  expect(timed.ring).toBe(LAYOUT.total + timed.get(LAYOUT.records) * RECORD_WORDS);
  expect(timed.words.length).toBe(timed.ring);
  expect(counted.ring).toBe(timed.ring);
  expect(counted.words.length).toBe(counted.ring + RING_WORDS);
});

test('making room for a ring keeps every number, and makes none where there is one', () => {
  const cells = createCells(null);
  for (let cell = 0; cell < cells.words.length; cell++) cells.set(cell, 1_000 + cell);
  growRing(cells);
  expect(cells.words.length).toBe(cells.ring + RING_WORDS);
  for (let cell = 0; cell < cells.ring; cell++) expect(cells.get(cell)).toBe(1_000 + cell);
  expect([...cells.words.subarray(cells.ring)]).toEqual(Array(RING_WORDS).fill(0));
  const { words } = cells;
  growRing(cells);
  expect(cells.words).toBe(words);
});

test('a move to shared memory keeps every number, the ring at its new place and the state', () => {
  const cells = createCells(1_000);
  const state = StateCell.create(cells, { kind: 'closed', generation: 6, since: 0 });
  expect(state.replace(OPEN)).toBe(true);
  // All but the words of the state, which are checked by reading it.
  const own = Array.from({ length: LAYOUT.total }, (_, cell) => cell).filter((cell) => cell > LAYOUT.records);
  for (const cell of own) cells.set(cell, 5_000 + cell);
  const window = new CountWindow(cells, LAYOUT.window, 1_000);
  cells.set(LAYOUT.window, 0);
  for (let call = 0; call < 999; call++) window.record(call % 3 === 0, call % 5 === 0);
  const before = cells.ring;

  const buffer = moveToSharedMemory(cells);

  expect(cells.words.buffer).toBe(buffer);
  expect(cells.ring).toBeGreaterThan(before);
  const other = sharedCells(buffer);
  expect(other.ring).toBe(cells.ring);
  for (const cell of own.filter((cell) => cell !== LAYOUT.window)) expect(other.get(cell)).toBe(5_000 + cell);
  expect(StateCell.attach(other).read()).toEqual(OPEN);
  expect(new CountWindow(other, LAYOUT.window, 1_000).counts()).toEqual({ executed: 999, failed: 333, slow: 200 });
  window.record(true, true);
  expect(new CountWindow(other, LAYOUT.window, 1_000).counts()).toEqual({ executed: 1_000, failed: 334, slow: 201 });
});

test('after the move there is room for 32 state records, and the ring is behind them', () => {
  const cells = createCells(null);
  StateCell.create(cells, { kind: 'closed', generation: 1, since: 0 });
  moveToSharedMemory(cells);
  expect(cells.get(LAYOUT.records)).toBe(32);
  expect(cells.ring).toBe(LAYOUT.total + 32 * RECORD_WORDS);
  expect(cells.words.length).toBe(cells.ring + RING_WORDS);
});
