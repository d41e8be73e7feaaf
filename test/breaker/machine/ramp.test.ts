import { describe, expect, test } from 'vitest';
import { counts, DrivenMachine } from './driven-machine.ts';

const REOPENS = 'half_open -> open (probe_failed)';
const CLOSES = 'half_open -> closed (probes_passed)';

/** A machine in the first step of its ramp since 1,000 ms; a step lasts 100 ms. */
function ramp(shares: readonly number[], patch: ConstructorParameters<typeof DrivenMachine>[0] = {}): DrivenMachine {
  const machine = new DrivenMachine({ ...patch, halfOpen: { ramp: shares, ...patch.halfOpen } });
  return machine.rampAt(1_000);
}

/** Judges so many calls of the ramp at once. */
function judge(machine: DrivenMachine, calls: { good?: number; bad?: number; slow?: number }): string[] {
  const { good = 0, bad = 0, slow = 0 } = calls;
  const words: string[] = [];
  for (let call = 0; call < good; call++) words.push(...machine.good(machine.permit));
  for (let call = 0; call < slow; call++) words.push(...machine.slow(machine.permit));
  for (let call = 0; call < bad; call++) words.push(...machine.bad(machine.permit));
  return words;
}

describe('good probes, where there is a ramp', () => {
  test('lead to its first step, which is no transition', () => {
    const machine = new DrivenMachine({ halfOpen: { ramp: [0.1, 0.5] } }).halfOpenAt(1_000);
    const { generation } = machine.state;
    machine.good();
    machine.call();
    expect(machine.at(1_200).good()).toEqual([]);
    expect(machine.state).toEqual({
      kind: 'half_open',
      generation,
      since: 1_000,
      reopenings: 0,
      good: 2,
      leases: [],
      step: 1,
      stepSince: 1_200,
      offered: 0,
      admitted: 0,
      executed: 0,
      failed: 0,
      slow: 0,
    });
  });
});

describe('a step of the ramp', () => {
  test('lets its share of calls through, the first one always', () => {
    expect(ramp([0.1]).offer(21)).toBe('+---------+---------+');
    expect(ramp([0.25]).offer(9)).toBe('+---+---+');
    expect(ramp([0.5]).offer(6)).toBe('+-+-+-');
    expect(ramp([0.75]).offer(9)).toBe('+++-+++-+');
  });

  test('its calls have permits without a lease, of the generation that the probes had', () => {
    const machine = ramp([0.5]);
    machine.call();
    expect(machine.lastPermit).toEqual({ generation: machine.permits[0]?.generation, lease: null });
  });

  test('a call that is refused hears when the step can be over', () => {
    const machine = ramp([0.5]).at(1_030);
    machine.call();
    expect(machine.call()).toEqual(['deny 70']);
    expect(machine.at(1_400).call()).toEqual(['admit']);
    expect(machine.call()).toEqual(['deny 0']);
  });

  test('the share of the step holds over many calls, and a million calls begin it anew', () => {
    const machine = ramp([0.5]);
    if (machine.state.kind !== 'half_open') expect.fail('is not half-open');
    machine.state = { ...machine.state, offered: 999_998, admitted: 499_999 };
    expect(machine.call()).toEqual(['admit']);
    expect(machine.state).toMatchObject({ offered: 999_999, admitted: 500_000 });
    expect(machine.call()).toEqual(['deny 100']);
    expect(machine.state).toMatchObject({ offered: 1_000_000, admitted: 500_000 });
    expect(machine.call()).toEqual(['admit']);
    expect(machine.state).toMatchObject({ offered: 1, admitted: 1 });
    expect(machine.call()).toEqual(['deny 100']);
    expect(machine.state).toMatchObject({ offered: 2, admitted: 1 });
  });

  test('a share changed in the step goes for the calls from then on', () => {
    const machine = ramp([0.1]);
    expect(machine.offer(5)).toBe('+----');
    machine.configure({ halfOpen: { ramp: [0.5] } });
    expect(machine.offer(5)).toBe('++++-');
    expect(machine.offer(5)).toBe('+-+-+');
  });

  test('is over when its time has passed and a call was judged, at the full time and not before', () => {
    const machine = ramp([0.5, 0.8]);
    machine.call();
    machine.good();
    expect(machine.at(1_099).tick()).toEqual([]);
    expect(machine.state).toMatchObject({ step: 1 });
    expect(machine.at(1_100).tick()).toEqual([]);
    expect(machine.state).toMatchObject({ step: 2, stepSince: 1_100 });
  });

  test('waits for a call to judge it by, however long', () => {
    const machine = ramp([0.5]).at(99_000);
    expect(machine.tick()).toEqual([]);
    expect(machine.call()).toEqual(['admit']);
    expect(machine.good()).toEqual([CLOSES]);
  });

  test('an ignored or cancelled call is none to judge it by', () => {
    const machine = ramp([0.5]);
    machine.call();
    const { state } = machine;
    expect(machine.at(5_000).release()).toEqual([]);
    expect(machine.state).toBe(state);
  });

  test('its end is noticed by a call, which is then the first of the next step', () => {
    const machine = ramp([0.5, 0.8]);
    machine.offer(2);
    machine.good();
    expect(machine.at(1_100).call()).toEqual(['admit']);
    expect(machine.state).toMatchObject({ step: 2, offered: 1, admitted: 1, executed: 0 });
  });

  test('its end is noticed by the end of another call, which counts in the next step', () => {
    const machine = ramp([0.5, 0.8]);
    machine.offer(3);
    machine.good();
    expect(machine.at(1_100).good()).toEqual([]);
    expect(machine.state).toMatchObject({ step: 2, executed: 1 });
  });

  test('its end is noticed by the news of an older generation, which decides nothing else', () => {
    const machine = ramp([0.5]);
    machine.offer(1);
    machine.good();
    expect(machine.at(1_100).bad({ generation: 1, lease: null })).toEqual([CLOSES]);
  });

  test('the end of the last one closes the breaker', () => {
    const machine = ramp([0.5, 0.8]);
    judge(machine, { good: 1 });
    machine.at(1_100).tick();
    judge(machine, { good: 1 });
    expect(machine.at(1_199).tick()).toEqual([]);
    expect(machine.at(1_200).tick()).toEqual([CLOSES]);
    expect(machine.state).toEqual({ kind: 'closed', generation: 4, since: 1_200 });
  });

  test('a call that finds the ramp at its end goes through the closed breaker', () => {
    const machine = ramp([0.1]);
    judge(machine, { good: 1 });
    expect(machine.at(1_100).call()).toEqual([CLOSES, 'admit']);
    expect(machine.lastPermit).toEqual({ generation: 4, lease: null });
  });

  test('begins with numbers of its own: a failure of the step before is forgotten', () => {
    const machine = ramp([0.5, 0.8], { trip: { failureRatio: 0.5 } });
    judge(machine, { good: 2, bad: 1, slow: 1 });
    machine.offer(3);
    machine.at(1_100).tick();
    const nothing = { offered: 0, admitted: 0, executed: 0, failed: 0, slow: 0 };
    expect(machine.state).toMatchObject({ kind: 'half_open', step: 2, ...nothing });
  });

  test('an operator trips and resets it as in the rest of half-open', () => {
    expect(ramp([0.5]).trip()).toEqual(['half_open -> open (operator)']);
    expect(ramp([0.5]).reset()).toEqual(['half_open -> closed (operator)']);
  });

  test('a failed step is a failed recovery: the cooldown grows', () => {
    const machine = ramp([0.5]);
    judge(machine, { bad: 1 });
    machine.at(1_100).tick();
    expect(machine.state).toMatchObject({ kind: 'open', reopenings: 1, until: 2_100 });
  });
});

