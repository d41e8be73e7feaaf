import { describe, expect, test } from 'vitest';
import { TIME_WINDOW_WORDS, TimeWindow } from '../../../src/breaker/window/time-window.ts';
import { windowMemory } from './window-memory.ts';

const NOTHING = { executed: 0, failed: 0, slow: 0 };
/** Epochs are counted up to this and then from 0 again. */
const EPOCHS = 2 ** 30;

/** A window of a second, in buckets of 100 ms. */
function windowOf(windowMs = 1_000, memory = windowMemory()): TimeWindow {
  return new TimeWindow(memory, memory.offset, windowMs);
}

/** One of which every bucket was in use before. */
function usedWindowOf(windowMs = 1_000): TimeWindow {
  const window = windowOf(windowMs);
  window.clear();
  return window;
}

function fail(window: TimeWindow, ...times: number[]): void {
  for (const now of times) window.record(now, true, false);
}

describe('a window of the last time', () => {
  test('holds nothing before the first call, at any time', () => {
    expect(windowOf().counts(0)).toEqual(NOTHING);
    expect(windowOf().counts(123_456)).toEqual(NOTHING);
  });

  test('counts the executed, of those the failed and the slow, and what is both as both', () => {
    const window = windowOf();
    window.record(5, false, false);
    window.record(6, true, false);
    window.record(7, false, true);
    window.record(8, true, true);
    window.record(250, true, true);
    expect(window.counts(250)).toEqual({ executed: 5, failed: 3, slow: 3 });
  });

  test('forgets by elapsed time, a tenth of its length at once', () => {
    const window = windowOf();
    fail(window, 0, 99, 100);
    expect(window.counts(999).executed).toBe(3);
    expect(window.counts(1_000).executed).toBe(1);
    expect(window.counts(1_099).executed).toBe(1);
    expect(window.counts(1_100)).toEqual(NOTHING);
  });

  test('uses a bucket of long ago again, empty', () => {
    const window = windowOf();
    window.record(50, true, true);
    window.record(1_050, false, false);
    expect(window.counts(1_050)).toEqual({ executed: 1, failed: 0, slow: 0 });
    window.record(3_600_050, false, true);
    expect(window.counts(3_600_050)).toEqual({ executed: 1, failed: 0, slow: 1 });
  });

  test('holds a whole window of calls, each in the bucket of its time', () => {
    const memory = windowMemory();
    const window = windowOf(1_000, memory);
    for (let now = 0; now < 5_000; now += 10) window.record(now, now % 20 === 0, now % 50 === 0);
    expect(window.counts(4_999)).toEqual({ executed: 100, failed: 50, slow: 20 });
    expect(window.counts(5_499)).toEqual({ executed: 50, failed: 25, slow: 10 });
    expect(memory.isWhole()).toBe(true);
  });

  test('goes on where the number of its epochs begins anew', () => {
    const window = usedWindowOf();
    const wrap = EPOCHS * 100;
    fail(window, wrap - 250, wrap - 50, wrap, wrap + 150);
    expect(window.counts(wrap + 150).failed).toBe(4);
    expect(window.counts(wrap + 700).failed).toBe(3);
    expect(window.counts(wrap + 1_000).failed).toBe(1);
    expect(window.counts(wrap + 1_100)).toEqual(NOTHING);
  });

  test('keeps its place in the ring there: no bucket of the last second is taken for a new time', () => {
    const window = usedWindowOf();
    const wrap = EPOCHS * 100;
    for (let bucket = -5; bucket < 5; bucket++) fail(window, wrap + bucket * 100);
    expect(window.counts(wrap + 499)).toEqual({ executed: 10, failed: 10, slow: 0 });
  });

  test('takes no bucket of a window ago for one of now, in a length that no whole number of epochs fits', () => {
    const window = windowOf(333);
    fail(window, 10, 100, 320);
    expect(window.counts(332).failed).toBe(3);
    expect(window.counts(334).failed).toBe(2);
    expect(window.counts(660)).toEqual(NOTHING);
  });

  test('drops a call of a time that its bucket has left behind, and writes it nowhere else', () => {
    const memory = windowMemory();
    const window = windowOf(1_000, memory);
    fail(window, 1_050);
    fail(window, 50);
    window.recordFailureOfOverdue(50);
    window.restore({ executed: 5, failed: 5, slow: 5 }, 50);
    expect(window.counts(1_050)).toEqual({ executed: 1, failed: 1, slow: 0 });
    expect(memory.isWhole()).toBe(true);
  });

  test('drops such a call also where the epochs began anew between', () => {
    const window = usedWindowOf();
    fail(window, EPOCHS * 100);
    fail(window, EPOCHS * 100 - 1_000);
    expect(window.counts(EPOCHS * 100)).toEqual({ executed: 1, failed: 1, slow: 0 });
  });

  test('takes a bucket that seems far ahead for one of before the epochs began anew', () => {
    const window = windowOf();
    fail(window, 2_000 + 50);
    fail(window, 50);
    expect(window.counts(50)).toEqual({ executed: 1, failed: 1, slow: 0 });
    const near = windowOf();
    fail(near, 1_000 + 50);
    fail(near, 50);
    expect(near.counts(50)).toEqual(NOTHING);
  });

  test('still counts into an older bucket that it holds', () => {
    const window = windowOf();
    fail(window, 950);
    fail(window, 120);
    expect(window.counts(950).failed).toBe(2);
    expect(window.counts(1_100).failed).toBe(1);
  });

  test('takes four words a bucket, and one for its length, from the first word of an array on, and none beyond', () => {
    expect(TIME_WINDOW_WORDS).toBe(41);
    const words = new Int32Array(TIME_WINDOW_WORDS + 1);
    words[TIME_WINDOW_WORDS] = 77;
    const window = new TimeWindow({ words, ring: 0, isShared: false }, 0, 1_000);
    window.clear();
    window.restore({ executed: 2, failed: 1, slow: 1 }, 0);
    window.record(10, false, true);
    window.recordFailureOfOverdue(20);
    for (let now = 100; now < 1_000; now += 100) fail(window, now);
    expect(window.counts(999)).toEqual({ executed: 12, failed: 11, slow: 2 });
    window.clear();
    expect(words[TIME_WINDOW_WORDS]).toBe(77);
  });
});

