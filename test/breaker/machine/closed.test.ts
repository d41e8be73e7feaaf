import { describe, expect, test } from 'vitest';
import { initialState } from '../../../src/breaker/machine/state.ts';
import { counts, DrivenMachine } from './driven-machine.ts';

/** A closed machine in whose window a call ends. */
function settledWith(
  trip: NonNullable<ConstructorParameters<typeof DrivenMachine>[0]>['trip'],
  call: { readonly failed?: boolean; readonly slow?: boolean },
  window: Parameters<typeof counts>[0],
): string[] {
  return new DrivenMachine({ trip }).settle({ ...call, counts: counts(window) });
}

const failed = { failed: true };
const slow = { slow: true };

test('a breaker begins closed, in its first generation, at the time it was made', () => {
  expect(initialState(7)).toEqual({ kind: 'closed', generation: 1, since: 7 });
});

test('or in a mode of its own, in its first generation as well', () => {
  expect(initialState(7, 'disabled')).toEqual({ kind: 'disabled', generation: 1, since: 7 });
  expect(initialState(7, 'shadow')).toEqual({ kind: 'shadow', generation: 1, since: 7, quietUntil: 7 });
});

describe('closed', () => {
  test('lets every call through on a permit of its generation', () => {
    const machine = new DrivenMachine();
    const { effects, state } = machine.decide({ type: 'call' });
    expect(effects).toEqual([{ type: 'admit', permit: { generation: 1, lease: null } }]);
    expect(state).toBe(machine.state);
  });

  test('a good call, a released permit, a reset and time alone change nothing', () => {
    const machine = new DrivenMachine().at(1e9);
    const { state } = machine;
    const window = counts({ executed: 100, failed: 99, slow: 99, consecutive: 99 });
    expect(machine.settle({ counts: window })).toEqual([]);
    expect(machine.release()).toEqual([]);
    expect(machine.reset()).toEqual([]);
    expect(machine.tick()).toEqual([]);
    expect(machine.state).toBe(state);
  });

  test('an operator trips it', () => {
    const machine = new DrivenMachine().at(20);
    expect(machine.trip()).toEqual(['closed -> open (operator)']);
    expect(machine.state).toEqual({ kind: 'open', generation: 2, since: 20, reopenings: 0, until: 1_020 });
  });

  test('a trip by a rule tells what the window held, and that of an operator does not', () => {
    const machine = new DrivenMachine();
    const window = counts({ executed: 4, failed: 4 });
    const verdict = { permit: machine.permit, failed: true, slow: false, overdueStep: undefined, counts: window };
    const { state, effects } = machine.decide({ type: 'settled', ...verdict });
    expect(effects).toEqual([
      { type: 'transition', from: machine.state, to: state, reason: 'threshold', counts: window },
    ]);
    const trip = machine.decide({ type: 'trip', reason: 'desired_state' });
    expect(trip.effects).toMatchObject([{ reason: 'desired_state', counts: null }]);
  });
});

describe('the rule of the failure ratio', () => {
  const trip = { failureRatio: 0.5, minimumCalls: 4 };

  test('trips at its threshold and not below', () => {
    expect(settledWith(trip, failed, { executed: 4, failed: 2 })).toEqual(['closed -> open (threshold)']);
    expect(settledWith(trip, failed, { executed: 5, failed: 2 })).toEqual([]);
  });

  test('is judged from the minimum volume on, which is enough', () => {
    expect(settledWith(trip, failed, { executed: 3, failed: 3 })).toEqual([]);
    expect(settledWith(trip, failed, { executed: 4, failed: 4 })).toEqual(['closed -> open (threshold)']);
  });

  test('is met by a failed call only: a good one that makes the volume full does not trip', () => {
    expect(settledWith(trip, {}, { executed: 4, failed: 3 })).toEqual([]);
    expect(settledWith(trip, slow, { executed: 4, failed: 3 })).toEqual([]);
  });

  test('asks of a window of so many calls no more than it can hold', () => {
    const few = { ...trip, minimumCalls: 20, windowCalls: 6 };
    expect(settledWith(few, failed, { executed: 5, failed: 5 })).toEqual([]);
    expect(settledWith(few, failed, { executed: 6, failed: 3 })).toEqual(['closed -> open (threshold)']);
  });

  test('asks of a window of many calls no more than the minimum volume', () => {
    const many = { ...trip, windowCalls: 100 };
    expect(settledWith(many, failed, { executed: 3, failed: 3 })).toEqual([]);
    expect(settledWith(many, failed, { executed: 4, failed: 4 })).toEqual(['closed -> open (threshold)']);
  });

  test('of all calls is met when all of them failed', () => {
    const all = { ...trip, failureRatio: 1 };
    expect(settledWith(all, failed, { executed: 100, failed: 99 })).toEqual([]);
    expect(settledWith(all, failed, { executed: 100, failed: 100 })).toEqual(['closed -> open (threshold)']);
  });
});

