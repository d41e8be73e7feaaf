import { describe, expect, test } from 'vitest';
import { COUNT_WINDOW_WORDS, CountWindow, RING_WORDS } from '../../../src/breaker/window/count-window.ts';
import { windowMemory } from './window-memory.ts';

function windowOf(size: number, memory = windowMemory()): CountWindow {
  return new CountWindow(memory, memory.offset, size);
}

function fill(window: CountWindow, calls: string): void {
  for (const call of calls) window.record('fb'.includes(call), 'sb'.includes(call));
}

describe('a window of the last calls', () => {
  test('holds nothing before the first call', () => {
    expect(windowOf(5).counts()).toEqual({ executed: 0, failed: 0, slow: 0 });
  });

  test('counts the executed, of those the failed and the slow, and what is both as both', () => {
    const window = windowOf(100);
    fill(window, '...ff.s.b');
    expect(window.counts()).toEqual({ executed: 9, failed: 3, slow: 2 });
  });

  test('forgets the oldest call with each one beyond its size, whatever it was', () => {
    const window = windowOf(3);
    fill(window, 'fsb');
    expect(window.counts()).toEqual({ executed: 3, failed: 2, slow: 2 });
    fill(window, '.');
    expect(window.counts()).toEqual({ executed: 3, failed: 1, slow: 2 });
    fill(window, '.');
    expect(window.counts()).toEqual({ executed: 3, failed: 1, slow: 1 });
    fill(window, '.');
    expect(window.counts()).toEqual({ executed: 3, failed: 0, slow: 0 });
  });

  test('of any size holds as many calls as it says, many times around, and stays within its words', () => {
    for (const size of [1, 2, 7, 8, 9, 15, 16, 17, 999, 1_000]) {
      const memory = windowMemory();
      const window = windowOf(size, memory);
      for (let call = 0; call < 3 * size + 5; call++) window.record(true, true);
      expect(window.counts()).toEqual({ executed: size, failed: size, slow: size });
      for (let call = 0; call < size; call++) window.record(false, false);
      expect(window.counts()).toEqual({ executed: size, failed: 0, slow: 0 });
      expect(memory.isWhole()).toBe(true);
    }
  });

  test('takes one word beside its ring, which has one for eight calls of the most it can hold', () => {
    expect(COUNT_WINDOW_WORDS).toBe(1);
    expect(RING_WORDS).toBe(1_024 / 8);
  });

  test('forgets everything when cleared, and nothing of it comes back', () => {
    const window = windowOf(20);
    fill(window, 'bbbbbbbbbbbbbbbbbbbb');
    window.clear();
    expect(window.counts()).toEqual({ executed: 0, failed: 0, slow: 0 });
    fill(window, '..f');
    expect(window.counts()).toEqual({ executed: 3, failed: 1, slow: 0 });
  });

  test('goes on after four billion calls', () => {
    const memory = windowMemory();
    memory.words[memory.offset] = -3;
    const window = windowOf(4, memory);
    fill(window, 'ffffff..');
    expect(window.counts()).toEqual({ executed: 4, failed: 2, slow: 0 });
    expect(memory.isWhole()).toBe(true);
  });

  test('has its numbers in the memory: another one over it sees them', () => {
    const memory = windowMemory({ isShared: true });
    fill(windowOf(9, memory), 'f.s');
    const other = windowOf(9, memory);
    expect(other.counts()).toEqual({ executed: 3, failed: 1, slow: 1 });
    fill(other, 'f');
    expect(windowOf(9, memory).counts()).toEqual({ executed: 4, failed: 2, slow: 1 });
  });
});

