import { createBreaker } from '@switchgear/breaker';
import { afterEach, expect, test, vi } from 'vitest';

afterEach(() => vi.useRealTimers());

test('under the fake timers of a test tool cooldowns end and windows slide', async () => {
  vi.useFakeTimers();
  const breaker = createBreaker('faked', { telemetry: 'off', trip: { failures: 2 }, cooldownMs: 5_000 });
  const fail = () => breaker.execute(() => Promise.reject(new Error('unwell'))).catch(() => undefined);
  await fail();
  await vi.advanceTimersByTimeAsync(11_000);
  expect(breaker.exportState().window.failed).toBe(0);
  await fail();
  await fail();
  expect(breaker.state).toBe('open');
  await vi.advanceTimersByTimeAsync(5_000);
  await breaker.execute(() => 'well');
  expect(breaker.state).toBe('half_open');
  await breaker.close();
});