describe('the failure of a call that was counted as slow in flight', () => {
  test('is one more failed call, and not one more executed', () => {
    const window = windowOf();
    window.record(10, false, true);
    window.recordFailureOfOverdue(90);
    expect(window.counts(90)).toEqual({ executed: 1, failed: 1, slow: 1 });
  });

  test('that outlives what was counted of it is a call of its own: no more failed than there are', () => {
    const window = windowOf();
    window.record(10, false, true);
    window.recordFailureOfOverdue(950);
    expect(window.counts(950)).toEqual({ executed: 1, failed: 1, slow: 1 });
    expect(window.counts(1_000)).toEqual({ executed: 1, failed: 1, slow: 0 });
  });
});

describe('a window of the last time, cleared', () => {
  test('holds nothing, and then only what is new, in a bucket it had before too', () => {
    const window = windowOf();
    fail(window, 0, 300, 900);
    window.clear();
    expect(window.counts(900)).toEqual(NOTHING);
    window.record(950, false, false);
    window.record(960, false, false);
    expect(window.counts(960)).toEqual({ executed: 2, failed: 0, slow: 0 });
  });

  test('by another, where the memory is shared: what it counts then is not lost', () => {
    const memory = windowMemory({ isShared: true });
    const mine = windowOf(1_000, memory);
    const others = windowOf(1_000, memory);
    fail(mine, 10);
    others.clear();
    mine.lookAgain();
    fail(mine, 20);
    expect(mine.counts(20)).toEqual({ executed: 1, failed: 1, slow: 0 });
    expect(others.counts(20)).toEqual({ executed: 1, failed: 1, slow: 0 });
  });
});

