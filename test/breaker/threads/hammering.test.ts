import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { BreakerOptions } from '../../../src/breaker/index.ts';
import { Crew, Member, sumOf } from './crew.ts';
import { BAD, GOOD, MOST_OUT, OUT, PROBES, type Sight, STOP } from './orders.ts';

const THREADS = 8;
const FAILURES = 50;
const QUICK = {
  trip: { failureRatio: null, failures: FAILURES, slowRatio: null, windowMs: 60_000 },
  cooldownMs: 1,
  halfOpen: { probes: 3, probeTimeoutMs: 10_000 },
} as const satisfies BreakerOptions;
const HELD_OPEN = { ...QUICK, cooldownMs: 3_600_000 } as const satisfies BreakerOptions;

/** Many threads on few processors take their time. */
const PATIENCE_MS = 60_000;

let members: Member[];
beforeAll(async () => {
  members = await Member.all(THREADS);
}, PATIENCE_MS);
afterAll(() => Promise.all(members.map((member) => member.dismiss())));

let crew: Crew;
afterEach(() => crew.breaker.close());

describe('eight threads at full speed', { timeout: PATIENCE_MS }, () => {
  test('lose no count and publish each transition once', async () => {
    crew = new Crew('hammered', QUICK);
    await crew.take(members);

    const tallies = await crew.ask({ task: 'hammer', calls: 100_000, every: 5_000, burst: 500 });

    const { success, failure, rejected } = sumOf(tallies);
    expect(success + failure + rejected).toBe(THREADS * 100_000);
    expect(failure).toBeGreaterThan(FAILURES);
    expect(rejected).toBeGreaterThan(0);
    const { calls, transitions } = crew.breaker.stats();
    expect(calls).toEqual({
      ...{ success, failure, rejected },
      ...{ timeout: 0, ignored: 0, cancelled: 0, limited: 0, diverted: 0 },
    });
    expect(crew.readings.activeCalls()).toBe(0);

    await crew.heardAll();
    const { records } = crew.observer;
    const generations = records.map(({ generation }) => generation).sort((one, other) => one - other);
    expect(generations.length).toBeGreaterThan(3);
    expect(generations).toEqual(generations.map((_, index) => index + 2));
    expect(transitions.reduce((sum, { count }) => sum + count, 0)).toBe(generations.length);
    for (const { state, reason, count } of transitions) {
      expect(records.filter((record) => record.to === state && record.reason === reason)).toHaveLength(count);
    }
    const { executed, failed } = crew.readings.window();
    expect(executed).toBeGreaterThanOrEqual(failed);
    expect(failed).toBeGreaterThanOrEqual(0);
    expect(executed).toBeLessThanOrEqual(success + failure);
  });

  test('trip once, together, each time that they all begin to fail', async () => {
    crew = new Crew('in-step', HELD_OPEN);
    const heard: string[] = [];
    crew.breaker.onTransition(({ to, reason }) => heard.push(`${to} by ${reason}`));
    await crew.take(members);

    for (let round = 1; round <= 5; round++) {
      crew.setMode(GOOD);
      const work = crew.ask({ task: 'work' });
      await crew.calls(500);
      crew.setMode(BAD);
      await crew.heard(2 * round);
      await crew.calls(2_000);
      crew.setMode(STOP);
      await work;
      const sights = await crew.ask<{ task: 'look' }, Sight>({ task: 'look' });
      for (const { state, generation } of sights)
        expect({ state, generation }).toEqual({ state: 'open', generation: 2 * round });
      expect(crew.breaker.reset()).toBe(true);
    }

    await crew.heardAll();
    expect(heard).toEqual(Array(5).fill(['open by threshold', 'closed by operator']).flat());
    expect(crew.observer.records.map(({ to }) => to)).toEqual(Array(5).fill(['open', 'closed']).flat());
    for (const { window, to } of crew.observer.records) {
      if (to === 'open') expect(window.failed).toBeGreaterThanOrEqual(FAILURES);
    }
    const sights = await crew.ask<{ task: 'look' }, Sight>({ task: 'look' });
    for (const { state, generation, published } of sights) {
      expect({ state, generation, published }).toEqual({ state: 'closed', generation: 11, published: 0 });
    }
  });

  test('trip again only on failures of after the reset', async () => {
    // So many that a trip by those of before would show against the few that end late.
    const failures = 2_000;
    crew = new Crew('reset-while-failing', { ...HELD_OPEN, trip: { ...HELD_OPEN.trip, failures } });
    await crew.take(members);
    crew.setMode(BAD);
    const work = crew.ask({ task: 'work' });

    for (let round = 1; round <= 30; round++) {
      await crew.heard(2 * round);
      expect(crew.breaker.reset()).toBe(true);
    }
    crew.setMode(STOP);
    const { failure } = sumOf(await work);

    await crew.heardAll();
    const trips = crew.observer.records.filter(({ to }) => to === 'open').length;
    expect(trips).toBeGreaterThanOrEqual(30);
    expect(failure).toBeGreaterThanOrEqual(trips * failures);
  });

  test('never have more probes out than are asked for, and close with exactly these', async () => {
    crew = new Crew('probed', QUICK);
    await crew.take(members);

    for (let round = 1; round <= 10; round++) {
      expect(crew.breaker.trip()).toBe(true);
      await crew.ask({ task: 'probe' });
      expect(crew.breaker.state).toBe('closed');
      expect(Atomics.load(crew.steering, PROBES)).toBe(3 * round);
      expect(Atomics.load(crew.steering, OUT)).toBe(0);
    }

    expect(Atomics.load(crew.steering, MOST_OUT)).toBeLessThanOrEqual(3);
    await crew.heardAll();
    // Of two threads that decide one after the other, the second may be heard first.
    const inOrder = [...crew.observer.records].sort((one, other) => one.generation - other.generation);
    expect(inOrder.map(({ to }) => to)).toEqual(Array(10).fill(['open', 'half_open', 'closed']).flat());
    expect(crew.readings.activeCalls()).toBe(0);
  });
});
