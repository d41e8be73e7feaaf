import { expect, test } from 'vitest';
import { createBreaker, type Override } from '../../src/breaker/index.ts';
import { ManualClock } from '../../src/breaker/testing.ts';

/** Only the form of the expiry was checked: a mode that does not exist made every call fail from then on. */
test('an override with a bad mode, or one that has run out, is refused and changes nothing', async () => {
  const clock = new ManualClock();
  const breaker = createBreaker('bad-override', { clock, telemetry: 'off' });
  const expiresAt = new Date(clock.wallMs() + 1_000).toISOString();
  const ajar = { mode: 'ajar', reason: 'why', actor: 'who', expiresAt } as unknown as Override;
  expect(() => breaker.holdIn(ajar)).toThrow(/`mode` must be one of/);
  const over = { mode: 'forced_open', reason: 'why', actor: 'who', expiresAt: '2020-01-01T00:00:00Z' } as const;
  expect(() => breaker.holdIn(over)).toThrow(/`expiresAt` must be in the future/);
  expect(await breaker.execute(() => 'through')).toBe('through');
  await breaker.close();
});
