import { createBreaker, type NeutralWire, WireTimeoutError } from '@switchgear/breaker';
import { ManualClock } from '@switchgear/breaker/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';

const unhandled: unknown[] = [];
const note = (reason: unknown) => unhandled.push(reason);

beforeEach(() => process.on('unhandledRejection', note));
afterEach(() => process.off('unhandledRejection', note));

test('what a wire gives too late is let go, whatever it is', async () => {
  const clock = new ManualClock();
  const late = Promise.withResolvers<never>();
  const wire: NeutralWire = { name: 'odd', kind: 'fallback', take: () => late.promise };
  const breaker = createBreaker('odd', { clock, neutralWires: [wire], wireTimeoutMs: 100, telemetry: 'off' });
  breaker.trip();
  const call = breaker.execute(() => 'live');
  const refused = expect(call).rejects.toMatchObject({ causes: [expect.any(WireTimeoutError)] });
  await clock.advance(100);
  await refused;
  late.resolve(undefined as never);
  await new Promise((resolve) => setImmediate(resolve));
  expect(unhandled).toEqual([]);
  await breaker.close();
});
