import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CountWindow } from '../../../src/breaker/window/count-window.ts';
import { runs } from '../../property/runs.ts';
import { windowMemory } from './window-memory.ts';

const NOTHING = { executed: 0, failed: 0, slow: 0 };

describe('a count window', () => {
  test.each([1, 2, 7, 8, 9, 10, 16, 63, 100, 999, 1_000])('of %d holds the last so many calls', (size) => {
    const { window } = makeWindow(size);
    for (let call = 0; call < 3 * size + 5; call++) {
      window.record(call % 2 === 0, call % 3 === 0);
      if (size >= 100 && call % 37 > 0) continue;
      const first = Math.max(0, call + 1 - size);
      const held = Array.from({ length: call + 1 - first }, (_, index) => first + index);
      expect(window.counts()).toEqual({
        executed: held.length,
        failed: held.filter((each) => each % 2 === 0).length,
        slow: held.filter((each) => each % 3 === 0).length,
      });
    }
  });

  test('the call before the last so many is out, whatever it was', () => {
    const { window } = makeWindow(10);
    window.record(true, true);
    for (let call = 0; call < 9; call++) window.record(false, false);
    expect(window.counts()).toEqual({ executed: 10, failed: 1, slow: 1 });
    window.record(false, false);
    expect(window.counts()).toEqual({ executed: 10, failed: 0, slow: 0 });
  });

  test('a clear forgets at once, and what was before does not come back with a larger size', () => {
    const { window } = makeWindow(20);
    for (let call = 0; call < 30; call++) window.record(true, true);
    window.clear();
    expect(window.counts()).toEqual(NOTHING);
    window.record(true, false);
    window.resize(1_000);
    expect(window.counts()).toEqual({ executed: 1, failed: 1, slow: 0 });
  });

  test('keeps to its ring and its counter', () => {
    const { memory, window } = makeWindow(1_000);
    for (let call = 0; call < 5_000; call++) window.record(true, true);
    window.resize(3);
    window.clear();
    expect(memory.isWhole()).toBe(true);
  });
});

describe('a call that was counted as slow in flight', () => {
  test('fails as the same call', () => {
    const { window } = makeWindow(10);
    window.record(false, false);
    const mark = window.record(false, true);
    window.record(false, false);
    window.recordFailureOfOverdue(mark);
    expect(window.counts()).toEqual({ executed: 3, failed: 1, slow: 1 });
    for (let call = 0; call < 8; call++) window.record(false, false);
    expect(window.counts()).toEqual({ executed: 10, failed: 1, slow: 1 });
    window.record(false, false);
    expect(window.counts()).toEqual({ executed: 10, failed: 0, slow: 0 });
  });

  test('does not fail in place of a call that came so much later that it stands in its place', () => {
    const { window } = makeWindow(1_000);
    const mark = window.record(false, true);
    for (let call = 0; call < 2_000; call++) window.record(false, false);
    window.recordFailureOfOverdue(mark);
    expect(window.counts()).toEqual({ executed: 1_000, failed: 0, slow: 0 });
  });

  test.each([10, 1_000])('in a window of %d it counts as long as it is in it', (size) => {
    const { window } = makeWindow(size);
    const mark = window.record(false, true);
    for (let call = 0; call < size - 1; call++) window.record(false, false);
    window.recordFailureOfOverdue(mark);
    expect(window.counts()).toEqual({ executed: size, failed: 1, slow: 1 });
    window.record(false, false);
    window.recordFailureOfOverdue(mark);
    expect(window.counts()).toEqual({ executed: size, failed: 0, slow: 0 });
  });

  test('is the same call after another size', () => {
    const { window } = makeWindow(10);
    for (let call = 0; call < 25; call++) window.record(false, false);
    const mark = window.record(false, true);
    window.resize(100);
    window.recordFailureOfOverdue(mark);
    window.resize(1);
    expect(window.counts()).toEqual({ executed: 1, failed: 1, slow: 1 });
  });

  test('is no call any more after a clear', () => {
    const { window } = makeWindow(10);
    const mark = window.record(false, true);
    window.clear();
    window.recordFailureOfOverdue(mark);
    expect(window.counts()).toEqual(NOTHING);
  });
});

