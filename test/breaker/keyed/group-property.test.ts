import { CALL_OUTCOMES } from '@switchgear/conventions';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type BreakerReadings, type CallPermit, keyedBreakers } from '../../../src/breaker/index.ts';
import { ManualClock, RecordingObserver } from '../../../src/breaker/testing.ts';
import { runs } from '../../property/runs.ts';
import { GroupModel, type ModelBreaker } from './group-model.ts';

const COOLDOWN_MS = 700;
const IDLE_MS = 1_000;

interface Step {
  readonly do: 'ask' | 'call' | 'fail' | 'start' | 'end' | 'trip' | 'reset' | 'wait' | 'look';
  /** The key, and in steps of 50 ms how long to wait. */
  readonly n: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  do: fc.constantFrom('ask', 'ask', 'call', 'fail', 'start', 'start', 'end', 'trip', 'trip', 'reset', 'wait', 'look'),
  n: fc.integer({ min: 0, max: 11 }),
});

let made = 0;

/** Runs the steps on a group and on its model side by side. */
async function run(maxBreakers: number, steps: readonly Step[]) {
  const clock = new ManualClock();
  let readings: BreakerReadings | undefined;
  const added = (group: BreakerReadings) => {
    readings = group;
  };
  const group = keyedBreakers(`property-group-${++made}`, {
    clock,
    telemetry: { ...new RecordingObserver(), added },
    maxBreakers,
    idleMs: IDLE_MS,
    trip: { failureRatio: null, slowRatio: null, slowMs: null, countOverdue: false, failures: 1_000_000 },
    cooldownMs: COOLDOWN_MS,
  });
  const model = new GroupModel(maxBreakers, IDLE_MS);
  const counted = { success: 0, failure: 0, rejected: 0 };
  const flights: { readonly permit: CallPermit; readonly of: ModelBreaker }[] = [];
  let before = CALL_OUTCOMES.map(() => 0);

  for (const { do: what, n } of steps) {
    const key = `key-${n}`;
    const now = clock.monotonicMs();
    if (what === 'wait') await clock.advance(n * 50);
    else if (what === 'end') {
      const [flight] = flights.splice(n % Math.max(1, flights.length), 1);
      if (!flight) continue;
      flight.permit.recordSuccess();
      flight.of.inFlight -= 1;
      counted.success += 1;
    } else if (what !== 'look') {
      const breaker = group.get(key);
      const expected = model.get(key, now);
      if (what === 'trip') {
        if (breaker.trip()) expected.openUntil = now + COOLDOWN_MS;
      } else if (what === 'reset') {
        breaker.reset();
        expected.openUntil = undefined;
      } else if (expected.openUntil !== undefined) {
        // Before the cooldown is over; a call after it would be a probe, which the model knows nothing of.
        if (expected.openUntil > now && what === 'call') {
          await expect(breaker.execute(() => 'good')).rejects.toMatchObject({ code: 'BREAKER_OPEN' });
          counted.rejected += 1;
        }
      } else if (what === 'call' || what === 'fail') {
        const ends = what === 'call' ? () => 'good' : () => Promise.reject(new Error('bad'));
        await breaker.execute(ends).catch(() => undefined);
        counted[what === 'call' ? 'success' : 'failure'] += 1;
      } else if (what === 'start' && flights.length < maxBreakers) {
        flights.push({ permit: breaker.acquire()!, of: expected });
        expected.inFlight += 1;
      }
      expect(group.get(key)).toBe(breaker);
    }
    // Only now and then: it evicts what is idle, and a group must do without.
    if (what === 'look') {
      model.tidy(clock.monotonicMs());
      expect([...group.keys()].sort()).toEqual(model.breakers.map((breaker) => breaker.key).sort());
      const open = model.breakers.filter(({ openUntil }) => openUntil !== undefined).length;
      const closed = model.breakers.length - open;
      expect(readings!.states!()).toEqual({ ...(open > 0 && { open }), ...(closed > 0 && { closed }) });
      const calls = CALL_OUTCOMES.map((outcome) => readings!.calls(outcome));
      expect(calls.every((count, index) => count >= before[index]!)).toBe(true);
      before = calls;
      expect(group.stats().calls).toMatchObject(counted);
      expect(readings!.activeCalls()).toBe(flights.length);
      expect(readings!.durations('success').counts.reduce((sum, count) => sum + count)).toBe(counted.success);
    }
  }
  model.tidy(clock.monotonicMs());
  expect(group.size).toBe(model.breakers.length);
  expect(group.size).toBeLessThanOrEqual(maxBreakers);
  await group.close();
}

test('a group evicts as a plain list would, and its sums never go down', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 8 }), fc.array(step, { minLength: 1, maxLength: 80 }), run),
    { numRuns: runs(400) },
  );
});
