import { bufferWire, createBreaker } from '@switchgear/breaker';
import { ManualClock } from '@switchgear/breaker/testing';
import { expect, test } from 'vitest';

test('a held call that probes through a long outage is replayed when it ends', async () => {
  const clock = new ManualClock();
  let isDown = true;
  const received: number[] = [];
  const breaker = createBreaker('long-outage', {
    clock,
    telemetry: 'off',
    trip: { failures: 1 },
    cooldownMs: 1_000,
    halfOpen: { probes: 1 },
    neutralWires: [bufferWire({ maxAttempts: 3 })],
  });
  const send = breaker.protect(async (order: number) => {
    if (isDown) throw new Error('down');
    received.push(order);
  });
  await send(1);
  await send(2);
  // Twenty cooldowns: each ends in a failed probe, made by the oldest held call.
  await clock.advance(40_000);
  expect(breaker.stats().wires[0]).toMatchObject({ buffered: 2, depth: 2, dropped: 0, replayed: 0 });
  expect(breaker.stats().wires[0]?.retried).toBeGreaterThan(3);

  isDown = false;
  await clock.advance(5_000);
  expect(received).toEqual([1, 2]);
  expect(breaker.stats().wires[0]).toMatchObject({ replayed: 2, depth: 0, dropped: 0 });
  await breaker.close();
});
