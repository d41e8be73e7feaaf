import { describe, expect, test } from 'vitest';
import { cooldownLengthMs } from '../../../src/breaker/machine/cooldown.ts';
import { counts, DrivenMachine } from './driven-machine.ts';

const full = counts({ executed: 100, failed: 100, slow: 100, consecutive: 100 });

function tripped(patch: ConstructorParameters<typeof DrivenMachine>[0] = {}): DrivenMachine {
  const machine = new DrivenMachine(patch);
  machine.trip();
  return machine;
}

describe('open', () => {
  test('refuses calls and says for how long', () => {
    const machine = tripped();
    expect(machine.at(400).call()).toEqual(['deny 600']);
    expect(machine.at(999.5).call()).toEqual(['deny 0.5']);
    expect(machine.state).toMatchObject({ kind: 'open', until: 1_000 });
  });

  test('turns half-open with the first call after its cooldown, and that call is a probe', () => {
    const machine = tripped().at(1_000);
    expect(machine.call()).toEqual(['open -> half_open (cooldown)', 'probe 0']);
    expect(machine.permits).toEqual([{ generation: 3, lease: 0 }]);
  });

  test('time alone does not turn it half-open: there is no call to probe with', () => {
    const machine = tripped().at(5_000);
    expect(machine.tick()).toEqual([]);
    expect(machine.state.kind).toBe('open');
  });

  test('a trip while open neither trips again nor makes the cooldown longer', () => {
    const machine = tripped().at(900);
    const { state } = machine;
    expect(machine.trip()).toEqual([]);
    expect(machine.state).toBe(state);
  });

  test('what ends or is overdue while open decides nothing, on a permit of any generation', () => {
    const machine = tripped().at(900);
    const { state } = machine;
    for (const permit of [{ generation: 1, lease: null }, machine.permit]) {
      expect(machine.settle({ permit, failed: true, slow: true, counts: full })).toEqual([]);
      expect(machine.settle({ permit, counts: full })).toEqual([]);
      expect(machine.overdue(full, permit)).toEqual([]);
      expect(machine.release(permit)).toEqual([]);
    }
    expect(machine.state).toBe(state);
  });

  test('an operator resets it', () => {
    const machine = tripped().at(10);
    expect(machine.reset()).toEqual(['open -> closed (operator)']);
    expect(machine.state).toEqual({ kind: 'closed', generation: 3, since: 10 });
  });

  test('a new cooldown is for the next trip: this one ends when it was said to end', () => {
    const machine = tripped().configure({ cooldownMs: 50 });
    expect(machine.at(999).call()).toEqual(['deny 1']);
  });
});

describe('a fixed cooldown', () => {
  test('stays as it is, however often it opens again and whatever chance says', () => {
    expect(cooldownLengthMs(250, 0, 0)).toBe(250);
    expect(cooldownLengthMs(250, 9, 0.9)).toBe(250);
  });
});

describe('a growing cooldown', () => {
  const growing = { baseMs: 100, maxMs: 1_000, factor: 3, jitter: 0 };

  test('begins with its base, and each reopening multiplies it', () => {
    expect([0, 1, 2].map((reopenings) => cooldownLengthMs(growing, reopenings, 0.5))).toEqual([100, 300, 900]);
  });

  test('never grows past its longest, after any number of reopenings', () => {
    expect(cooldownLengthMs(growing, 3, 0)).toBe(1_000);
    expect(cooldownLengthMs(growing, 1e6, 0)).toBe(1_000);
  });

  test('leaves the share of jitter to chance: from all of it down to what jitter spares', () => {
    const jittery = { ...growing, jitter: 0.4 };
    expect(cooldownLengthMs(jittery, 1, 0)).toBe(300);
    expect(cooldownLengthMs(jittery, 1, 0.5)).toBeCloseTo(240);
    expect(cooldownLengthMs(jittery, 1, 0.999_999)).toBeCloseTo(180, 2);
  });

  test('is never over at once, even where chance has all of it', () => {
    expect(cooldownLengthMs({ ...growing, jitter: 1 }, 0, 1 - 2 ** -53)).toBeGreaterThan(0);
  });

  test('takes chance off the longest, too, so that breakers do not all come back together', () => {
    expect(cooldownLengthMs({ ...growing, jitter: 1 }, 50, 0.25)).toBe(750);
  });

  test('grows with each failed recovery, and a reset ends that', () => {
    const machine = tripped({ cooldownMs: growing });
    const lengths: number[] = [];
    for (let round = 0; round < 4; round++) {
      const { state } = machine;
      if (state.kind !== 'open') expect.fail(`${state.kind} is not open`);
      expect(state.reopenings).toBe(round);
      lengths.push(state.until - state.since);
      machine.at(state.until).call();
      machine.bad();
    }
    expect(lengths).toEqual([100, 300, 900, 1_000]);
    machine.reset();
    machine.trip();
    expect(machine.state).toMatchObject({ reopenings: 0, until: machine.now + 100 });
  });

  test('begins anew after good probes, as after a reset by hand', () => {
    const machine = tripped({ cooldownMs: growing, halfOpen: { probes: 1 } });
    machine.at(100).call();
    machine.bad();
    machine.at(400).call();
    expect(machine.good()).toEqual(['half_open -> closed (probes_passed)']);
    machine.trip();
    expect(machine.state).toMatchObject({ reopenings: 0, until: 500 });
  });

  test('grows with a trip by an operator while half-open as well', () => {
    const machine = tripped({ cooldownMs: growing });
    machine.at(100).call();
    machine.trip();
    expect(machine.state).toMatchObject({ reopenings: 1, until: 400 });
  });

  test('is drawn with the chance of the moment of the trip', () => {
    const machine = new DrivenMachine({ cooldownMs: { ...growing, jitter: 1 } });
    machine.chance = 0.75;
    machine.trip();
    expect(machine.state).toMatchObject({ until: 25 });
  });
});
