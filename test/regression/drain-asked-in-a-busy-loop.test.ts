import { expect, test } from 'vitest';
import { bufferWire, createBreaker } from '../../src/breaker/index.ts';
import { ManualClock } from '../../src/breaker/testing.ts';

class CountingClock extends ManualClock {
  armed = 0;

  override timer(delayMs: number, run: () => void) {
    this.armed += 1;
    // One that runs at once and arms itself again would never let time pass.
    return super.timer(Math.max(1, delayMs), run);
  }
}

/** The concurrency limit was full, which said to come back in 0 ms: a timer every millisecond for as long as it was. */
test('a drain that finds the concurrency limit full asks again at its pace', async () => {
  const clock = new CountingClock();
  const wire = bufferWire({ drainPerSecond: 10 });
  const breaker = createBreaker('full', { clock, telemetry: 'off', maxConcurrent: 1, neutralWires: [wire] });
  const replayed: number[] = [];
  const call = breaker.protect(async (input: number) => void replayed.push(input));
  const busy = breaker.acquire();
  breaker.trip();
  await call(1);
  breaker.reset();
  const before = clock.armed;
  await clock.advance(1_000);
  expect(clock.armed - before).toBeLessThanOrEqual(11);
  expect(replayed).toEqual([]);
  busy?.release();
  await clock.advance(100);
  expect(replayed).toEqual([1]);
  await breaker.close();
});
