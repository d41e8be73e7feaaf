import { DEFAULT_SETTINGS, type TripSettings } from '@switchgear/conventions';
import { describe, expect, test } from 'vitest';
import { CallWindow } from '../../../src/breaker/window/call-window.ts';
import { windowMemory } from './window-memory.ts';

const NOTHING = { executed: 0, failed: 0, slow: 0, consecutive: 0 };
const TIMED = trip({ windowMs: 1_000 });
const COUNTED = trip({ windowCalls: 10 });
const GOOD = { failed: false, slow: false, overdueMark: undefined };
const BAD = { failed: true, slow: false, overdueMark: undefined };

describe.each([
  ['of a time', TIMED],
  ['of a count', COUNTED],
])('a window %s', (_, settings) => {
  test('counts calls, and the failures in a row', () => {
    const { window } = makeWindow(settings);
    window.record(0, BAD);
    window.record(1, { ...BAD, slow: true });
    expect(window.counts(1)).toEqual({ executed: 2, failed: 2, slow: 1, consecutive: 2 });
    window.recordSuccess(2);
    expect(window.counts(2)).toEqual({ executed: 3, failed: 2, slow: 1, consecutive: 0 });
    window.record(3, BAD);
    window.record(4, GOOD);
    expect(window.counts(4)).toEqual({ executed: 5, failed: 3, slow: 1, consecutive: 0 });
  });

  test('a call that was counted in flight is counted once, however it ends', () => {
    const { window } = makeWindow(settings);
    const first = window.recordOverdue(0);
    const second = window.recordOverdue(1);
    expect(window.counts(1)).toEqual({ executed: 2, failed: 0, slow: 2, consecutive: 0 });
    window.record(2, { failed: true, slow: true, overdueMark: first });
    expect(window.counts(2)).toEqual({ executed: 2, failed: 1, slow: 2, consecutive: 1 });
    window.record(3, { failed: false, slow: true, overdueMark: second });
    expect(window.counts(3)).toEqual({ executed: 2, failed: 1, slow: 2, consecutive: 0 });
  });

  test('a clear forgets the calls, the run of failures and the last failure', () => {
    const { window } = makeWindow(settings);
    expect(window.isDebounced(100, 1_000)).toBe(false);
    window.record(100, BAD);
    window.clear();
    expect(window.counts(100)).toEqual(NOTHING);
    expect(window.isDebounced(101, 1_000)).toBe(false);
  });

  test('takes up counts of another process', () => {
    const { window } = makeWindow(settings);
    window.restore({ executed: 8, failed: 5, slow: 2, consecutive: 4 }, 500);
    expect(window.counts(500)).toEqual({ executed: 8, failed: 5, slow: 2, consecutive: 4 });
    window.record(501, BAD);
    expect(window.counts(501)).toEqual({ executed: 9, failed: 6, slow: 2, consecutive: 5 });
    window.recordSuccess(502);
    expect(window.counts(502).consecutive).toBe(0);
  });

  test('two threads have one window', () => {
    const { memory, window } = makeWindow(settings);
    const other = new CallWindow(memory, memory.offset, settings);
    window.record(0, BAD);
    other.record(1, BAD);
    expect(other.counts(1)).toEqual({ executed: 2, failed: 2, slow: 0, consecutive: 2 });
    window.recordSuccess(2);
    other.record(3, BAD);
    expect(window.counts(3)).toEqual({ executed: 4, failed: 3, slow: 0, consecutive: 1 });
    window.recordSuccess(4);
    expect(other.counts(4).consecutive).toBe(0);
  });

  test('keeps to its own words', () => {
    const { memory, window } = makeWindow(settings);
    for (let now = 0; now < 3_000; now++) window.record(now, { failed: true, slow: true, overdueMark: undefined });
    window.isDebounced(3_000, 10);
    window.clear();
    expect(memory.isWhole()).toBe(true);
  });
});

