import { expect, test } from 'vitest';
import { createBreaker } from '../../src/breaker/index.ts';
import { ManualClock } from '../../src/breaker/testing.ts';

/** The calls that tripped it by hanging held every place of the concurrency limit, so no probe went out as long as they hung. */
test('a breaker that calls in flight have opened closes while they are still in flight', async () => {
  const clock = new ManualClock();
  const breaker = createBreaker('full', {
    clock,
    telemetry: 'off',
    maxConcurrent: 5,
    trip: { slowMs: 100, minimumCalls: 5 },
    cooldownMs: 1_000,
    halfOpen: { probes: 1 },
  });
  for (let call = 0; call < 5; call++) void breaker.execute(() => new Promise(() => {}));
  await clock.advance(100);
  await expect(breaker.execute(() => 1)).rejects.toMatchObject({ code: 'BREAKER_OPEN', retryAfterMs: 1_000 });
  await clock.advance(1_000);
  expect(await breaker.execute(() => 'well')).toBe('well');
  expect(breaker.state).toBe('closed');
  await breaker.close();
});
