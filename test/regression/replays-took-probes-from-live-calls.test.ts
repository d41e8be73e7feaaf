import { bufferWire, createBreaker } from '@switchgear/breaker';
import { ManualClock } from '@switchgear/breaker/testing';
import { expect, test } from 'vitest';

/** A second after the cooldown held calls probed, whether or not live calls did. */
test('no held call probes while live calls do', async () => {
  const clock = new ManualClock();
  const breaker = createBreaker('live-probes', {
    clock,
    telemetry: 'off',
    cooldownMs: 1_000,
    halfOpen: { probes: 10 },
    neutralWires: [bufferWire()],
  });
  let replayed = 0;
  const send = breaker.protect(async () => {
    replayed += 1;
  });
  breaker.trip();
  for (let order = 0; order < 5; order++) await send(undefined);
  await clock.advance(1_000);
  for (let call = 0; call < 9; call++) {
    await breaker.execute(() => 'good');
    await clock.advance(500);
  }
  expect(breaker.state).toBe('half_open');
  expect(replayed).toBe(0);
  await breaker.close();
});
