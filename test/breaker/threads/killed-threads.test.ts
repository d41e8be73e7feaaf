import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { BreakerOptions } from '../../../src/breaker/index.ts';
import { Crew, Member, sumOf } from './crew.ts';
import { BAD, GOOD, type Sight, STOP } from './orders.ts';

const KILLED = 20;
/** Failing all the time, it decides all the time: open, half-open for a probe that fails, and open again. */
const RESTLESS = {
  trip: { failureRatio: null, failures: 3, slowRatio: null },
  cooldownMs: 1,
  halfOpen: { probes: 2, probeTimeoutMs: 50 },
} as const satisfies BreakerOptions;

/** Many threads on few processors take their time to start. */
const PATIENCE_MS = 60_000;

let steady: Member[];
let victims: Member[];
beforeAll(async () => {
  steady = await Member.all(2);
  victims = await Member.all(KILLED);
}, PATIENCE_MS);
afterAll(() => Promise.all([...steady, ...victims].map((member) => member.dismiss())));

let crew: Crew;
afterEach(() => crew.breaker.close());

describe('a thread killed in the middle of its calls', () => {
  test('holds up nobody: the others call and decide on, and trip and reset work', {
    timeout: PATIENCE_MS,
  }, async () => {
    crew = new Crew('survivor', RESTLESS);
    await crew.take(steady);
    crew.setMode(BAD);
    const work = crew.ask({ task: 'work' });

    for (const victim of victims) {
      await victim.ask({ task: 'attach', contract: crew.contract });
      void victim.ask({ task: 'work' });
      await crew.calls(1 + Math.floor(Math.random() * 500));
      await victim.dismiss();
      const { generation } = crew.breaker;
      // Each of these passes through open again, so none of them waits for the dead.
      while (crew.breaker.generation < generation + 4) await crew.calls(1);
    }
    crew.setMode(STOP);
    const { failure, success, rejected } = sumOf(await work);

    const { calls } = crew.breaker.stats();
    expect(success + calls.success).toBe(0);
    expect(calls.failure).toBeGreaterThanOrEqual(failure);
    expect(calls.rejected).toBeGreaterThanOrEqual(rejected);
    // Each of the dead may have left its last call behind, and what it decided last untold.
    expect(crew.readings.activeCalls()).toBeLessThanOrEqual(KILLED);
    const decided = crew.breaker.generation - 1;
    await crew.observer.when((records) => records.length >= decided - KILLED);

    crew.breaker.reset();
    expect(crew.breaker.state).toBe('closed');
    crew.setMode(GOOD);
    const more = crew.ask({ task: 'work' });
    await crew.calls(1_000);
    crew.setMode(STOP);
    expect(sumOf(await more).rejected).toBe(0);
    expect(crew.breaker.trip()).toBe(true);
    const { generation: tripped } = crew.breaker;
    const sights = await crew.ask<{ task: 'look' }, Sight>({ task: 'look' });
    for (const { generation } of sights) expect(generation).toBeGreaterThanOrEqual(tripped);
  });
});
