import { expect, test } from 'vitest';
import { createBreaker } from '../../src/breaker/index.ts';
import { ManualClock } from '../../src/breaker/testing.ts';

/** Where only errors were recorded, as in Electrician, every good call stayed in flight and was slow after slowMs. */
test('calls of allow that nothing was recorded of do not trip by slowness', async () => {
  const clock = new ManualClock();
  const breaker = createBreaker('allow', { clock, telemetry: 'off' });
  for (let second = 0; second < 60; second++) {
    for (let call = 0; call < 10; call++) expect(breaker.allow()).toBe(true);
    await clock.advance(1_000);
  }
  expect(breaker.state).toBe('closed');
  await breaker.close();
});
