import { expect, test } from 'vitest';
import type { MachineState } from '../../../src/breaker/machine/state.ts';
import type { Cells } from '../../../src/breaker/memory/cells.ts';
import { createCells, LAYOUT, moveToSharedMemory, sharedCells } from '../../../src/breaker/memory/layout.ts';
import { StateCell } from '../../../src/breaker/memory/state-cell.ts';

/** Claims of a record by each of 32 threads. */
const ALL_CLAIMED = -1;

test('the state is what it was created with, and the same object until it changes', () => {
  const first = closed(1);
  const { owner } = twoThreads(first);
  expect(owner.read()).toBe(first);
  expect(owner.read()).toBe(first);
  const next = open(2);
  expect(owner.replace(next)).toBe(true);
  expect(owner.read()).toBe(next);
});

test('another thread reads it once and has the same object until it changes', () => {
  const { owner, other } = twoThreads(closed(1));
  const found = other.read();
  expect(found).toEqual(closed(1));
  expect(other.read()).toBe(found);
  owner.replace(open(2));
  const later = other.read();
  expect(later).toEqual(open(2));
  expect(other.read()).toBe(later);
});

test('of two decisions on the same state, one wins and the other one reads what it left', () => {
  const { owner, other } = twoThreads(closed(1));
  expect(owner.read().generation).toBe(1);
  expect(other.read().generation).toBe(1);
  expect(owner.replace(open(2))).toBe(true);
  expect(other.replace({ kind: 'disabled', generation: 2, since: 3 })).toBe(false);
  expect(owner.read()).toEqual(open(2));
  expect(other.read()).toEqual(open(2));
  expect(other.replace(closed(3))).toBe(true);
  expect(owner.read()).toEqual(closed(3));
});

test('a decision loses to a state that came back to the same content meanwhile', () => {
  const { owner, other } = twoThreads(closed(1));
  other.read();
  owner.replace(open(2));
  owner.replace(closed(1));
  expect(other.replace(open(2))).toBe(false);
  expect(owner.read()).toEqual(closed(1));
});

test('won and lost, each decision leaves one record claimed: that of the state in force', () => {
  const { cells, owner, other } = twoThreads(closed(1));
  for (let generation = 2; generation < 200; generation++) {
    owner.read();
    other.read();
    const [first, second] = generation % 2 === 0 ? [owner, other] : [other, owner];
    expect(first.replace(open(generation))).toBe(true);
    expect(second.replace(closed(generation))).toBe(false);
    expect(cells.get(LAYOUT.claims)).toBe(1 << (cells.get(LAYOUT.state) & 31));
  }
});

test('a breaker of one thread goes on for ever with its one record', () => {
  const cells = createCells(null);
  const state = StateCell.create(cells, closed(1));
  for (let generation = 2; generation < 1_000; generation++) {
    expect(state.replace(open(generation))).toBe(true);
    expect(StateCell.attach(cells).read()).toEqual(open(generation));
  }
});

test('a record that a killed thread had claimed is left alone', () => {
  const { cells, owner, other } = twoThreads(closed(1));
  cells.set(LAYOUT.claims, cells.get(LAYOUT.claims) | 0b1110);
  for (let generation = 2; generation < 100; generation++) {
    expect(owner.replace(open(generation))).toBe(true);
    expect([1, 2, 3]).not.toContain(cells.get(LAYOUT.state) & 31);
    expect(other.read()).toEqual(open(generation));
  }
});

test('threads killed in mid-decision, as many as there are records, stop nobody', () => {
  const { cells, owner, other } = twoThreads(closed(1));
  cells.set(LAYOUT.claims, ALL_CLAIMED);
  expect(owner.replace(open(2))).toBe(true);
  expect(other.read()).toEqual(open(2));
  expect(other.replace(closed(3))).toBe(true);
  expect(owner.read()).toEqual(closed(3));
  // What they had claimed is free again: the next decision has not to wait.
  expect(cells.get(LAYOUT.claims)).toBe(1 << (cells.get(LAYOUT.state) & 31));
});

test('its sequence wraps', () => {
  const { cells, owner, other } = twoThreads(closed(1));
  const inForce = cells.get(LAYOUT.state) & 31;
  cells.set(LAYOUT.state, -32 | inForce);
  expect(owner.read()).toEqual(closed(1));
  for (let generation = 2; generation < 6; generation++) {
    expect(owner.replace(open(generation))).toBe(true);
    expect(other.read()).toEqual(open(generation));
  }
  expect(cells.get(LAYOUT.state)).toBeGreaterThan(0);
});

function twoThreads(first: MachineState): { cells: Cells; owner: StateCell; other: StateCell } {
  const cells = createCells(null);
  const owner = StateCell.create(cells, first);
  const other = StateCell.attach(sharedCells(moveToSharedMemory(cells)));
  return { cells, owner, other };
}

function closed(generation: number): MachineState {
  return { kind: 'closed', generation, since: generation / 2 };
}

function open(generation: number): MachineState {
  return { kind: 'open', generation, since: generation, until: generation + 0.5, reopenings: 0 };
}
