import { applySettings, DEFAULT_SETTINGS } from '@switchgear/conventions';
import { expect, test } from 'vitest';
import type { MachineEvent, MachineState } from '../../src/breaker/machine/state.ts';
import { transition } from '../../src/breaker/machine/transition.ts';

const settings = applySettings(DEFAULT_SETTINGS, {
  trip: { slowRatio: 0.9 },
  halfOpen: { probes: 1, ramp: [0.5, 0.8], rampStepMs: 100 },
});
const nothing = { executed: 0, failed: 0, slow: 0, consecutive: 0 };

test('a call that was slow in one step of the ramp and fails in the next is a call of that step', () => {
  let state: MachineState = {
    kind: 'half_open',
    generation: 3,
    since: 0,
    reopenings: 0,
    good: 1,
    leases: [],
    step: 1,
    stepSince: 0,
    offered: 9,
    admitted: 5,
    executed: 4,
    failed: 0,
    slow: 0,
  };
  const permit = { generation: 3, lease: null };
  const feed = (event: MachineEvent, now: number) => {
    state = transition(state, event, { now, settings, chance: 0 }).state;
  };
  feed({ type: 'overdue', permit, counts: nothing }, 50);
  feed({ type: 'tick' }, 100);
  expect(state).toMatchObject({ kind: 'half_open', step: 2, executed: 0 });
  feed({ type: 'settled', permit, failed: true, slow: true, overdueStep: 1, counts: nothing }, 110);
  expect(state).toMatchObject({ step: 2, executed: 1, failed: 1, slow: 1 });
});
