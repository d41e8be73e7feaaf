import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TimeWindow, WINDOW_WORDS } from '../../../src/breaker/window/time-window.ts';
import { runs } from '../../property/runs.ts';

function makeWindow(windowMs: number, offset = 0): TimeWindow {
  return new TimeWindow(new Int32Array(offset + WINDOW_WORDS), offset, windowMs);
}

describe('a time window', () => {
  test('counts executed calls and, of those, the failed', () => {
    const window = makeWindow(1_000);
    window.record(0, true);
    window.record(1, false);
    window.record(999, true);
    expect(window.counts(999)).toEqual({ executed: 3, failed: 2 });
  });

  test('forgets by elapsed time, bucket by bucket', () => {
    const window = makeWindow(1_000);
    window.record(0, true);
    window.record(100, true);
    expect(window.counts(999).failed).toBe(2);
    expect(window.counts(1_000).failed).toBe(1);
    expect(window.counts(1_099).failed).toBe(1);
    expect(window.counts(1_100).failed).toBe(0);
  });

  test('an idle hour forgets old failures', () => {
    const window = makeWindow(10_000);
    for (let call = 0; call < 50; call++) window.record(call, true);
    expect(window.counts(3_600_000)).toEqual({ executed: 0, failed: 0 });
    window.record(3_600_000, true);
    expect(window.counts(3_600_000)).toEqual({ executed: 1, failed: 1 });
  });

  test('a clear forgets at once', () => {
    const window = makeWindow(1_000);
    window.record(10, true);
    window.clear();
    expect(window.counts(10)).toEqual({ executed: 0, failed: 0 });
    window.record(10, false);
    expect(window.counts(10)).toEqual({ executed: 1, failed: 0 });
  });

  test('another length starts empty; the same length keeps what it holds', () => {
    const window = makeWindow(1_000);
    window.record(10, true);
    window.resize(1_000);
    expect(window.counts(10).failed).toBe(1);
    window.resize(2_000);
    expect(window.counts(10).failed).toBe(0);
    window.record(20, true);
    expect(window.counts(1_900).failed).toBe(1);
  });

  test('keeps to its own words of the array', () => {
    const words = new Int32Array(WINDOW_WORDS + 10);
    words.fill(7, 0, 5);
    words.fill(7, WINDOW_WORDS + 5);
    const window = new TimeWindow(words, 5, 100);
    for (let now = 0; now < 500; now++) window.record(now, true);
    expect([...words.slice(0, 5), ...words.slice(WINDOW_WORDS + 5)]).toEqual(Array(10).fill(7));
  });
});

/** Instants in order, near one origin, some far apart. */
const history = fc.array(
  fc.record({
    afterMs: fc.oneof(fc.integer({ min: 0, max: 400 }), fc.integer({ min: 0, max: 5_000 })),
    failed: fc.boolean(),
  }),
  { maxLength: 60, size: 'max' },
);

/** Holds the window to a naive list of timestamps from `origin` on. */
function holdsToNaiveList(origin: fc.Arbitrary<number>, numRuns: number): void {
  fc.assert(
    fc.property(origin, fc.integer({ min: 100, max: 3_000 }), history, (start, windowMs, calls) => {
      const window = makeWindow(windowMs);
      const naive: { readonly at: number; readonly failed: boolean }[] = [];
      let now = start;
      for (const { afterMs, failed } of calls) {
        now += afterMs;
        window.record(now, failed);
        naive.push({ at: now, failed });
        const { executed, failed: failures } = window.counts(now);
        const within = (ms: number) => naive.filter(({ at }) => now - at < ms);
        const failuresWithin = (ms: number) => within(ms).filter((call) => call.failed).length;
        // A rounding of the last digit may put an instant into the neighbouring bucket.
        const bucket = windowMs / 10 + 0.001;
        expect(executed).toBeGreaterThanOrEqual(within(windowMs - bucket).length);
        expect(executed).toBeLessThanOrEqual(within(windowMs + 0.001).length);
        expect(failures).toBeGreaterThanOrEqual(failuresWithin(windowMs - bucket));
        expect(failures).toBeLessThanOrEqual(failuresWithin(windowMs + 0.001));
      }
    }),
    { numRuns },
  );
}

test('counts what a list of timestamps counts, exact to one bucket', () => {
  holdsToNaiveList(fc.integer({ min: 0, max: 100_000 }), runs(2_000));
});

test('counts the same where its 32-bit epochs wrap', () => {
  // 2^32 buckets of 10 to 300 ms: the origin is chosen near the wrap of each length in turn.
  for (const windowMs of [100, 1_000, 3_000]) {
    const wrapAt = 2 ** 32 * (windowMs / 10);
    for (const before of [1, 3, 7, 9, 12]) {
      const window = makeWindow(windowMs);
      const bucketMs = windowMs / 10;
      for (let step = 0; step < 10; step++) window.record(wrapAt + (step - before) * bucketMs, true);
      expect(window.counts(wrapAt + (9 - before) * bucketMs)).toEqual({ executed: 10, failed: 10 });
    }
  }
});
