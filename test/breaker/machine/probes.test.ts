import { describe, expect, test } from 'vitest';
import { counts, DrivenMachine } from './driven-machine.ts';

function halfOpen(patch: ConstructorParameters<typeof DrivenMachine>[0] = {}): DrivenMachine {
  return new DrivenMachine(patch).halfOpenAt(1_000);
}

describe('half-open', () => {
  test('begins with no probe, no good one and no step of the ramp', () => {
    const machine = new DrivenMachine();
    machine.mode('forced_open');
    machine.at(30).mode('auto');
    const nothing = { good: 0, leases: [], step: 0, offered: 0, admitted: 0, executed: 0, failed: 0, slow: 0 };
    expect(machine.state).toEqual({
      kind: 'half_open',
      generation: 3,
      since: 30,
      reopenings: 0,
      stepSince: 30,
      ...nothing,
    });
  });

  test('sends as many probes as it needs good ones, and refuses the rest until the next deadline', () => {
    const machine = halfOpen().at(1_100);
    expect(machine.call()).toEqual(['probe 1']);
    expect(machine.at(1_200).call()).toEqual(['deny 300']);
    expect(machine.state).toMatchObject({
      leases: [
        { id: 0, deadline: 1_500 },
        { id: 1, deadline: 1_600 },
      ],
    });
  });

  test('probes that are out and those that came back good, together, never pass what it needs', () => {
    const machine = halfOpen({ halfOpen: { probes: 3 } });
    machine.good();
    expect(machine.call()).toEqual(['probe 0']);
    expect(machine.call()).toEqual(['probe 1']);
    expect(machine.call()).toEqual(['deny 500']);
  });

  test('never has more than 16 probes out, whatever it needs', () => {
    const machine = halfOpen({ halfOpen: { probes: 20 } });
    for (let lease = 1; lease < 16; lease++) expect(machine.call()).toEqual([`probe ${lease}`]);
    expect(machine.at(1_001).call()).toEqual(['deny 499']);
    machine.good(machine.permits[6]);
    expect(machine.call()).toEqual(['probe 6']);
    expect(machine.call()).toEqual(['deny 499']);
  });

  test('closes when all probes came back good', () => {
    const machine = halfOpen();
    machine.call();
    expect(machine.good(machine.permits[0])).toEqual([]);
    expect(machine.state).toMatchObject({ good: 1, leases: [{ id: 1, deadline: 1_500 }] });
    expect(machine.at(1_020).good(machine.permits[1])).toEqual(['half_open -> closed (probes_passed)']);
    expect(machine.state).toEqual({ kind: 'closed', generation: 4, since: 1_020 });
  });

  test('a good probe counts once, though its result came twice', () => {
    const machine = halfOpen();
    machine.good();
    const { state } = machine;
    expect(machine.good()).toEqual([]);
    expect(machine.bad()).toEqual([]);
    expect(machine.state).toBe(state);
  });

  test('a call without a lease decides nothing while it probes', () => {
    const machine = halfOpen();
    const { state } = machine;
    expect(machine.good(machine.permit)).toEqual([]);
    expect(machine.bad(machine.permit)).toEqual([]);
    expect(machine.release(machine.permit)).toEqual([]);
    expect(machine.state).toBe(state);
  });

  test('opens again for a whole cooldown when one probe fails', () => {
    const machine = halfOpen().at(1_300);
    expect(machine.bad()).toEqual(['half_open -> open (probe_failed)']);
    expect(machine.state).toMatchObject({ kind: 'open', reopenings: 1, until: 2_300 });
  });

  test('a slow probe has failed where slow calls are a rule, and only there', () => {
    expect(halfOpen().slow()).toEqual([]);
    const machine = halfOpen({ trip: { slowRatio: 1, slowMs: 100 } });
    expect(machine.slow()).toEqual(['half_open -> open (probe_failed)']);
  });

  test('a quick good probe is good where slow calls are a rule', () => {
    const machine = halfOpen({ trip: { slowRatio: 0.1, slowMs: 100 } });
    expect(machine.good()).toEqual([]);
    expect(machine.state).toMatchObject({ kind: 'half_open', good: 1 });
  });

  test('what the window holds does not matter: one good probe is one good probe', () => {
    const machine = halfOpen({ trip: { failures: 1, consecutive: 1 }, halfOpen: { probes: 1 } });
    const window = counts({ executed: 9, failed: 9, slow: 9, consecutive: 9 });
    expect(machine.settle({ counts: window })).toEqual(['half_open -> closed (probes_passed)']);
  });

  test('a probe in flight for long is not judged as overdue: it has a deadline', () => {
    const machine = halfOpen({ trip: { slowRatio: 0.1, slowMs: 1 } });
    const { state } = machine;
    expect(machine.overdue(counts({ executed: 99, slow: 99 }))).toEqual([]);
    expect(machine.state).toBe(state);
  });

  test('an operator trips it and resets it', () => {
    expect(halfOpen().trip()).toEqual(['half_open -> open (operator)']);
    expect(halfOpen().reset()).toEqual(['half_open -> closed (operator)']);
  });
});

