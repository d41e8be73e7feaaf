import { expect, test } from 'vitest';
import { Cells } from '../../src/breaker/memory/cells.ts';
import { TIME_WINDOW_WORDS, TimeWindow } from '../../src/breaker/window/time-window.ts';

/** The ring's position came from the wrapped epoch, and its range is no multiple of 10: live buckets were overwritten. */
test.each([2 ** 30, 2 ** 32])('a window keeps its ten buckets apart across the wrap of its epochs at %d', (wrap) => {
  const window = new TimeWindow(
    new Cells(new Int32Array(TIME_WINDOW_WORDS), { failures: undefined, ring: undefined }),
    0,
    100,
  );
  for (let bucket = -5; bucket < 5; bucket++) window.record((wrap + bucket) * 10, true, false);
  expect(window.counts((wrap + 4) * 10)).toEqual({ executed: 10, failed: 10, slow: 0 });
});
