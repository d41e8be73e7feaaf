import { expect, test } from 'vitest';
import { WallTimes } from '../../../src/breaker/neutral/wall-times.ts';
import { ManualClock } from '../../../src/breaker/testing.ts';

class CountingClock extends ManualClock {
  readings = 0;
  set = 0;

  override wallMs(): number {
    this.readings += 1;
    return super.wallMs() + this.set;
  }
}

test('the wall time of a monotonic time costs a reading once in a while, and follows a clock that was set', async () => {
  const clock = new CountingClock(1_000_000);
  const times = new WallTimes(clock);
  expect(times.at(0)).toBe(1_000_000);
  await clock.advance(10);
  expect(times.at(10)).toBe(1_000_010);
  expect(times.at(4)).toBe(1_000_004);
  expect(clock.readings).toBe(1);
  clock.set = 3_600_000;
  await clock.advance(1);
  expect(times.at(11)).toBe(4_600_011);
  // Long before: the distance of the clocks is that of now.
  await clock.advance(50);
  expect(times.at(5)).toBe(4_600_005);
});