describe('a window of the last time, of another length', () => {
  test('made longer keeps what it holds for as long as the new length says', () => {
    const window = windowOf();
    fail(window, 100, 950);
    window.resize(10_000, 999);
    expect(window.counts(999)).toEqual({ executed: 2, failed: 2, slow: 0 });
    expect(window.counts(9_999).failed).toBe(2);
    expect(window.counts(11_000)).toEqual(NOTHING);
  });

  test('made shorter forgets what is older than the new length', () => {
    const window = windowOf();
    window.record(100, true, true);
    window.record(690, true, true);
    window.record(990, true, true);
    window.resize(300, 999);
    expect(window.counts(999)).toEqual({ executed: 1, failed: 1, slow: 1 });
    expect(window.counts(1_299)).toEqual(NOTHING);
  });

  test('keeps what is younger than the new length, exact to a tenth of it', () => {
    const keptIn = (windowMs: number) => {
      const window = windowOf();
      fail(window, 0, 200);
      window.resize(windowMs, 500);
      return window.counts(500).failed;
    };
    expect([300, 350, 500, 600].map(keptIn)).toEqual([0, 1, 1, 2]);
  });

  test('puts no call before the beginning of time', () => {
    const window = windowOf();
    fail(window, 10);
    window.resize(2_000, 50);
    expect(window.counts(60)).toEqual({ executed: 1, failed: 1, slow: 0 });
  });

  test('does not bring back what it had forgotten', () => {
    const window = windowOf();
    fail(window, 100);
    window.resize(60_000, 1_100);
    expect(window.counts(1_100)).toEqual(NOTHING);
  });

  test('counts on in the new length at once', () => {
    const window = windowOf();
    fail(window, 950);
    window.resize(100, 955);
    fail(window, 957);
    expect(window.counts(957).failed).toBe(2);
    expect(window.counts(1_049).failed).toBe(2);
    expect(window.counts(1_060)).toEqual(NOTHING);
  });

  test('of the same length stays as it is', () => {
    const window = windowOf();
    fail(window, 120, 180);
    window.resize(1_000, 500);
    expect(window.counts(1_099).failed).toBe(2);
  });

  test('keeps its calls where the epochs begin anew', () => {
    const window = usedWindowOf();
    const wrap = EPOCHS * 100;
    fail(window, wrap - 150, wrap + 50);
    window.resize(1_500, wrap + 60);
    expect(window.counts(wrap + 60).failed).toBe(2);
  });

  test('changed by another thread is followed without a word said', () => {
    const memory = windowMemory({ isShared: true });
    const mine = windowOf(1_000, memory);
    const others = windowOf(1_000, memory);
    fail(mine, 150);
    others.resize(5_000, 160);
    expect(mine.counts(4_000)).toEqual({ executed: 1, failed: 1, slow: 0 });
    fail(mine, 170);
    expect(others.counts(4_000)).toEqual({ executed: 2, failed: 2, slow: 0 });
  });

  test('is not counted into the bucket that was in use before', () => {
    const memory = windowMemory({ isShared: true });
    const mine = windowOf(1_000, memory);
    const others = windowOf(1_000, memory);
    fail(mine, 150);
    others.clear();
    others.resize(100, 152);
    mine.lookAgain();
    fail(mine, 155);
    expect(others.counts(155)).toEqual({ executed: 1, failed: 1, slow: 0 });
    expect(mine.counts(250)).toEqual(NOTHING);
  });
});

describe('counts of another process', () => {
  test('are taken in as calls of now', () => {
    const window = windowOf();
    window.restore({ executed: 9, failed: 4, slow: 2 }, 250);
    window.record(299, true, true);
    expect(window.counts(1_199)).toEqual({ executed: 10, failed: 5, slow: 3 });
    expect(window.counts(1_200)).toEqual(NOTHING);
  });
});

describe('several threads at one window', () => {
  const EPOCH_OF_BUCKET_0 = 0;
  const TURNING = -2;

  test('a bucket that another thread has moved on is not used for the time before', () => {
    const memory = windowMemory({ isShared: true });
    const slow = windowOf(1_000, memory);
    const quick = windowOf(1_000, memory);
    quick.record(1_010, false, false);
    fail(slow, 20);
    expect(quick.counts(1_010)).toEqual({ executed: 1, failed: 0, slow: 0 });
  });

  test('a bucket that a thread died in while it turned is taken over, and what was left in it is not counted', () => {
    const memory = windowMemory({ isShared: true });
    const window = windowOf(1_000, memory);
    window.record(10, true, true);
    memory.words[memory.offset + EPOCH_OF_BUCKET_0] = TURNING;
    expect(window.counts(20)).toEqual(NOTHING);
    window.lookAgain();
    window.record(30, true, false);
    expect(window.counts(30)).toEqual({ executed: 1, failed: 1, slow: 0 });
  });

  test('nothing is kept of a bucket that is turning when the length changes', () => {
    const memory = windowMemory({ isShared: true });
    const window = windowOf(1_000, memory);
    window.record(10, true, true);
    window.record(110, true, true);
    memory.words[memory.offset + EPOCH_OF_BUCKET_0] = TURNING;
    window.resize(2_000, 120);
    expect(window.counts(120)).toEqual({ executed: 1, failed: 1, slow: 1 });
  });
});
