import { expect, test } from 'vitest';
import { bufferWire, createBreaker, findBreaker, onBreakerAdded, onBreakerRemoved } from '../../src/breaker/index.ts';

function throws(): never {
  throw new Error('a bad listener');
}

/** createBreaker threw after it had registered the breaker, and close() ended half-way. */
test('a listener for breakers that throws harms neither their making nor their end', async () => {
  const off = [onBreakerAdded(throws), onBreakerRemoved(throws)];
  const breaker = createBreaker('listened-to', { telemetry: 'off', neutralWires: [bufferWire()] });
  expect(findBreaker('listened-to')).toBe(breaker);
  await breaker.close();
  expect(findBreaker('listened-to')).toBeUndefined();
  for (const end of off) end();
});
