import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TIME_WINDOW_WORDS, TimeWindow } from '../../../src/breaker/window/time-window.ts';
import { runs } from '../../property/runs.ts';
import { type TestMemory, windowMemory } from './window-memory.ts';

const NOTHING = { executed: 0, failed: 0, slow: 0 };
/** What a bucket says while a thread empties it. */
const TURNING = -2;

describe('a time window', () => {
  test('counts executed calls and, of those, the failed and the slow', () => {
    const window = makeWindow(1_000);
    window.record(0, true, false);
    window.record(1, false, true);
    window.record(500, true, true);
    window.record(999, false, false);
    expect(window.counts(999)).toEqual({ executed: 4, failed: 2, slow: 2 });
  });

  test('forgets by elapsed time, bucket by bucket, and after exactly one length', () => {
    const window = makeWindow(1_000);
    window.record(0, true, false);
    window.record(100, true, false);
    expect(window.counts(999.999).failed).toBe(2);
    expect(window.counts(1_000).failed).toBe(1);
    expect(window.counts(1_099.999).failed).toBe(1);
    expect(window.counts(1_100)).toEqual(NOTHING);
  });

  test('an idle hour forgets old failures', () => {
    const window = makeWindow(10_000);
    for (let call = 0; call < 50; call++) window.record(call, true, true);
    expect(window.counts(3_600_000)).toEqual(NOTHING);
    window.record(3_600_000, true, false);
    expect(window.counts(3_600_000)).toEqual({ executed: 1, failed: 1, slow: 0 });
  });

  test('a bucket that is used again holds nothing of its older time', () => {
    const window = makeWindow(1_000);
    for (let round = 0; round < 50; round++) {
      for (let bucket = 0; bucket < 10; bucket++) window.record(round * 1_000 + bucket * 100, true, true);
      expect(window.counts(round * 1_000 + 999)).toEqual({ executed: 10, failed: 10, slow: 10 });
    }
  });

  test('a call that ended a little earlier than the last one is counted in its own time', () => {
    const window = makeWindow(1_000);
    window.record(250, true, false);
    window.record(190, true, false);
    expect(window.counts(250).failed).toBe(2);
    expect(window.counts(1_199).failed).toBe(1);
    expect(window.counts(1_200)).toEqual(NOTHING);
  });

  test('a call of a time that the ring has left behind is not counted as a newer one', () => {
    const window = makeWindow(1_000);
    window.record(1_050, false, false);
    window.record(50, true, false);
    expect(window.counts(1_050)).toEqual({ executed: 1, failed: 0, slow: 0 });
  });

  test('a call that fails after it was counted as slow is one call, even from another bucket', () => {
    const window = makeWindow(1_000);
    window.record(50, false, true);
    window.recordFailureOfOverdue(950);
    expect(window.counts(950)).toEqual({ executed: 1, failed: 1, slow: 1 });
    expect(window.counts(1_000)).toEqual({ executed: 1, failed: 1, slow: 0 });
    expect(window.counts(1_900)).toEqual(NOTHING);
  });

  test('a clear forgets at once', () => {
    const window = makeWindow(1_000);
    window.record(10, true, true);
    window.clear();
    expect(window.counts(10)).toEqual(NOTHING);
    window.record(10, false, false);
    expect(window.counts(10)).toEqual({ executed: 1, failed: 0, slow: 0 });
  });

  test('takes counts in as if they were of now', () => {
    const window = makeWindow(1_000);
    window.record(0, true, false);
    window.restore({ executed: 40, failed: 10, slow: 5 }, 500);
    expect(window.counts(500)).toEqual({ executed: 41, failed: 11, slow: 5 });
    expect(window.counts(1_499)).toEqual({ executed: 40, failed: 10, slow: 5 });
    expect(window.counts(1_500)).toEqual(NOTHING);
  });

  test('keeps to its own words of the array', () => {
    const memory = windowMemory({ isShared: true });
    const window = new TimeWindow(memory, memory.offset, 100);
    for (let now = 0; now < 500; now++) window.record(now, true, true);
    window.resize(1_000, 500);
    window.clear();
    expect(memory.isWhole()).toBe(true);
    const after = memory.words.subarray(memory.offset + TIME_WINDOW_WORDS, memory.ring);
    expect(after.every((word) => word === 0)).toBe(true);
  });
});

