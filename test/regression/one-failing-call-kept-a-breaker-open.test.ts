import { bufferWire, createBreaker } from '@switchgear/breaker';
import { ManualClock } from '@switchgear/breaker/testing';
import { expect, test } from 'vitest';

/** Without live traffic the oldest held call was the probe each time, until its time to live was over. */
test('a held call that always fails does not keep the breaker open for the others', async () => {
  const clock = new ManualClock();
  const wire = bufferWire({ ttlMs: 3_600_000 });
  const breaker = createBreaker('one-bad-call', {
    clock,
    telemetry: 'off',
    cooldownMs: 1_000,
    halfOpen: { probes: 1 },
    neutralWires: [wire],
  });
  const received: number[] = [];
  const send = breaker.protect(async (order: number) => {
    if (order === 1) throw new Error('it always fails');
    received.push(order);
  });
  breaker.trip();
  for (const order of [1, 2, 3]) await send(order);
  await clock.advance(60_000);
  expect(received).toEqual([2, 3]);
  expect(breaker.state).toBe('closed');
  await breaker.close();
});
