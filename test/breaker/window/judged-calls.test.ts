import { DEFAULT_SETTINGS, type TripSettings } from '@switchgear/conventions';
import { describe, expect, test } from 'vitest';
import { CallWindow } from '../../../src/breaker/window/call-window.ts';
import { windowMemory } from './window-memory.ts';

const NOTHING = { executed: 0, failed: 0, slow: 0, consecutive: 0 };
const LAST_FOUR = { windowCalls: 4 };

/** Trip settings with a rule of failures in a row, and a window of a second. */
function tripOf(patch: Partial<TripSettings> = {}): TripSettings {
  return { ...DEFAULT_SETTINGS.trip, windowMs: 1_000, consecutive: 100, ...patch };
}

function windowOf(patch: Partial<TripSettings> = {}, memory = windowMemory()): CallWindow {
  return new CallWindow(memory, memory.offset, tripOf(patch));
}

function fail(window: CallWindow, now: number, times = 1): void {
  for (let time = 0; time < times; time++) window.record(now, { failed: true, slow: false, overdueMark: undefined });
}

describe('what a breaker judges by', () => {
  test('is the last time, where no number of calls is set', () => {
    const window = windowOf();
    fail(window, 100, 9);
    expect(window.counts(1_099)).toEqual({ executed: 9, failed: 9, slow: 0, consecutive: 9 });
    expect(window.counts(1_100)).toEqual({ ...NOTHING, consecutive: 9 });
  });

  test('is the last calls, whatever their age, where their number is set', () => {
    const window = windowOf(LAST_FOUR);
    fail(window, 100, 9);
    expect(window.counts(1e9)).toEqual({ executed: 4, failed: 4, slow: 0, consecutive: 9 });
  });

  test('has slow calls in it, good and bad', () => {
    for (const window of [windowOf(), windowOf(LAST_FOUR)]) {
      window.record(10, { failed: true, slow: true, overdueMark: undefined });
      window.record(20, { failed: false, slow: true, overdueMark: undefined });
      expect(window.counts(30)).toEqual({ executed: 2, failed: 1, slow: 2, consecutive: 0 });
    }
  });

  test('has quick successes in it', () => {
    for (const window of [windowOf(), windowOf(LAST_FOUR)]) {
      window.recordSuccess(10);
      expect(window.counts(20)).toEqual({ ...NOTHING, executed: 1 });
    }
  });

  test('is forgotten when cleared, all of it', () => {
    for (const window of [windowOf(), windowOf(LAST_FOUR)]) {
      fail(window, 100, 3);
      window.isDebounced(100, 1_000);
      window.clear();
      expect(window.counts(100)).toEqual(NOTHING);
      expect(window.isDebounced(101, 1_000)).toBe(false);
    }
  });

  test('has its place in the memory, and writes beside it nowhere', () => {
    const memory = windowMemory();
    for (const window of [windowOf({}, memory), windowOf({ windowCalls: 1_000 }, memory)]) {
      for (let now = 0; now < 3_000; now++) fail(window, now);
      window.isDebounced(3_000, 10);
      window.clear();
    }
    expect(memory.isWhole()).toBe(true);
  });

  test('of time and of calls are apart: neither has written into the other', () => {
    const memory = windowMemory();
    const ofTime = windowOf({}, memory);
    const ofCalls = windowOf(LAST_FOUR, memory);
    for (let now = 0; now < 1_000; now += 50) fail(ofTime, now);
    ofTime.isDebounced(1_000, 10);
    expect(ofCalls.counts(999)).toEqual({ ...NOTHING, consecutive: 20 });
    fail(ofCalls, 999, 3);
    expect(ofTime.counts(999)).toEqual({ executed: 20, failed: 20, slow: 0, consecutive: 23 });
  });

  test('is of its buckets alone: a length and failures in a row that look like one more are none', () => {
    const window = windowOf();
    // The epoch of this time is the number of milliseconds of the window's length.
    const now = 100_050;
    fail(window, now, 2);
    expect(window.counts(now)).toEqual({ executed: 2, failed: 2, slow: 0, consecutive: 2 });
    window.resize(tripOf({ windowMs: 2_000 }), now);
    expect(window.counts(now)).toEqual({ executed: 2, failed: 2, slow: 0, consecutive: 2 });
  });
});

