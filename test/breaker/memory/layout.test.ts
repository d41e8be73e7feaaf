import { BREAKER_STATES, TIMED_OUTCOMES, TRANSITION_REASONS } from '@switchgear/conventions';
import { expect, test } from 'vitest';
import { POSSIBLE_TRANSITIONS } from '../../../src/breaker/machine/transition.ts';
import type { Cells } from '../../../src/breaker/memory/cells.ts';
import { readDurations, recordDuration } from '../../../src/breaker/memory/duration-histogram.ts';
import {
  addRing,
  callsCell,
  createCells,
  DURATION_BUCKETS,
  durationsCell,
  findDurations,
  isTimed,
  LAYOUT,
  moveToSharedMemory,
  recordAt,
  SHARED_RECORDS,
  sharedCells,
  transitionsCell,
} from '../../../src/breaker/memory/layout.ts';
import { StateCell } from '../../../src/breaker/memory/state-cell.ts';
import { RECORD_WORDS } from '../../../src/breaker/memory/state-record.ts';
import { WINDOW_WORDS } from '../../../src/breaker/window/call-window.ts';
import { CountWindow, RING_WORDS } from '../../../src/breaker/window/count-window.ts';

const COUNTED = ['ignored', 'cancelled', 'rejected', 'limited', 'diverted'] as const;
/** Words of the histogram of an outcome. */
const HISTOGRAM_WORDS = 2 * (DURATION_BUCKETS + 1);
const OPEN = { kind: 'open', generation: 7, since: 1.5, until: 9.25, reopenings: 3 } as const;

test('no two numbers that every breaker has share a word, and none is left over', () => {
  const taken = [
    LAYOUT.state,
    LAYOUT.claims,
    LAYOUT.limited,
    ...wide(LAYOUT.started),
    ...wide(LAYOUT.slowCalls),
    ...COUNTED.flatMap((outcome) => wide(callsCell(outcome))),
    ...POSSIBLE_TRANSITIONS.map(([state, reason]) => transitionsCell(state, reason) as number),
    ...several(durationsCell(createCells(null), 'success'), HISTOGRAM_WORDS),
    ...wide(LAYOUT.openedAt),
    ...wide(LAYOUT.divertedBefore),
    ...wide(LAYOUT.rejectedBefore),
    ...several(LAYOUT.window, WINDOW_WORDS),
  ];
  expect(new Set(taken).size).toBe(taken.length);
  expect([...taken].sort((one, other) => one - other)).toEqual(several(0, LAYOUT.total));
});

