import { afterEach, expect, test } from 'vitest';
import { createBreaker, findBreaker } from '../../src/breaker/index.ts';
import { ManualClock } from '../../src/breaker/testing.ts';

afterEach(() => findBreaker('fewer-probes')?.close());

/** `probes` lowered while half-open, below the good ones that were back: every call was refused for ever. */
test('a half-open breaker closes with the next call when its good probes suffice after a change of settings', async () => {
  const clock = new ManualClock();
  const breaker = createBreaker('fewer-probes', {
    clock,
    telemetry: 'off',
    cooldownMs: 1_000,
    halfOpen: { probes: 3 },
  });
  breaker.trip();
  await clock.advance(1_000);
  await breaker.execute(() => 'good');
  await breaker.execute(() => 'good');
  breaker.configure({ halfOpen: { probes: 2 } });
  expect(await breaker.execute(() => 'through')).toBe('through');
  expect(breaker.state).toBe('closed');
});