describe('a change of kind', () => {
  test('from time to count and back keeps the counts, the run of failures and the debounce', () => {
    const { window } = makeWindow(TIMED);
    window.isDebounced(900, 5_000);
    for (const failed of [true, false, true, true])
      window.record(900, { failed, slow: !failed, overdueMark: undefined });
    const held = { executed: 4, failed: 3, slow: 1, consecutive: 2 };
    window.resize(COUNTED, 950);
    expect(window.counts(950)).toEqual(held);
    expect(window.counts(1_000_000)).toEqual(held);
    expect(window.isDebounced(960, 5_000)).toBe(true);
    window.resize(TIMED, 1_000_000);
    expect(window.counts(1_000_000)).toEqual(held);
    expect(window.counts(1_001_000)).toEqual({ ...NOTHING, consecutive: 2 });
  });

  test('nothing of the older kind comes back with it', () => {
    const { window } = makeWindow(COUNTED);
    for (let call = 0; call < 10; call++) window.record(0, BAD);
    window.resize(TIMED, 0);
    expect(window.counts(5_000)).toEqual({ ...NOTHING, consecutive: 10 });
    window.resize(COUNTED, 5_000);
    expect(window.counts(5_000)).toEqual({ ...NOTHING, consecutive: 10 });
  });

  test('to a count that is smaller keeps the share of the failures, so that it trips nothing by itself', () => {
    const { window } = makeWindow(TIMED);
    for (let call = 0; call < 100; call++)
      window.record(0, { failed: call % 5 === 0, slow: false, overdueMark: undefined });
    window.resize(COUNTED, 1);
    expect(window.counts(1)).toEqual({ executed: 10, failed: 2, slow: 0, consecutive: 0 });
  });

  test('a call that was counted in flight before it and fails after it makes no second call', () => {
    const { window } = makeWindow(TIMED);
    const mark = window.recordOverdue(0);
    window.resize(COUNTED, 1);
    window.record(2, { failed: true, slow: true, overdueMark: mark });
    const { executed, failed, slow } = window.counts(2);
    expect({ executed, slow }).toEqual({ executed: 1, slow: 1 });
    expect(failed).toBeLessThanOrEqual(1);
  });

  test('another thread hears of it and has what there was', () => {
    const { memory, window } = makeWindow(TIMED);
    const other = new CallWindow(memory, memory.offset, TIMED);
    other.record(0, BAD);
    window.resize(COUNTED, 1);
    other.follow(COUNTED);
    other.record(2, BAD);
    expect(other.counts(60_000)).toEqual({ executed: 2, failed: 2, slow: 0, consecutive: 2 });
    expect(window.counts(60_000)).toEqual(other.counts(60_000));
    window.resize(trip({ windowMs: 5_000 }), 60_000);
    other.follow(trip({ windowMs: 5_000 }));
    other.record(61_000, GOOD);
    expect(window.counts(64_999)).toEqual({ executed: 3, failed: 2, slow: 0, consecutive: 0 });
  });

  test('another length and another size of the same kind keep what is held', () => {
    const timed = makeWindow(TIMED).window;
    timed.record(0, BAD);
    timed.resize(trip({ windowMs: 20_000 }), 500);
    expect(timed.counts(10_000).failed).toBe(1);
    const counted = makeWindow(COUNTED).window;
    counted.record(0, BAD);
    counted.resize(trip({ windowCalls: 1_000, windowMs: 200 }), 500);
    expect(counted.counts(10_000).failed).toBe(1);
  });
});

describe('a burst of failures', () => {
  test('is judged once until the debounce has passed', () => {
    const { window } = makeWindow(TIMED);
    expect(window.isDebounced(1_000, 100)).toBe(false);
    expect(window.isDebounced(1_000, 100)).toBe(true);
    expect(window.isDebounced(1_099, 100)).toBe(true);
    expect(window.isDebounced(1_100, 100)).toBe(false);
    // A debounced failure begins no new wait: this one counts from the last judged.
    expect(window.isDebounced(1_199, 100)).toBe(true);
    expect(window.isDebounced(1_200, 100)).toBe(false);
  });

  test('at the very start is judged once too', () => {
    const { window } = makeWindow(TIMED);
    expect(window.isDebounced(0, 100)).toBe(false);
    expect(window.isDebounced(0, 100)).toBe(true);
    expect(window.isDebounced(50, 100)).toBe(true);
  });

  test('in several threads is judged once, even where the one that ended first comes second', () => {
    const { memory, window } = makeWindow(TIMED);
    const other = new CallWindow(memory, memory.offset, TIMED);
    expect(window.isDebounced(5_003, 1_000)).toBe(false);
    expect(other.isDebounced(5_002.5, 1_000)).toBe(true);
    expect(other.isDebounced(4_990, 1_000)).toBe(true);
    expect(window.isDebounced(6_003, 1_000)).toBe(false);
  });

  test.each([2 ** 31, 2 ** 32, 3 * 2 ** 31])('over the wrap of its times at %d ms is judged once', (wrap) => {
    const { window } = makeWindow(TIMED);
    expect(window.isDebounced(wrap - 50, 100)).toBe(false);
    expect(window.isDebounced(wrap - 1, 100)).toBe(true);
    expect(window.isDebounced(wrap, 100)).toBe(true);
    expect(window.isDebounced(wrap + 49, 100)).toBe(true);
    expect(window.isDebounced(wrap + 50, 100)).toBe(false);
    expect(window.isDebounced(wrap + 60, 100)).toBe(true);
  });

  test.each([1, 20, 24, 26, 40, 49])('after %d quiet days is judged, with a debounce of a day', (days) => {
    const { window } = makeWindow(TIMED);
    expect(window.isDebounced(5_000, 86_400_000)).toBe(false);
    expect(window.isDebounced(5_000 + days * 86_400_000, 86_400_000)).toBe(false);
  });
});

function trip(patch: Partial<TripSettings>): TripSettings {
  return { ...DEFAULT_SETTINGS.trip, consecutive: 1_000, ...patch };
}

function makeWindow(settings: TripSettings) {
  const memory = windowMemory({ isShared: true });
  return { memory, window: new CallWindow(memory, memory.offset, settings) };
}
