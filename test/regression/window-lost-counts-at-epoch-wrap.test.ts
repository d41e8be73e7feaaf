import { expect, test } from 'vitest';
import { TimeWindow, WINDOW_WORDS } from '../../src/breaker/window/time-window.ts';

/** The ring's position came from the wrapped epoch, and 2^32 is no multiple of 10: live buckets were overwritten. */
test('a window keeps its ten buckets apart across the wrap of its epochs', () => {
  const window = new TimeWindow(new Int32Array(WINDOW_WORDS), 0, 100);
  const wrapAt = 2 ** 32 * 10;
  for (let bucket = -5; bucket < 5; bucket++) window.record(wrapAt + bucket * 10, true);
  expect(window.counts(wrapAt + 40)).toEqual({ executed: 10, failed: 10 });
});
