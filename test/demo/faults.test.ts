import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { FaultRunner, type PlannedFault, planFaults } from '../../src/demo/faults.ts';
import { FAULTS, type FaultName } from '../../src/demo/messages.ts';

describe('the plan of faults', () => {
  test('a minute has every fault, and one at a time', () => {
    const plan = [...planFaults(60_000, null)];
    expect(new Set(plan.map(({ fault }) => fault))).toEqual(new Set(Object.keys(FAULTS)));
    for (const [index, { beginMs, endMs }] of plan.entries()) {
      expect(endMs).toBeGreaterThan(beginMs);
      if (index > 0) expect(beginMs - plan[index - 1]!.endMs).toBeGreaterThanOrEqual(2_000);
    }
  });

  test.each([12, 25, 60, 3_600])('a run of %i s ends with time to recover', (seconds) => {
    for (const seed of [null, 1, 2, 3]) {
      const plan = [...planFaults(seconds * 1_000, seed)];
      for (const { endMs } of plan) expect(seconds * 1_000 - endMs).toBeGreaterThanOrEqual(7_000);
    }
  });

  test('the shortest run still has the errors of payments', () => {
    expect([...planFaults(12_000, null)]).toEqual([{ fault: 'payments-errors', beginMs: 2_000, endMs: 5_000 }]);
  });

  test('the same seed gives the same plan, another one another', () => {
    expect([...planFaults(120_000, 7)]).toEqual([...planFaults(120_000, 7)]);
    expect([...planFaults(120_000, 7)]).not.toEqual([...planFaults(120_000, 8)]);
  });

  test('without an end it goes on, every fault once a round', () => {
    const plan = planFaults(null, 5);
    const rounds = Array.from({ length: 100 }, () => (plan.next().value as PlannedFault).fault);
    for (let round = 0; round < 20; round++) expect(new Set(rounds.slice(round * 5, round * 5 + 5)).size).toBe(5);
  });
});

describe('the runner of faults', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test('switches each on and off in its time', () => {
    const { switched, runner } = start();
    vi.advanceTimersByTime(2_000);
    expect(switched).toEqual(['payments-errors on']);
    expect(runner.active).toBe('payments-errors');
    vi.advanceTimersByTime(3_000);
    expect(switched).toEqual(['payments-errors on', 'payments-errors off']);
    vi.advanceTimersByTime(60_000);
    expect(switched).toHaveLength(4);
    expect(runner.active).toBeUndefined();
  });

  test('stopped in a fault, it ends that fault and begins no more', () => {
    const { switched, runner } = start();
    vi.advanceTimersByTime(2_500);
    runner.stop();
    vi.advanceTimersByTime(60_000);
    expect(switched).toEqual(['payments-errors on', 'payments-errors off']);
  });

  function start() {
    const switched: string[] = [];
    const runner = new FaultRunner(planFaults(20_000, null), (fault: FaultName, active) =>
      switched.push(`${fault} ${active ? 'on' : 'off'}`),
    );
    runner.start();
    return { switched, runner };
  }
});
