import { createBreaker } from '@switchgear/breaker';
import { ManualClock } from '@switchgear/breaker/testing';
import { expect, test } from 'vitest';

test('a permit that nobody recorded does not take the record of the probe for ever', async () => {
  const clock = new ManualClock();
  const breaker = createBreaker('stale-permit', {
    clock,
    telemetry: 'off',
    cooldownMs: 1_000,
    halfOpen: { probes: 1, probeTimeoutMs: 500 },
  });
  breaker.allow(); // its caller never tells
  breaker.trip();
  await clock.advance(1_000);
  expect(breaker.allow()).toBe(true);
  breaker.recordSuccess();
  expect(breaker.state).toBe('closed');
  expect(breaker.stats().calls).toMatchObject({ success: 1, cancelled: 1 });
  await breaker.close();
});
