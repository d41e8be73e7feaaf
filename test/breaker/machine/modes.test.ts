import { describe, expect, test } from 'vitest';
import type { RestoredState } from '../../../src/breaker/machine/state.ts';
import { POSSIBLE_TRANSITIONS } from '../../../src/breaker/machine/transition.ts';
import { counts, DrivenMachine } from './driven-machine.ts';

const HELD = ['forced_open', 'disabled', 'shadow'] as const;
const full = counts({ executed: 100, failed: 100, slow: 100, consecutive: 100 });

function held(mode: (typeof HELD)[number], patch: ConstructorParameters<typeof DrivenMachine>[0] = {}): DrivenMachine {
  const machine = new DrivenMachine(patch).at(50);
  machine.mode(mode);
  return machine;
}

describe('any mode', () => {
  test('takes hold of a breaker in every state', () => {
    for (const mode of HELD) {
      const closed = new DrivenMachine();
      expect(closed.mode(mode)).toEqual([`closed -> ${mode} (operator)`]);
      const open = new DrivenMachine();
      open.trip();
      expect(open.mode(mode)).toEqual([`open -> ${mode} (operator)`]);
      expect(new DrivenMachine().halfOpenAt(0).mode(mode)).toEqual([`half_open -> ${mode} (operator)`]);
    }
    expect(held('shadow').mode('disabled')).toEqual(['shadow -> disabled (operator)']);
  });

  test('is a state with a generation and a time of its own', () => {
    expect(held('forced_open').state).toEqual({ kind: 'forced_open', generation: 2, since: 50 });
    expect(held('disabled').state).toEqual({ kind: 'disabled', generation: 2, since: 50 });
    expect(held('shadow').state).toEqual({ kind: 'shadow', generation: 2, since: 50, quietUntil: 50 });
  });

  test('has no trips and no resets', () => {
    for (const mode of HELD) {
      const machine = held(mode);
      const { state } = machine;
      expect(machine.trip()).toEqual([]);
      expect(machine.reset()).toEqual([]);
      expect(machine.state).toBe(state);
    }
  });

  test('is not left by time alone', () => {
    for (const mode of HELD) expect(held(mode).at(1e12).tick()).toEqual([]);
  });

  test('the same mode again, and auto where nothing is held, change nothing', () => {
    const shadow = held('shadow');
    const { state } = shadow;
    expect(shadow.mode('shadow')).toEqual([]);
    expect(shadow.state).toBe(state);
    const closed = new DrivenMachine();
    expect(closed.mode('auto')).toEqual([]);
    const open = new DrivenMachine();
    open.trip();
    expect(open.mode('auto')).toEqual([]);
    expect(new DrivenMachine().halfOpenAt(0).mode('auto')).toEqual([]);
  });
});

describe('forced open', () => {
  test('refuses all calls, without a time to come back at', () => {
    expect(held('forced_open').at(1e12).call()).toEqual(['deny null']);
  });

  test('what ends meanwhile decides nothing', () => {
    const machine = held('forced_open');
    expect(machine.settle({ failed: true, slow: true, counts: full })).toEqual([]);
    expect(machine.overdue(full)).toEqual([]);
  });

  test('released, it probes before traffic returns, and knows of no reopenings', () => {
    const machine = new DrivenMachine().halfOpenAt(0);
    machine.bad();
    machine.mode('forced_open');
    expect(machine.at(60).mode('auto')).toEqual(['forced_open -> half_open (operator)']);
    expect(machine.state).toMatchObject({ kind: 'half_open', since: 60, reopenings: 0, good: 0, leases: [] });
    expect(machine.call()).toEqual(['probe 0']);
  });
});

describe('disabled', () => {
  test('lets all through and judges nothing', () => {
    const machine = held('disabled', { trip: { failures: 1, consecutive: 1, slowRatio: 0.1, slowMs: 1 } });
    expect(machine.call()).toEqual(['admit']);
    expect(machine.settle({ failed: true, slow: true, counts: full })).toEqual([]);
    expect(machine.overdue(full)).toEqual([]);
  });

  test('released, it is closed', () => {
    const machine = held('disabled');
    expect(machine.at(90).mode('auto')).toEqual(['disabled -> closed (operator)']);
    expect(machine.state).toEqual({ kind: 'closed', generation: 3, since: 90 });
  });
});