describe('another length', () => {
  test('the same length keeps everything in its place', () => {
    const window = makeWindow(1_000);
    window.record(10, true, false);
    window.resize(1_000, 500);
    expect(window.counts(1_009).failed).toBe(0);
    expect(window.counts(999).failed).toBe(1);
  });

  test('keeps what the window holds when it grows, and forgets it a new length later', () => {
    const window = makeWindow(1_000);
    for (let call = 0; call < 10; call++) window.record(call * 100, call % 2 === 0, true);
    window.resize(10_000, 999);
    expect(window.counts(999)).toEqual({ executed: 10, failed: 5, slow: 10 });
    expect(window.counts(9_999).executed).toBe(10);
    expect(window.counts(11_000)).toEqual(NOTHING);
  });

  test('keeps the latest when it shrinks', () => {
    const window = makeWindow(10_000);
    for (let second = 0; second < 10; second++) window.record(second * 1_000, true, false);
    window.resize(2_000, 9_000);
    expect(window.counts(9_000).failed).toBe(2);
    expect(window.counts(11_000)).toEqual(NOTHING);
  });

  test('shorter, longer and shorter again loses nothing that is young enough', () => {
    const window = makeWindow(1_000);
    window.record(50, true, false);
    window.record(950, false, true);
    for (const windowMs of [500, 60_000, 300, 86_400_000, 1_000]) window.resize(windowMs, 960);
    window.record(970, false, false);
    expect(window.counts(970)).toEqual({ executed: 2, failed: 0, slow: 1 });
  });

  test('a thread that has not heard of it counts by it all the same', () => {
    const memory = windowMemory({ isShared: true });
    const owner = new TimeWindow(memory, memory.offset, 1_000);
    const other = new TimeWindow(memory, memory.offset, 1_000);
    const now = 120_000;
    other.record(now, true, false);
    owner.resize(60_000, now);
    other.record(now, true, false);
    owner.record(now, true, false);
    expect(owner.counts(now).failed).toBe(3);
    expect(other.counts(now).failed).toBe(3);
    expect(other.counts(now + 50_000).failed).toBe(3);
    for (let second = 0; second < 60; second++) owner.record(now + second * 1_000, true, false);
    expect(other.counts(now + 59_000).failed).toBe(63);
  });

  test('a thread that comes later takes up the length in force, whatever it was told', () => {
    const memory = windowMemory({ isShared: true });
    const owner = new TimeWindow(memory, memory.offset, 1_000);
    owner.resize(60_000, 0);
    owner.record(0, true, false);
    const late = new TimeWindow(memory, memory.offset, 1_000);
    late.record(30_000, true, false);
    expect(late.counts(59_999).failed).toBe(2);
    expect(owner.counts(59_999).failed).toBe(2);
  });
});

describe('threads', () => {
  test('share what the window holds', () => {
    const memory = windowMemory({ isShared: true });
    const [one, other] = [new TimeWindow(memory, memory.offset, 1_000), new TimeWindow(memory, memory.offset, 1_000)];
    for (let now = 0; now < 3_000; now += 10) {
      one.record(now, true, false);
      other.record(now, false, true);
    }
    expect(one.counts(2_999)).toEqual({ executed: 200, failed: 100, slow: 100 });
    expect(other.counts(2_999)).toEqual(one.counts(2_999));
  });

  test('a bucket that a killed thread left half emptied is taken over', () => {
    const memory = windowMemory({ isShared: true });
    const window = new TimeWindow(memory, memory.offset, 1_000);
    window.record(0, true, true);
    // The word that names the bucket's time: the only one of the window, beside its length, that is not a count of 1.
    const epoch = epochOfOnlyBucket(memory);
    Atomics.store(memory.words, epoch, TURNING);
    expect(window.counts(0)).toEqual(NOTHING);
    const other = new TimeWindow(memory, memory.offset, 1_000);
    other.record(1_000, true, false);
    expect(other.counts(1_000)).toEqual({ executed: 1, failed: 1, slow: 0 });
    window.record(1_000, false, false);
    expect(window.counts(1_000)).toEqual({ executed: 2, failed: 1, slow: 0 });
  });

  test('a bucket that was left ahead of its time holds up nobody for longer than two lengths', () => {
    const memory = windowMemory({ isShared: true });
    const window = new TimeWindow(memory, memory.offset, 1_000);
    window.record(0, true, false);
    Atomics.store(memory.words, epochOfOnlyBucket(memory), 500);
    window.record(1_000, true, false);
    expect(window.counts(1_000).failed).toBe(1);
  });
});