test.each([
  ['of its own, the ring first', addRingAndFailures],
  ['of its own, the failures first', addFailuresAndRing],
  ['that threads share', shareAtOnce],
])('behind these, nothing overlaps in memory %s', (_, makeCells) => {
  const cells = makeCells();
  const records = cells.isShared ? SHARED_RECORDS : 1;
  const taken = [
    ...several(0, LAYOUT.total),
    ...Array.from({ length: records }, (_each, record) => several(recordAt(record), RECORD_WORDS)).flat(),
    ...several(durationsCell(cells, 'failure'), HISTOGRAM_WORDS),
    ...several(durationsCell(cells, 'timeout'), HISTOGRAM_WORDS),
    ...several(cells.ring, RING_WORDS),
  ];
  expect(new Set(taken).size).toBe(taken.length);
  expect([...taken].sort((one, other) => one - other)).toEqual(several(0, cells.words.length));
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

test('what not every breaker needs is made when it is first needed, once, and keeps every number', () => {
  const cells = createCells(null);
  const small = cells.words.length;
  for (let cell = 0; cell < small; cell++) cells.set(cell, 1_000 + cell);
  expect(findDurations(cells, 'failure')).toBeUndefined();
  expect(findDurations(cells, 'timeout')).toBeUndefined();
  expect(cells.words.length).toBe(small);

  const failures = durationsCell(cells, 'failure');
  cells.set(failures, 77);
  addRing(cells);
  const { words, ring } = cells;
  cells.set(ring, 88);
  addRing(cells);
  expect(durationsCell(cells, 'failure')).toBe(failures);
  expect(findDurations(cells, 'failure')).toBe(failures);
  expect(durationsCell(cells, 'timeout')).toBe(failures + HISTOGRAM_WORDS);
  expect(cells.words).toBe(words);
  expect(cells.ring).toBe(ring);

  for (let cell = 0; cell < small; cell++) expect(cells.get(cell)).toBe(1_000 + cell);
  const added = new Set([...words.subarray(small)].filter((word) => word !== 0));
  expect(added).toEqual(new Set([77, 88]));
});

test.each([
  ['with failures and a ring', addRingAndFailures],
  ['where these came in the other order', addFailuresAndRing],
])('a move to shared memory keeps every number, %s', (_, makeCells) => {
  const cells = makeCells();
  const state = StateCell.create(cells, { kind: 'closed', generation: 6, since: 0 });
  expect(state.replace(OPEN)).toBe(true);
  // All but the words of the state, which are checked by reading it, and of the window.
  const own = several(0, LAYOUT.total).filter((cell) => cell > LAYOUT.claims && cell < LAYOUT.window);
  for (const cell of own) cells.set(cell, 5_000 + cell);
  for (const [outcome, seconds] of [
    ['failure', 1],
    ['timeout', 30],
    ['timeout', 31],
  ] as const) {
    recordDuration(cells, outcome, seconds * 1_000);
  }
  const window = new CountWindow(cells, LAYOUT.window, 1_000);
  for (let call = 0; call < 999; call++) window.record(call % 3 === 0, call % 5 === 0);

  const buffer = moveToSharedMemory(cells);

  expect(cells.words.buffer).toBe(buffer);
  expect(cells.isShared).toBe(true);
  const other = sharedCells(buffer);
  expect(other.isShared).toBe(true);
  for (const cell of own) expect(other.get(cell)).toBe(5_000 + cell);
  expect(StateCell.attach(other).read()).toEqual(OPEN);
  expect(state.read()).toEqual(OPEN);
  expect(readDurations(other, 'failure')).toEqual(readDurations(cells, 'failure'));
  expect(readDurations(other, 'failure').sum).toBe(1);
  expect(readDurations(other, 'timeout').sum).toBe(61);
  const seenByOther = new CountWindow(other, LAYOUT.window, 1_000);
  expect(seenByOther.counts()).toEqual({ executed: 999, failed: 333, slow: 200 });
  window.record(true, true);
  expect(seenByOther.counts()).toEqual({ executed: 1_000, failed: 334, slow: 201 });
});

test('a move of a breaker that needed nothing more leaves all of that empty', () => {
  const cells = createCells(null);
  StateCell.create(cells, { kind: 'closed', generation: 1, since: 0 });
  const other = sharedCells(moveToSharedMemory(cells));
  expect(readDurations(other, 'failure')).toEqual({ counts: Array(DURATION_BUCKETS).fill(0), sum: 0 });
  expect(readDurations(other, 'timeout')).toEqual({ counts: Array(DURATION_BUCKETS).fill(0), sum: 0 });
  expect(new CountWindow(other, LAYOUT.window, 1_000).counts()).toEqual({ executed: 0, failed: 0, slow: 0 });
});

function addRingAndFailures(): Cells {
  const cells = createCells(1_000);
  durationsCell(cells, 'timeout');
  return cells;
}

function addFailuresAndRing(): Cells {
  const cells = createCells(null);
  durationsCell(cells, 'failure');
  addRing(cells);
  return cells;
}

function shareAtOnce(): Cells {
  return sharedCells(moveToSharedMemory(createCells(null)));
}

function wide(cell: number): number[] {
  return several(cell, 2);
}

function several(cell: number, words: number): number[] {
  return Array.from({ length: words }, (_, word) => cell + word);
}