describe('a step of the ramp is bad', () => {
  test('by its failure ratio, at its threshold', () => {
    const trip = { failureRatio: 0.25 };
    const bad = ramp([0.5], { trip });
    expect(judge(bad, { good: 3, bad: 1 })).toEqual([]);
    expect(bad.at(1_100).tick()).toEqual([REOPENS]);
    const good = ramp([0.5], { trip: { failureRatio: 0.26 } });
    judge(good, { good: 3, bad: 1 });
    expect(good.at(1_100).tick()).toEqual([CLOSES]);
  });

  test('by half of its calls failed, where there is no failure ratio', () => {
    const trip = { failureRatio: null, consecutive: 100 };
    const bad = ramp([0.5], { trip });
    judge(bad, { good: 2, bad: 2 });
    expect(bad.at(1_100).tick()).toEqual([REOPENS]);
    const good = ramp([0.5], { trip });
    judge(good, { good: 3, bad: 2 });
    expect(good.at(1_100).tick()).toEqual([CLOSES]);
  });

  test('by the number of failures that would trip it closed', () => {
    const bad = ramp([0.5], { trip: { failures: 2, failureRatio: 1 } });
    judge(bad, { good: 2, bad: 2 });
    expect(bad.at(1_100).tick()).toEqual([REOPENS]);
    const good = ramp([0.5], { trip: { failures: 3, failureRatio: 1 } });
    judge(good, { good: 2, bad: 2 });
    expect(good.at(1_100).tick()).toEqual([CLOSES]);
  });

  test('by its slow calls, where they are a rule', () => {
    const slowRule = { slowRatio: 0.5, slowMs: 10 };
    const bad = ramp([0.5], { trip: slowRule });
    judge(bad, { good: 2, slow: 2 });
    expect(bad.at(1_100).tick()).toEqual([REOPENS]);
    const good = ramp([0.5], { trip: slowRule });
    judge(good, { good: 3, slow: 2 });
    expect(good.at(1_100).tick()).toEqual([CLOSES]);
    const unruled = ramp([0.5]);
    judge(unruled, { slow: 4 });
    expect(unruled.at(1_100).tick()).toEqual([CLOSES]);
  });

  test('ahead of its end from the fifth judged call on', () => {
    const machine = ramp([0.5]);
    expect(judge(machine, { bad: 4 })).toEqual([]);
    expect(judge(machine, { bad: 1 })).toEqual([REOPENS]);
  });

  test('ahead of its end as soon as it is bad after the fifth call, and not before', () => {
    const machine = ramp([0.5]);
    expect(judge(machine, { good: 4, bad: 3 })).toEqual([]);
    expect(judge(machine, { bad: 1 })).toEqual([REOPENS]);
  });

  test('and a good one is not over ahead of its end, however many calls went well', () => {
    const machine = ramp([0.5]);
    expect(judge(machine, { good: 50 })).toEqual([]);
    expect(machine.state).toMatchObject({ kind: 'half_open', step: 1, executed: 50 });
  });

  test('by the call that ends it, where its time has passed without one', () => {
    const machine = ramp([0.5]).at(1_100);
    machine.call();
    expect(machine.bad()).toEqual([REOPENS]);
  });
});

