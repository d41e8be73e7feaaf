import { expect, test } from 'vitest';
import { createBreaker, fallbackWire } from '../../src/breaker/index.ts';
import { ManualClock } from '../../src/breaker/testing.ts';

/** A late failure that a hung probe was noticed by was told as what tripped the breaker, and diverted as such. */
test('a failure from before the trip is not what opens the breaker again', async () => {
  const clock = new ManualClock();
  const breaker = createBreaker('late', {
    clock,
    telemetry: 'off',
    cooldownMs: 1_000,
    halfOpen: { probes: 1, probeTimeoutMs: 100 },
    neutralWires: [fallbackWire(() => 'stale')],
  });
  const tripped: boolean[] = [];
  breaker.onFailure((failure) => tripped.push(failure.tripped));
  const late = Promise.withResolvers<never>();
  const call = breaker.execute(() => late.promise);
  breaker.trip();
  await clock.advance(1_000);
  breaker.acquire();
  await clock.advance(100);
  const error = new Error('late');
  late.reject(error);
  await expect(call).rejects.toBe(error);
  expect(breaker.state).toBe('open');
  expect(tripped).toEqual([false]);
  await breaker.close();
});