describe('where epochs wrap', () => {
  const BUCKET_MS = 10;

  test.each([
    ['2^30 buckets', 2 ** 30],
    ['2^32 buckets', 2 ** 32],
    ['2^31 buckets', 2 ** 31],
  ])('at %s it keeps its ten buckets apart', (_, count) => {
    for (const before of [0, 1, 3, 7, 9, 12]) {
      const window = makeWindow(10 * BUCKET_MS);
      const at = (bucket: number) => (count + bucket - before) * BUCKET_MS;
      for (let bucket = 0; bucket < 10; bucket++) window.record(at(bucket), true, bucket % 2 === 0);
      expect(window.counts(at(9))).toEqual({ executed: 10, failed: 10, slow: 5 });
      expect(window.counts(at(13))).toEqual({ executed: 6, failed: 6, slow: 3 });
      for (let bucket = 10; bucket < 40; bucket++) {
        window.record(at(bucket), true, false);
        expect(window.counts(at(bucket)).executed).toBe(10);
      }
    }
  });

  test('a window left idle over the wrap has forgotten', () => {
    const window = makeWindow(10 * BUCKET_MS);
    window.record((2 ** 30 - 3) * BUCKET_MS, true, true);
    expect(window.counts((2 ** 30 + 8) * BUCKET_MS)).toEqual(NOTHING);
    window.record((2 ** 30 + 7) * BUCKET_MS, false, false);
    expect(window.counts((2 ** 30 + 8) * BUCKET_MS)).toEqual({ executed: 1, failed: 0, slow: 0 });
  });
});

/** Instants in order, near one another or far apart. */
const history = fc.array(
  fc.record({
    afterMs: fc.oneof(fc.integer({ min: 0, max: 400 }), fc.integer({ min: 0, max: 5_000 })),
    failed: fc.boolean(),
    slow: fc.boolean(),
  }),
  { maxLength: 60, size: 'max' },
);

/** Starts where time is small, and where epochs of 10 to 300 ms wrap. */
const start = fc.oneof(
  fc.integer({ min: 0, max: 100_000 }),
  fc
    .tuple(fc.constantFrom(2 ** 30, 2 ** 32), fc.integer({ min: 10, max: 300 }), fc.integer({ min: 0, max: 3_000 }))
    .map(([buckets, bucketMs, before]) => buckets * bucketMs - before),
);

test('counts what a plain list of calls counts, exact to one bucket', () => {
  fc.assert(
    fc.property(start, fc.integer({ min: 100, max: 3_000 }), history, (from, windowMs, calls) => {
      const window = makeWindow(windowMs);
      const list: { readonly at: number; readonly failed: boolean; readonly slow: boolean }[] = [];
      // A rounding of the last digit may put an instant into the neighbouring bucket.
      const exactness = 0.01;
      let now = from;
      for (const { afterMs, failed, slow } of calls) {
        now += afterMs;
        window.record(now, failed, slow);
        list.push({ at: now, failed, slow });
        const counts = window.counts(now);
        const within = (ms: number) => list.filter(({ at }) => now - at < ms);
        const least = within(windowMs - windowMs / 10 - exactness);
        const most = within(windowMs + exactness);
        for (const [held, isOne] of [
          [counts.executed, () => true],
          [counts.failed, (call: { readonly failed: boolean }) => call.failed],
          [counts.slow, (call: { readonly slow: boolean }) => call.slow],
        ] as const) {
          expect(held).toBeGreaterThanOrEqual(least.filter(isOne).length);
          expect(held).toBeLessThanOrEqual(most.filter(isOne).length);
        }
      }
    }),
    { numRuns: runs(1_000) },
  );
});

function makeWindow(windowMs: number): TimeWindow {
  const memory = windowMemory();
  return new TimeWindow(memory, memory.offset, windowMs);
}

/** The place of the epoch of the only bucket in use: the word before its three counts. */
function epochOfOnlyBucket({ words, offset }: TestMemory): number {
  const executed = words.findIndex((word, at) => at > offset && at < offset + TIME_WINDOW_WORDS && word === 1);
  expect(executed).toBeGreaterThan(offset);
  return executed - 1;
}