describe('another size', () => {
  test('shrunk, it holds the latest; grown again, it has forgotten those before them', () => {
    const { window } = makeWindow(20);
    for (let call = 0; call < 30; call++) window.record(call < 20, call >= 25);
    window.resize(10);
    expect(window.counts()).toEqual({ executed: 10, failed: 0, slow: 5 });
    window.resize(3);
    expect(window.counts()).toEqual({ executed: 3, failed: 0, slow: 3 });
    window.resize(12);
    expect(window.counts()).toEqual({ executed: 3, failed: 0, slow: 3 });
  });

  test('the oldest goes first, before and after', () => {
    const { window } = makeWindow(4);
    for (const failed of [true, true, false, true, false]) window.record(failed, false);
    window.resize(9);
    for (let call = 0; call < 4; call++) window.record(false, false);
    expect(window.counts()).toEqual({ executed: 8, failed: 2, slow: 0 });
    window.record(false, false);
    expect(window.counts()).toEqual({ executed: 9, failed: 2, slow: 0 });
    window.record(false, false);
    expect(window.counts()).toEqual({ executed: 9, failed: 1, slow: 0 });
  });

  test('a thread that has not heard of it records in the right place', () => {
    const { memory, window } = makeWindow(10);
    const other = new CountWindow(memory, memory.offset, 10);
    for (let call = 0; call < 7; call++) window.record(true, false);
    window.resize(1_000);
    for (let call = 0; call < 50; call++) other.record(false, true);
    window.record(false, false);
    expect(window.counts()).toEqual({ executed: 58, failed: 7, slow: 50 });
    expect(other.counts()).toEqual({ executed: 10, failed: 0, slow: 9 });
  });
});

describe('counts from elsewhere', () => {
  test('are taken in whole where they fit', () => {
    const { window } = makeWindow(10);
    window.restore({ executed: 7, failed: 3, slow: 5 });
    expect(window.counts()).toEqual({ executed: 7, failed: 3, slow: 5 });
    window.restore({ executed: 2, failed: 2, slow: 0 });
    expect(window.counts()).toEqual({ executed: 9, failed: 5, slow: 5 });
    window.clear();
    window.restore(NOTHING);
    expect(window.counts()).toEqual(NOTHING);
  });

  test('that are more than fit keep their shares', () => {
    const { window } = makeWindow(10);
    window.restore({ executed: 1_000_000_000, failed: 200_000_000, slow: 500_000_000 });
    expect(window.counts()).toEqual({ executed: 10, failed: 2, slow: 5 });
  });
});

test.each([2 ** 31, 2 ** 32])('over the wrap of its counter at %d it holds the last calls still', (wrap) => {
  for (const size of [1, 10, 24, 1_000]) {
    const { memory, window } = makeWindow(size);
    Atomics.store(memory.words, memory.offset, (wrap - size - 5) | 0);
    const failures: boolean[] = [];
    for (let call = 0; call < 2 * size + 20; call++) {
      const failed = (call * 7) % 3 === 0;
      failures.push(failed);
      const mark = window.record(false, false);
      if (failed) window.recordFailureOfOverdue(mark);
      if (size >= 100 && call % 37 > 0) continue;
      const held = failures.slice(-size);
      expect(window.counts()).toEqual({ executed: held.length, failed: held.filter(Boolean).length, slow: 0 });
    }
  }
});

const happening = fc.oneof(
  { weight: 20, arbitrary: fc.record({ failed: fc.boolean(), slow: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ failsBack: fc.integer({ min: 1, max: 40 }) }) },
  { weight: 1, arbitrary: fc.record({ size: fc.integer({ min: 1, max: 40 }) }) },
  { weight: 1, arbitrary: fc.constant('clear' as const) },
);

test('counts what a plain list of calls counts', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
      fc.array(happening, { maxLength: 150, size: 'max' }),
      (firstSize, seen, happenings) => {
        const { memory, window } = makeWindow(firstSize);
        Atomics.store(memory.words, memory.offset, seen);
        const list: { failed: boolean; readonly slow: boolean; readonly mark: number }[] = [];
        let size = firstSize;
        for (const each of happenings) {
          if (each === 'clear') {
            window.clear();
            list.length = 0;
          } else if ('size' in each) {
            list.splice(0, Math.max(0, list.length - size));
            size = each.size;
            window.resize(size);
          } else if ('failsBack' in each) {
            const call = list.at(-each.failsBack);
            if (!call) continue;
            call.failed = true;
            window.recordFailureOfOverdue(call.mark);
          } else {
            list.push({ ...each, mark: window.record(each.failed, each.slow) });
          }
          const held = list.slice(-size);
          expect(window.counts()).toEqual({
            executed: held.length,
            failed: held.filter(({ failed }) => failed).length,
            slow: held.filter(({ slow }) => slow).length,
          });
        }
      },
    ),
    { numRuns: runs(1_000) },
  );
});

function makeWindow(size: number) {
  const memory = windowMemory({ isShared: true });
  return { memory, window: new CountWindow(memory, memory.offset, size) };
}