describe('failures in a row', () => {
  test('are counted up to the next success, however far apart', () => {
    const window = windowOf();
    fail(window, 0);
    fail(window, 1e6);
    expect(window.counts(2e6).consecutive).toBe(2);
    window.record(2e6, { failed: false, slow: false, overdueMark: undefined });
    expect(window.counts(2e6).consecutive).toBe(0);
    fail(window, 2e6);
    expect(window.counts(2e6).consecutive).toBe(1);
  });

  test('end with a quick success as well', () => {
    const window = windowOf();
    fail(window, 0, 2);
    window.recordSuccess(1);
    expect(window.counts(1).consecutive).toBe(0);
    window.recordSuccess(2);
    fail(window, 3);
    expect(window.counts(3).consecutive).toBe(1);
  });

  test('end with a success, whoever counted them: another thread, or the one before', () => {
    for (const isShared of [true, false]) {
      const memory = windowMemory({ isShared });
      const mine = windowOf({}, memory);
      if (isShared) mine.recordSuccess(0);
      const others = windowOf({}, memory);
      fail(isShared ? others : mine, 1, 2);
      (isShared ? mine : others).recordSuccess(2);
      expect(mine.counts(2).consecutive).toBe(0);
    }
  });

  test('do not end with a call that is slow in flight: it may fail yet', () => {
    const window = windowOf();
    fail(window, 0);
    const overdueMark = window.recordOverdue(5);
    expect(window.counts(5)).toEqual({ executed: 2, failed: 1, slow: 1, consecutive: 1 });
    window.record(6, { failed: true, slow: true, overdueMark });
    expect(window.counts(6)).toEqual({ executed: 2, failed: 2, slow: 1, consecutive: 2 });
  });
});

describe('failures in a row, where no rule asks for them', () => {
  const unasked = tripOf({ consecutive: null });

  test('are not counted', () => {
    const window = windowOf({ consecutive: null });
    fail(window, 0, 3);
    expect(window.counts(0)).toEqual({ executed: 3, failed: 3, slow: 0, consecutive: 0 });
  });

  test('are counted from when a rule asks: what was counted before an earlier rule was taken away is too old', () => {
    const window = windowOf();
    fail(window, 0, 3);
    window.resize(unasked, 10);
    fail(window, 20);
    window.resize(tripOf(), 30);
    expect(window.counts(30).consecutive).toBe(0);
    fail(window, 40);
    expect(window.counts(40).consecutive).toBe(1);
    window.resize(tripOf({ consecutive: 5 }), 50);
    expect(window.counts(50).consecutive).toBe(1);
  });

  test('are counted, or not, as another thread has set it', () => {
    const memory = windowMemory({ isShared: true });
    const mine = windowOf({}, memory);
    mine.follow(unasked);
    fail(mine, 10);
    expect(mine.counts(10).consecutive).toBe(0);
    mine.follow(tripOf());
    fail(mine, 20);
    mine.recordSuccess(30);
    fail(mine, 40);
    expect(mine.counts(40).consecutive).toBe(1);
  });
});

describe('a call that was counted as slow in flight', () => {
  test('is not counted again when it ends well, and ends the failures in a row', () => {
    for (const window of [windowOf(), windowOf(LAST_FOUR)]) {
      fail(window, 0);
      const overdueMark = window.recordOverdue(5);
      window.record(6, { failed: false, slow: true, overdueMark });
      expect(window.counts(6)).toEqual({ executed: 2, failed: 1, slow: 1, consecutive: 0 });
    }
  });

  test('is a failed one when it fails, and still one call', () => {
    for (const window of [windowOf(), windowOf(LAST_FOUR)]) {
      window.recordSuccess(0);
      const overdueMark = window.recordOverdue(5);
      window.recordSuccess(6);
      window.record(7, { failed: true, slow: true, overdueMark });
      expect(window.counts(7)).toEqual({ executed: 3, failed: 1, slow: 1, consecutive: 1 });
    }
  });
});

describe('a failure soon after another', () => {
  test('is not judged, up to the time that is set', () => {
    const window = windowOf();
    expect(window.isDebounced(500, 100)).toBe(false);
    expect(window.isDebounced(500, 100)).toBe(true);
    expect(window.isDebounced(599.9, 100)).toBe(true);
    expect(window.isDebounced(600, 100)).toBe(false);
    expect(window.isDebounced(650, 100)).toBe(true);
  });

  test('does not make that time longer', () => {
    const window = windowOf();
    window.isDebounced(500, 100);
    window.isDebounced(590, 100);
    expect(window.isDebounced(601, 100)).toBe(false);
  });

  test('at the very beginning is known for one as well', () => {
    const window = windowOf();
    expect(window.isDebounced(0, 100)).toBe(false);
    expect(window.isDebounced(99, 100)).toBe(true);
  });

  test('is told from one after fifty days: the times are cut to a word', () => {
    const window = windowOf();
    const fiftyDays = 2 ** 32;
    window.isDebounced(fiftyDays / 2 - 50, 100);
    expect(window.isDebounced(fiftyDays / 2 + 49, 100)).toBe(true);
    expect(window.isDebounced(fiftyDays / 2 + 50, 100)).toBe(false);
    const later = windowOf();
    later.isDebounced(fiftyDays - 50, 100);
    expect(later.isDebounced(fiftyDays + 40, 100)).toBe(true);
    expect(later.isDebounced(fiftyDays + 60, 100)).toBe(false);
  });

  test('counts for all who share the memory', () => {
    const memory = windowMemory({ isShared: true });
    const mine = windowOf({}, memory);
    expect(mine.isDebounced(500, 100)).toBe(false);
    expect(windowOf({}, memory).isDebounced(550, 100)).toBe(true);
  });
});