describe('shadow', () => {
  test('lets all through', () => {
    const machine = held('shadow');
    machine.settle({ failed: true, counts: full });
    expect(machine.call()).toEqual(['admit']);
    expect(machine.state.generation).toBe(2);
  });

  test('reports a trip where a closed breaker would trip, for the same reason and with the window', () => {
    const machine = held('shadow', { trip: { consecutive: 3, slowRatio: 0.5, slowMs: 1 } });
    const window = counts({ executed: 3, failed: 3, consecutive: 3 });
    const verdict = { permit: machine.permit, failed: true, slow: false, overdueStep: undefined, counts: window };
    expect(machine.decide({ type: 'settled', ...verdict }).effects).toEqual([
      { type: 'shadow_trip', reason: 'consecutive', counts: window },
    ]);
    expect(machine.settle({ counts: full })).toEqual([]);
    expect(machine.overdue(counts({ executed: 4, slow: 2 }))).toEqual(['shadow trip (slow)']);
  });

  test('is then quiet for a cooldown, at whose end it reports again', () => {
    const machine = held('shadow').at(60);
    expect(machine.settle({ failed: true, counts: full })).toEqual(['shadow trip (threshold)']);
    expect(machine.at(1_059).settle({ failed: true, counts: full })).toEqual([]);
    expect(machine.at(1_060).settle({ failed: true, counts: full })).toEqual(['shadow trip (threshold)']);
    expect(machine.at(1_061).settle({ failed: true, counts: full })).toEqual([]);
  });

  test('is quiet for the first length of a growing cooldown each time, less its chance', () => {
    const machine = held('shadow', { cooldownMs: { baseMs: 100, maxMs: 900, factor: 3, jitter: 1 } });
    machine.chance = 0.2;
    for (const now of [100, 180, 260]) {
      expect(machine.at(now).settle({ failed: true, counts: full })).toEqual(['shadow trip (threshold)']);
      expect(machine.state).toMatchObject({ quietUntil: now + 80 });
    }
  });

  test('released, it is closed', () => {
    expect(held('shadow').mode('auto')).toEqual(['shadow -> closed (operator)']);
  });
});

describe('a state restored from another process', () => {
  const restore = (machine: DrivenMachine, state: RestoredState) => machine.feed({ type: 'restore', state });

  test('is taken up silently, in a generation of its own', () => {
    const machine = new DrivenMachine().at(70);
    machine.call();
    expect(restore(machine, { kind: 'closed' })).toEqual([]);
    expect(machine.state).toEqual({ kind: 'closed', generation: 2, since: 70 });
    expect(machine.settle({ failed: true, counts: full })).toEqual([]);
  });

  test('open: for the rest of its cooldown, with the reopenings it had', () => {
    const machine = new DrivenMachine({ cooldownMs: { baseMs: 100, maxMs: 900, factor: 2, jitter: 0 } }).at(70);
    expect(restore(machine, { kind: 'open', reopenings: 2, remainingMs: 30 })).toEqual([]);
    expect(machine.state).toEqual({ kind: 'open', generation: 2, since: 70, reopenings: 2, until: 100 });
    expect(machine.at(99).call()).toEqual(['deny 1']);
    expect(machine.at(100).call()).toEqual(['open -> half_open (cooldown)', 'probe 0']);
    machine.bad();
    expect(machine.state).toMatchObject({ reopenings: 3, until: 900 });
  });

  test('a mode of its own: it is in that, and what is out decides nothing', () => {
    for (const kind of ['disabled', 'shadow'] as const) {
      const machine = new DrivenMachine().at(70);
      machine.call();
      expect(restore(machine, { kind })).toEqual([]);
      expect(machine.state).toMatchObject({ kind, generation: 2, since: 70 });
      expect(machine.settle({ failed: true, counts: full })).toEqual([]);
    }
  });

  test('half-open: it probes anew, with the reopenings it had', () => {
    const machine = new DrivenMachine().at(70);
    expect(restore(machine, { kind: 'half_open', reopenings: 4 })).toEqual([]);
    expect(machine.state).toMatchObject({
      kind: 'half_open',
      generation: 2,
      since: 70,
      reopenings: 4,
      step: 0,
      good: 0,
    });
    expect(machine.call()).toEqual(['probe 0']);
  });

  test('takes the place of any state, a held one too', () => {
    expect(restore(held('forced_open'), { kind: 'closed' })).toEqual([]);
    const probing = new DrivenMachine().halfOpenAt(0);
    restore(probing, { kind: 'half_open', reopenings: 0 });
    expect(probing.state).toMatchObject({ leases: [], generation: 4 });
    expect(probing.bad()).toEqual([]);
  });
});

describe('the list of possible transitions', () => {
  test('names each once', () => {
    const named = POSSIBLE_TRANSITIONS.map(([state, reason]) => `${state} ${reason}`);
    expect(new Set(named).size).toBe(named.length);
  });

  test('has what trips, recovery, operators and the desired state can make of a breaker, and nothing else', () => {
    const byHand = (['operator', 'desired_state'] as const).flatMap((reason) =>
      (['open', 'half_open', 'closed', 'forced_open', 'disabled', 'shadow'] as const).map((state) => [state, reason]),
    );
    const byItself = [
      ['open', 'threshold'],
      ['open', 'consecutive'],
      ['open', 'slow'],
      ['open', 'probe_failed'],
      ['half_open', 'cooldown'],
      ['closed', 'probes_passed'],
    ];
    expect([...POSSIBLE_TRANSITIONS].sort()).toEqual([...byHand, ...byItself].sort());
  });
});