describe('a call of the ramp that is slow while in flight', () => {
  const slowRule = { slowRatio: 0.5, slowMs: 10 };

  test('is executed and slow in its step at once', () => {
    const machine = ramp([0.5], { trip: slowRule });
    expect(machine.overdue(counts(), machine.permit)).toEqual([]);
    expect(machine.state).toMatchObject({ executed: 1, slow: 1, failed: 0 });
  });

  test('is not counted again when it ends well', () => {
    const machine = ramp([0.5], { trip: slowRule });
    machine.overdue(counts(), machine.permit);
    machine.settle({ permit: machine.permit, slow: true, overdueStep: 1 });
    expect(machine.state).toMatchObject({ executed: 1, slow: 1, failed: 0 });
  });

  test('is still a failure when it then fails', () => {
    const machine = ramp([0.5], { trip: slowRule });
    machine.overdue(counts(), machine.permit);
    machine.settle({ permit: machine.permit, failed: true, slow: true, overdueStep: 1 });
    expect(machine.state).toMatchObject({ executed: 1, slow: 1, failed: 1 });
  });

  test('can end its step, and fail it', () => {
    const machine = ramp([0.5], { trip: slowRule }).at(1_100);
    expect(machine.overdue(counts(), machine.permit)).toEqual([REOPENS]);
    const early = ramp([0.5], { trip: slowRule });
    judge(early, { good: 2, slow: 2 });
    expect(early.overdue(counts(), early.permit)).toEqual([REOPENS]);
  });

  test('of an older generation is not counted', () => {
    const machine = ramp([0.5], { trip: slowRule });
    const { state } = machine;
    machine.overdue(counts(), { generation: 1, lease: null });
    expect(machine.state).toBe(state);
  });

  test('a slow call that ends without having been marked is counted when it ends', () => {
    const machine = ramp([0.5], { trip: slowRule });
    judge(machine, { slow: 1 });
    expect(machine.state).toMatchObject({ executed: 1, slow: 1 });
  });
});

describe('the ramp, changed while half-open', () => {
  test('shortened below the step it is in: all calls go through, and the end of the step closes it', () => {
    const machine = ramp([0.1, 0.2, 0.3]);
    judge(machine, { good: 1 });
    machine.at(1_100).tick();
    judge(machine, { good: 1 });
    machine.configure({ halfOpen: { ramp: [0.1] } });
    expect(machine.offer(4)).toBe('++++');
    expect(machine.at(1_200).tick()).toEqual([CLOSES]);
  });

  test('shortened to the step it is in: that is the last one', () => {
    const machine = ramp([0.1, 0.2]);
    judge(machine, { good: 1 });
    machine.configure({ halfOpen: { ramp: [0.1] } });
    expect(machine.at(1_100).tick()).toEqual([CLOSES]);
  });

  test('made longer: it goes through the new steps as well', () => {
    const machine = ramp([0.1]);
    judge(machine, { good: 1 });
    machine.configure({ halfOpen: { ramp: [0.1, 0.9] } });
    machine.at(1_100).tick();
    expect(machine.state).toMatchObject({ kind: 'half_open', step: 2 });
  });

  test('given while it probes: the probes lead to it', () => {
    const machine = new DrivenMachine({ halfOpen: { probes: 1 } }).halfOpenAt(1_000);
    machine.configure({ halfOpen: { ramp: [0.5] } });
    expect(machine.good()).toEqual([]);
    expect(machine.state).toMatchObject({ kind: 'half_open', step: 1 });
  });

  test('taken away while it probes: the probes close it', () => {
    const machine = new DrivenMachine({ halfOpen: { probes: 1, ramp: [0.5] } }).halfOpenAt(1_000);
    machine.configure({ halfOpen: { ramp: [] } });
    expect(machine.good()).toEqual([CLOSES]);
  });

  test('a shorter or longer step is as long as is configured when it is looked at', () => {
    const machine = ramp([0.5]);
    judge(machine, { good: 1 });
    machine.configure({ halfOpen: { rampStepMs: 500 } });
    expect(machine.at(1_100).tick()).toEqual([]);
    machine.configure({ halfOpen: { rampStepMs: 10 } });
    expect(machine.tick()).toEqual([CLOSES]);
  });

  test('more probes asked for during the ramp do not lead back to probing', () => {
    const machine = ramp([0.5]);
    machine.configure({ halfOpen: { probes: 9 } });
    expect(machine.call()).toEqual(['admit']);
  });
});