describe('a window that becomes another while it runs', () => {
  test('longer or shorter in time, keeps what it holds', () => {
    const window = windowOf();
    fail(window, 950, 3);
    window.resize(tripOf({ windowMs: 60_000 }), 990);
    expect(window.counts(50_000)).toEqual({ executed: 3, failed: 3, slow: 0, consecutive: 3 });
  });

  test('longer or shorter in calls, keeps what it holds', () => {
    const window = windowOf(LAST_FOUR);
    fail(window, 0, 3);
    window.resize(tripOf({ windowCalls: 2 }), 0);
    expect(window.counts(0)).toEqual({ executed: 2, failed: 2, slow: 0, consecutive: 3 });
    window.resize(tripOf({ windowCalls: 9 }), 0);
    fail(window, 0, 8);
    expect(window.counts(0).executed).toBe(9);
  });

  test('of calls instead of a time, keeps its counts as far as they fit, and forgets nothing by time', () => {
    const window = windowOf();
    fail(window, 100, 3);
    window.recordSuccess(100);
    window.resize(tripOf({ windowCalls: 10 }), 150);
    expect(window.counts(1e9)).toEqual({ executed: 4, failed: 3, slow: 0, consecutive: 0 });
    window.resize(tripOf({ windowCalls: 3 }), 150);
    expect(window.counts(1e9).executed).toBe(3);
  });

  test('of a time instead of calls, has them as calls of now', () => {
    const window = windowOf(LAST_FOUR);
    fail(window, 100, 2);
    window.resize(tripOf(), 5_000);
    expect(window.counts(5_000)).toEqual({ executed: 2, failed: 2, slow: 0, consecutive: 2 });
    expect(window.counts(6_000).executed).toBe(0);
  });

  test('of a time of another length instead of calls, likewise', () => {
    const window = windowOf(LAST_FOUR);
    fail(window, 100, 2);
    window.resize(tripOf({ windowMs: 10_000 }), 5_000);
    expect(window.counts(14_000)).toEqual({ executed: 2, failed: 2, slow: 0, consecutive: 2 });
  });

  test('there and back again, has nothing twice and nothing of long ago', () => {
    const window = windowOf();
    fail(window, 100, 3);
    window.resize(tripOf(LAST_FOUR), 150);
    for (let call = 0; call < 4; call++) window.recordSuccess(160);
    window.resize(tripOf(), 170);
    expect(window.counts(170)).toEqual({ ...NOTHING, executed: 4 });
    window.resize(tripOf(LAST_FOUR), 180);
    expect(window.counts(180)).toEqual({ ...NOTHING, executed: 4 });
  });

  test('the same again, is as it was', () => {
    const ofTime = windowOf();
    fail(ofTime, 120, 2);
    fail(ofTime, 620);
    ofTime.resize(tripOf(), 650);
    expect(ofTime.counts(1_099).executed).toBe(3);
    expect(ofTime.counts(1_100).executed).toBe(1);
    const ofCalls = windowOf(LAST_FOUR);
    fail(ofCalls, 120);
    for (let call = 0; call < 3; call++) ofCalls.recordSuccess(130);
    ofCalls.resize(tripOf(LAST_FOUR), 650);
    ofCalls.recordSuccess(660);
    expect(ofCalls.counts(660)).toEqual({ ...NOTHING, executed: 4 });
  });

  test('by the hand of another thread, is followed', () => {
    const memory = windowMemory({ isShared: true });
    const mine = windowOf({}, memory);
    const others = windowOf({}, memory);
    fail(mine, 150);
    others.resize(tripOf(LAST_FOUR), 160);
    mine.follow(tripOf(LAST_FOUR));
    fail(mine, 170);
    expect(others.counts(1e9)).toEqual({ executed: 2, failed: 2, slow: 0, consecutive: 2 });
    others.resize(tripOf({ windowMs: 5_000 }), 7_180);
    mine.follow(tripOf({ windowMs: 5_000 }));
    fail(mine, 7_190);
    expect(others.counts(11_000)).toEqual({ executed: 3, failed: 3, slow: 0, consecutive: 3 });
  });
});

describe('a window of another process', () => {
  test('is taken up, with its failures in a row', () => {
    for (const window of [windowOf(), windowOf({ windowCalls: 10 })]) {
      window.restore({ executed: 8, failed: 4, slow: 2, consecutive: 3 }, 100);
      expect(window.counts(150)).toEqual({ executed: 8, failed: 4, slow: 2, consecutive: 3 });
      fail(window, 160);
      expect(window.counts(160).consecutive).toBe(4);
    }
  });

  test('ends its failures in a row with the first success', () => {
    const window = windowOf();
    window.recordSuccess(0);
    window.restore({ executed: 8, failed: 4, slow: 2, consecutive: 3 }, 100);
    window.recordSuccess(110);
    expect(window.counts(110).consecutive).toBe(0);
  });
});