describe('the failure of a call that was counted as slow in flight', () => {
  test('makes that call a failed one', () => {
    const window = windowOf(4);
    fill(window, '.');
    const mark = window.record(false, true);
    fill(window, '.');
    window.recordFailureOfOverdue(mark);
    expect(window.counts()).toEqual({ executed: 3, failed: 1, slow: 1 });
    fill(window, '..');
    expect(window.counts()).toEqual({ executed: 4, failed: 1, slow: 1 });
    fill(window, '.');
    expect(window.counts()).toEqual({ executed: 4, failed: 0, slow: 0 });
  });

  test('counts as long as the window holds the call, and not in the place of a later one', () => {
    const held = windowOf(3);
    const mark = held.record(false, true);
    fill(held, '..');
    held.recordFailureOfOverdue(mark);
    expect(held.counts()).toEqual({ executed: 3, failed: 1, slow: 1 });
    const gone = windowOf(3);
    const old = gone.record(false, true);
    fill(gone, '...');
    gone.recordFailureOfOverdue(old);
    expect(gone.counts()).toEqual({ executed: 3, failed: 0, slow: 0 });
  });

  test('is counted once, though it is told twice', () => {
    const window = windowOf(3);
    const mark = window.record(false, true);
    window.recordFailureOfOverdue(mark);
    window.recordFailureOfOverdue(mark);
    expect(window.counts()).toEqual({ executed: 1, failed: 1, slow: 1 });
  });

  test('is found by a mark from before four billion calls', () => {
    const memory = windowMemory();
    memory.words[memory.offset] = -1;
    const window = windowOf(4, memory);
    const mark = window.record(false, true);
    fill(window, '.');
    window.recordFailureOfOverdue(mark);
    expect(window.counts()).toEqual({ executed: 2, failed: 1, slow: 1 });
  });
});

describe('a window of the last calls, of another size', () => {
  test('made longer keeps all it holds, and then takes more', () => {
    const window = windowOf(4);
    fill(window, '..fsb.');
    window.resize(6);
    expect(window.counts()).toEqual({ executed: 4, failed: 2, slow: 2 });
    fill(window, 'ff');
    expect(window.counts()).toEqual({ executed: 6, failed: 4, slow: 2 });
    fill(window, '.');
    expect(window.counts()).toEqual({ executed: 6, failed: 3, slow: 2 });
  });

  test('made shorter keeps the latest calls, in their order', () => {
    const window = windowOf(20);
    fill(window, 'ffffffffff.fs');
    window.resize(3);
    expect(window.counts()).toEqual({ executed: 3, failed: 1, slow: 1 });
    fill(window, '.');
    expect(window.counts()).toEqual({ executed: 3, failed: 1, slow: 1 });
    fill(window, '.');
    expect(window.counts()).toEqual({ executed: 3, failed: 0, slow: 1 });
  });

  test('made shorter and longer again does not remember what it forgot', () => {
    const window = windowOf(20);
    fill(window, 'ffffffffffffffffffff');
    window.resize(2);
    fill(window, '..');
    window.resize(20);
    expect(window.counts()).toEqual({ executed: 2, failed: 0, slow: 0 });
  });

  test('that is not full does not take empty places for calls', () => {
    const window = windowOf(9);
    fill(window, 'f.');
    window.resize(5);
    expect(window.counts()).toEqual({ executed: 2, failed: 1, slow: 0 });
  });

  test('of the same size stays as it is: marks still point to their calls', () => {
    const window = windowOf(4);
    fill(window, '.....');
    const mark = window.record(false, true);
    fill(window, '..');
    window.resize(4);
    window.recordFailureOfOverdue(mark);
    expect(window.counts()).toEqual({ executed: 4, failed: 1, slow: 1 });
  });

  test('keeps its calls after two billion of them, too', () => {
    const memory = windowMemory();
    memory.words[memory.offset] = -100;
    const window = windowOf(5, memory);
    fill(window, '...fs.b');
    window.resize(9);
    expect(window.counts()).toEqual({ executed: 5, failed: 2, slow: 2 });
  });

  test('in any two sizes keeps each call that fits once, and no other', () => {
    for (let before = 1; before <= 20; before++) {
      for (let after = 1; after <= 20; after++) {
        const window = windowOf(before);
        fill(window, 'f'.repeat(7));
        window.resize(after);
        const kept = Math.min(7, before, after);
        expect(window.counts()).toEqual({ executed: kept, failed: kept, slow: 0 });
      }
    }
  });
});

describe('counts of another process', () => {
  test('are taken in', () => {
    const window = windowOf(10);
    window.restore({ executed: 6, failed: 2, slow: 3 });
    expect(window.counts()).toEqual({ executed: 6, failed: 2, slow: 3 });
  });

  test('are taken in as far as they fit, by their shares', () => {
    const window = windowOf(4);
    window.restore({ executed: 100, failed: 3, slow: 50 });
    expect(window.counts()).toEqual({ executed: 4, failed: 0, slow: 2 });
  });

  test('of nothing are nothing', () => {
    const window = windowOf(4);
    window.restore({ executed: 0, failed: 0, slow: 0 });
    expect(window.counts()).toEqual({ executed: 0, failed: 0, slow: 0 });
  });
});