describe('the rule of the number of failures', () => {
  const trip = { failureRatio: null, failures: 5 };

  test('trips at its threshold, whatever the volume', () => {
    expect(settledWith(trip, failed, { executed: 4, failed: 4 })).toEqual([]);
    expect(settledWith(trip, failed, { executed: 500, failed: 5 })).toEqual(['closed -> open (threshold)']);
    expect(settledWith({ ...trip, failures: 1 }, failed, { executed: 1, failed: 1 })).toEqual([
      'closed -> open (threshold)',
    ]);
  });

  test('trips past its threshold too, where the window holds more failures than a lowered one asks for', () => {
    expect(settledWith(trip, failed, { executed: 50, failed: 9 })).toEqual(['closed -> open (threshold)']);
  });

  test('is met by a failed call only', () => {
    expect(settledWith(trip, slow, { executed: 10, failed: 10 })).toEqual([]);
  });
});

describe('the rule of failures in a row', () => {
  const trip = { failureRatio: null, consecutive: 3 };

  test('trips at its threshold, whatever the volume and however many calls went well before', () => {
    expect(settledWith(trip, failed, { executed: 2, failed: 2, consecutive: 2 })).toEqual([]);
    expect(settledWith(trip, failed, { executed: 3, failed: 3, consecutive: 3 })).toEqual([
      'closed -> open (consecutive)',
    ]);
    expect(settledWith(trip, failed, { executed: 900, failed: 3, consecutive: 3 })).toEqual([
      'closed -> open (consecutive)',
    ]);
  });

  test('trips by failures further apart than the window is long', () => {
    expect(settledWith(trip, failed, { executed: 1, failed: 1, consecutive: 3 })).toEqual([
      'closed -> open (consecutive)',
    ]);
  });

  test('is met by a failed call only', () => {
    expect(settledWith(trip, slow, { executed: 3, failed: 3, consecutive: 3 })).toEqual([]);
  });
});

describe('the rule of slow calls', () => {
  const trip = { failureRatio: null, slowRatio: 0.5, slowMs: 100, minimumCalls: 4 };

  test('trips at its threshold and not below', () => {
    expect(settledWith(trip, slow, { executed: 4, slow: 2 })).toEqual(['closed -> open (slow)']);
    expect(settledWith(trip, slow, { executed: 5, slow: 2 })).toEqual([]);
  });

  test('is judged from the minimum volume on, or from all that a window of calls can hold', () => {
    expect(settledWith(trip, slow, { executed: 3, slow: 3 })).toEqual([]);
    expect(settledWith({ ...trip, windowCalls: 3 }, slow, { executed: 3, slow: 3 })).toEqual(['closed -> open (slow)']);
  });

  test('is met by a slow call, failed or not, and by no other', () => {
    const window = { executed: 4, failed: 4, slow: 4, consecutive: 4 };
    expect(settledWith(trip, { failed: true, slow: true }, window)).toEqual(['closed -> open (slow)']);
    expect(settledWith(trip, failed, window)).toEqual([]);
    expect(settledWith(trip, {}, window)).toEqual([]);
  });

  test('is met by a call that is slow while it is still in flight', () => {
    const machine = new DrivenMachine({ trip });
    machine.call();
    expect(machine.overdue(counts({ executed: 3, slow: 3 }))).toEqual([]);
    expect(machine.overdue(counts({ executed: 4, slow: 2 }))).toEqual(['closed -> open (slow)']);
  });

  test('is all that such a call can meet: it has not failed', () => {
    const machine = new DrivenMachine({ trip: { failures: 1, consecutive: 1, failureRatio: 0.1, slowRatio: null } });
    machine.call();
    expect(machine.overdue(counts({ executed: 100, failed: 100, slow: 100, consecutive: 100 }))).toEqual([]);
  });
});

describe('several rules together', () => {
  const all = { failures: 3, consecutive: 3, failureRatio: 0.5, slowRatio: 0.5, slowMs: 100, minimumCalls: 3 };
  const both = { failed: true, slow: true };
  const window = { executed: 3, failed: 3, slow: 3, consecutive: 3 };

  test('the number of failures comes first', () => {
    expect(settledWith(all, both, window)).toEqual(['closed -> open (threshold)']);
    expect(settledWith({ ...all, failureRatio: null }, both, window)).toEqual(['closed -> open (threshold)']);
  });

  test('then failures in a row, before either ratio', () => {
    expect(settledWith({ ...all, failures: 4 }, both, window)).toEqual(['closed -> open (consecutive)']);
  });

  test('then the failure ratio, before that of slow calls', () => {
    const ratios = { ...all, failures: null, consecutive: null };
    expect(settledWith(ratios, both, window)).toEqual(['closed -> open (threshold)']);
    expect(settledWith(ratios, both, { ...window, failed: 1 })).toEqual(['closed -> open (slow)']);
  });

  test('none that is turned off is met', () => {
    const off = { failures: null, consecutive: null, failureRatio: null, slowRatio: null };
    expect(settledWith(off, both, { executed: 1_000, failed: 1_000, slow: 1_000, consecutive: 1_000 })).toEqual([]);
  });
});
