import { expect, test } from 'vitest';
import { bufferWire, createBreaker } from '../../src/breaker/index.ts';
import { ManualClock } from '../../src/breaker/testing.ts';

/** The drops were read before the depth, whose reading is what gives up an expired call: it was in neither. */
test('a call that expires as the numbers are read is among the dropped', async () => {
  const clock = new ManualClock();
  const breaker = createBreaker('expires', { clock, telemetry: 'off', neutralWires: [bufferWire({ ttlMs: 1_500 })] });
  breaker.trip();
  await breaker.protect(async () => 1)(1);
  await clock.advance(1_500);
  expect(breaker.stats().wires[0]).toMatchObject({ buffered: 1, dropped: 1, depth: 0 });
  await breaker.close();
});
