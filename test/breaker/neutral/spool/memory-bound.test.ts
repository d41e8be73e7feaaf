import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { bufferWire } from '../../../../src/breaker/index.ts';
import { makeBreaker } from '../../support.ts';
import { RULES } from '../support.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
const CALLS = 20_000;

test('a call in memory takes at most the 1 KiB beside its input that the page states', async () => {
  const wire = bufferWire({ capacity: CALLS, sizeOf: () => 8 });
  const { breaker } = makeBreaker({ ...RULES, telemetry: 'off', neutralWires: [wire] });
  const call = breaker.protect(async (input: number) => input);
  breaker.trip();
  await call(0);
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  for (let input = 1; input < CALLS; input++) await call(input, { key: `customer ${input}` });
  collectGarbage();
  const bytesPerCall = (process.memoryUsage().heapUsed - before) / CALLS;
  expect(wire.load()).toMatchObject({ depth: CALLS, sizeBytes: CALLS * 8 });
  expect(bytesPerCall).toBeGreaterThan(100);
  expect(bytesPerCall).toBeLessThan(1_024);
  await breaker.close();
});