describe('a probe past its deadline has failed', () => {
  const found = 'half_open -> open (probe_failed)';
  const late = (now: number) => halfOpen().at(now);

  test('at its deadline, not before', () => {
    expect(late(1_499).tick()).toEqual([]);
    expect(late(1_500).tick()).toEqual([found]);
  });

  test('whoever notices: a call, its own result, the result of another, a release, an overdue mark', () => {
    const older = { generation: 1, lease: null };
    expect(late(1_500).call()).toEqual([found, 'deny 1000']);
    expect(late(1_500).good()).toEqual([found]);
    expect(late(1_500).bad()).toEqual([found]);
    expect(late(1_500).good(older)).toEqual([found]);
    expect(late(1_500).release()).toEqual([found]);
    expect(late(1_500).overdue(counts(), older)).toEqual([found]);
  });

  test('also where an operator notices, whose wish then meets an open breaker', () => {
    expect(late(1_500).trip()).toEqual([found]);
    expect(late(1_500).reset()).toEqual([found, 'open -> closed (operator)']);
    expect(late(1_500).mode('disabled')).toEqual([found, 'open -> disabled (operator)']);
    expect(late(1_500).mode('auto')).toEqual([found]);
  });

  test('counts as a failed recovery from when it was found', () => {
    const machine = late(7_000);
    machine.tick();
    expect(machine.state).toEqual({ kind: 'open', generation: 4, since: 7_000, reopenings: 1, until: 8_000 });
  });

  test('though another probe is in time', () => {
    const machine = halfOpen().at(1_400);
    machine.call();
    expect(machine.at(1_500).good()).toEqual([found]);
  });

  test('by the deadline it was sent with, whatever is configured since', () => {
    const machine = halfOpen();
    machine.configure({ halfOpen: { probeTimeoutMs: 5_000 } });
    machine.call();
    expect(machine.state).toMatchObject({ leases: [{ deadline: 1_500 }, { deadline: 6_000 }] });
    expect(machine.at(1_500).tick()).toEqual([found]);
  });
});

describe('an ignored or cancelled probe', () => {
  test('gives its lease back and decides nothing', () => {
    const machine = halfOpen();
    expect(machine.release()).toEqual([]);
    expect(machine.state).toMatchObject({ kind: 'half_open', good: 0, leases: [] });
    expect(machine.at(9_000).tick()).toEqual([]);
  });

  test('makes room for another, which takes the lowest lease that is free', () => {
    const machine = halfOpen({ halfOpen: { probes: 3 } });
    machine.call();
    machine.call();
    machine.release(machine.permits[1]);
    expect(machine.call()).toEqual(['probe 1']);
    machine.release(machine.permits[0]);
    expect(machine.call()).toEqual(['probe 0']);
    expect(machine.call()).toEqual(['deny 500']);
  });

  test('of an older generation leaves the lease of that number alone', () => {
    const machine = halfOpen();
    const { state } = machine;
    machine.release({ generation: 2, lease: 0 });
    expect(machine.state).toBe(state);
  });
});

describe('the number of probes, changed while half-open', () => {
  test('lowered to what came back good already: the next call goes on, and through', () => {
    const machine = halfOpen({ halfOpen: { probes: 3 } });
    machine.good();
    machine.configure({ halfOpen: { probes: 1 } });
    expect(machine.call()).toEqual(['half_open -> closed (probes_passed)', 'admit']);
  });

  test('lowered below what came back good, with a ramp: the next call is the first of its first step', () => {
    const machine = halfOpen({ halfOpen: { probes: 3, ramp: [0.5] } });
    machine.good();
    machine.call();
    machine.good();
    machine.configure({ halfOpen: { probes: 1 } });
    expect(machine.call()).toEqual(['admit']);
    expect(machine.state).toMatchObject({ kind: 'half_open', step: 1, offered: 1, admitted: 1 });
  });

  test('lowered while more are out: the next good one decides', () => {
    const machine = halfOpen({ halfOpen: { probes: 3 } });
    machine.call();
    machine.configure({ halfOpen: { probes: 1 } });
    expect(machine.call()).toEqual(['deny 500']);
    expect(machine.good()).toEqual(['half_open -> closed (probes_passed)']);
    expect(machine.good(machine.permits[0])).toEqual([]);
  });

  test('raised: more probes go out, and more must be good', () => {
    const machine = halfOpen({ halfOpen: { probes: 1 } });
    expect(machine.call()).toEqual(['deny 500']);
    machine.configure({ halfOpen: { probes: 2 } });
    expect(machine.call()).toEqual(['probe 1']);
    expect(machine.good()).toEqual([]);
    expect(machine.good(machine.permits[0])).toEqual(['half_open -> closed (probes_passed)']);
  });
});

describe('what an older generation has to say', () => {
  const full = counts({ executed: 100, failed: 100, slow: 100, consecutive: 100 });
  const strict = { trip: { failures: 1, consecutive: 1, slowRatio: 0.1, slowMs: 1 } };

  test('a late success never closes, though it has the number of a lease that is out', () => {
    const machine = halfOpen({ halfOpen: { probes: 1 } });
    const { state } = machine;
    expect(machine.good({ generation: 2, lease: 0 })).toEqual([]);
    expect(machine.state).toBe(state);
  });

  test('a late failure never trips and never opens again, however many failures the window holds', () => {
    const machine = halfOpen(strict);
    const older = machine.lastPermit;
    expect(machine.settle({ permit: { generation: 1, lease: 0 }, failed: true, slow: true, counts: full })).toEqual([]);
    machine.reset();
    const { state } = machine;
    expect(machine.settle({ permit: older, failed: true, slow: true, counts: full })).toEqual([]);
    expect(machine.state).toBe(state);
  });

  test('a call that is overdue since an older generation never trips', () => {
    const machine = new DrivenMachine(strict);
    machine.call();
    machine.trip();
    machine.reset();
    expect(machine.overdue(full)).toEqual([]);
    expect(machine.overdue(full, machine.permit)).toEqual(['closed -> open (slow)']);
  });
});
