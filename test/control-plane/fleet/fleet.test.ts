import { ATTR, BREAKER_STATES, type BreakerState, InvalidInputError } from '@switchgear/conventions';
import { describe, expect, it } from 'vitest';
import type { Fleet } from '../../../src/control-plane/fleet/fleet.ts';
import { agent, event, fleetAt, inventory, metric, START, status, statusCounts } from './observations.ts';

const MINUTE = 60_000;

describe('liveness', () => {
  it('goes from live to stale to gone to forgotten as an instance stays silent', () => {
    const { fleet, clock, changes } = fleetAt();
    fleet.apply(status(agent('a'), 'payments', 'open', START));
    expect(fleet.breaker('shop', 'payments')).toMatchObject({
      state: 'open',
      instances: { live: 1, stale: 0, gone: 0 },
    });
    changes.length = 0;

    clock.now = START + 89_999;
    fleet.sweep();
    expect(changes).toEqual([]);

    clock.now = START + 90_000;
    fleet.sweep();
    fleet.sweep();
    expect(changes).toEqual(['shop/payments']);
    expect(fleet.breaker('shop', 'payments')).toMatchObject({
      state: null,
      states: { open: 0 },
      instances: { live: 0, stale: 1, gone: 0 },
      byInstance: [{ instance: 'a', liveness: 'stale', state: 'open' }],
    });

    clock.now = START + 10 * MINUTE;
    fleet.sweep();
    expect(fleet.breaker('shop', 'payments')?.instances).toEqual({ live: 0, stale: 0, gone: 1 });
    expect(fleet.agents()).toMatchObject([{ instance: 'a', liveness: 'gone', breakers: 1 }]);

    clock.now = START + 24 * 60 * MINUTE;
    fleet.sweep();
    expect(changes).toEqual(['shop/payments', 'shop/payments', 'shop/payments']);
    expect(fleet.has('shop', 'payments')).toBe(false);
    expect(fleet.hasService('shop')).toBe(false);
    expect(fleet.agents()).toEqual([]);
    expect(fleet.stats()).toMatchObject({ services: 0, breakers: 0, instances: { live: 0, stale: 0, gone: 0 } });
  });

  it('goes by when the server heard of an instance, not by the clock of the instance', () => {
    const { fleet, clock } = fleetAt();
    fleet.apply(status(agent('a'), 'payments', 'closed', START - 60 * MINUTE));
    expect(fleet.breaker('shop', 'payments')).toMatchObject({
      lastSeenAt: new Date(clock.now).toISOString(),
      instances: { live: 1 },
    });
  });

  it('is kept up by heartbeats, which vouch for all breakers of a process', () => {
    const { fleet, clock } = fleetAt();
    fleet.apply(status(agent('a'), 'payments', 'open', START));
    clock.now += 80_000;
    fleet.sawAgent(agent('a'));
    clock.now += 80_000;
    expect(fleet.breaker('shop', 'payments')).toMatchObject({ state: 'open', instances: { live: 1 } });
    expect(fleet.agents()).toMatchObject([{ connected: true, liveness: 'live' }]);
    clock.now += 10_000;
    expect(fleet.agents()).toMatchObject([{ connected: false, liveness: 'stale' }]);
  });

  it('ends at once with a goodbye, which the last flush of telemetry does not undo', () => {
    const { fleet, clock, changes } = fleetAt();
    fleet.reportInventory(agent('a'), inventory({ payments: {} }));
    changes.length = 0;
    fleet.agentLeft(agent('a'));
    expect(changes).toEqual(['shop/payments']);
    clock.now += 1_000;
    fleet.apply(status(agent('a'), 'payments', 'closed', clock.now));
    expect(fleet.breaker('shop', 'payments')?.instances).toEqual({ live: 0, stale: 0, gone: 1 });
    expect(fleet.agents()).toMatchObject([{ liveness: 'gone', connected: false }]);
    fleet.sawAgent(agent('a'));
    expect(fleet.breaker('shop', 'payments')?.instances.live).toBe(1);
  });

  it('ends for a breaker that the inventory of its process no longer names', () => {
    const { fleet } = fleetAt();
    fleet.reportInventory(agent('a'), inventory({ payments: {}, stock: {} }));
    fleet.reportInventory(agent('a'), inventory({ payments: {} }));
    expect(fleet.breaker('shop', 'stock')?.instances).toEqual({ live: 0, stale: 0, gone: 1 });
    expect(fleet.breaker('shop', 'payments')?.instances).toEqual({ live: 1, stale: 0, gone: 0 });
  });
});

describe('a restart', () => {
  const known = (instance: string, breaker: string, lastSeenAt: number, gone: boolean) => ({
    agent: agent(instance),
    breaker,
    lastSeenAt,
    gone,
  });

  it('tells when a breaker on an instance is gone and when it is back, once each', () => {
    const { fleet, clock } = fleetAt();
    const told: string[] = [];
    fleet.onGone(({ instance }, breaker, since) =>
      told.push(`${instance} ${breaker} ${since === null ? 'back' : since - START}`),
    );
    fleet.reportInventory(agent('a'), inventory({ payments: {}, stock: {} }));
    fleet.apply(status(agent('b'), 'payments', 'closed', START));
    expect(told).toEqual([]);
    clock.now += 1_000;
    fleet.reportInventory(agent('a'), inventory({ payments: {} }));
    fleet.agentLeft(agent('a'));
    expect(told.splice(0)).toEqual(['a stock 1000', 'a payments 1000']);
    clock.now = START + 10 * MINUTE;
    fleet.sweep();
    fleet.sweep();
    expect(told.splice(0)).toEqual(['b payments 0']);
    fleet.apply(status(agent('b'), 'payments', 'closed', clock.now));
    fleet.reportInventory(agent('a'), inventory({ payments: {} }));
    expect(told).toEqual(['b payments back', 'a payments back']);
  });

  it('leaves gone what was gone, and takes the rest for stale', () => {
    const { fleet } = fleetAt();
    fleet.restore([
      known('left', 'payments', START - 1_000, true),
      known('left', 'stock', START - 1_000, true),
      known('there', 'payments', START - 1_000, false),
      known('there', 'stock', START - 11 * MINUTE, true),
    ]);
    expect(fleet.breaker('shop', 'payments')?.byInstance).toMatchObject([
      { instance: 'left', liveness: 'gone', lastSeenAt: new Date(START - 1_000).toISOString() },
      { instance: 'there', liveness: 'stale' },
    ]);
    expect(fleet.breaker('shop', 'stock')?.instances).toEqual({ live: 0, stale: 0, gone: 2 });
    expect(fleet.agents()).toMatchObject([
      { instance: 'left', liveness: 'gone', connected: false },
      { instance: 'there', liveness: 'stale' },
    ]);
  });

  it('does not keep an instance away that is heard of again', () => {
    const { fleet, clock } = fleetAt();
    const restored = ['a', 'b'].map((name) => known(name, 'payments', START - 1_000, true));
    fleet.restore(restored);
    fleet.apply(status(agent('a'), 'payments', 'closed', START));
    expect(fleet.breaker('shop', 'payments')?.instances).toEqual({ live: 0, stale: 0, gone: 2 });
    clock.now += 30_000;
    fleet.apply(status(agent('a'), 'payments', 'closed', clock.now));
    fleet.reportInventory(agent('b'), inventory({ payments: {} }));
    expect(fleet.breaker('shop', 'payments')?.instances).toEqual({ live: 2, stale: 0, gone: 0 });
    expect(fleet.agents()).toMatchObject([{ liveness: 'live' }, { liveness: 'live' }]);
  });
});

describe('state', () => {
  it('comes from the status point with 1', () => {
    const { fleet } = fleetAt();
    fleet.apply(status(agent('a'), 'payments', 'half_open', START));
    expect(fleet.breaker('shop', 'payments')).toMatchObject({
      state: 'half_open',
      states: { half_open: 1, closed: 0 },
    });
  });

  it('is counted per state, and the one that most needs eyes stands for the breaker', () => {
    const { fleet } = fleetAt();
    const states = ['closed', 'closed', 'open', 'forced_open', 'shadow'] as const;
    states.forEach((state, index) => {
      fleet.apply(status(agent(`i${index}`), 'payments', state, START));
    });
    expect(fleet.breaker('shop', 'payments')).toMatchObject({
      state: 'forced_open',
      states: { closed: 2, open: 1, half_open: 0, forced_open: 1, disabled: 0, shadow: 1 },
    });
    expect(fleet.stats()).toMatchObject({ instances: { live: 5 }, states: { closed: 2, shadow: 1 } });
  });

  it('is not turned back by points that come late', () => {
    const { fleet } = fleetAt();
    fleet.apply(status(agent('a'), 'payments', 'open', START - 1_000));
    fleet.apply(status(agent('a'), 'payments', 'closed', START - 2_000));
    expect(fleet.breaker('shop', 'payments')?.state).toBe('open');
  });

  it('is known from an event before any metric, and healed by a metric that is newer', () => {
    const { fleet } = fleetAt();
    fleet.apply([event(agent('a'), 'payments', 'trip', START - 3_000)]);
    expect(fleet.breaker('shop', 'payments')?.byInstance[0]).toMatchObject({
      state: 'open',
      stateSince: new Date(START - 3_000).toISOString(),
    });
    fleet.apply([event(agent('a'), 'payments', 'halfOpen', START - 2_000)]);
    expect(fleet.breaker('shop', 'payments')?.state).toBe('half_open');
    fleet.apply(status(agent('a'), 'payments', 'closed', START - 1_000));
    fleet.apply([event(agent('a'), 'payments', 'trip', START - 1_500)]);
    expect(fleet.breaker('shop', 'payments')?.state).toBe('closed');
  });

  it('began when its event says, even where the metric was first', () => {
    const { fleet } = fleetAt();
    fleet.apply(status(agent('a'), 'payments', 'closed', START - 9_000));
    fleet.apply(status(agent('a'), 'payments', 'open', START));
    fleet.apply([event(agent('a'), 'payments', 'trip', START - 4_000)]);
    expect(fleet.breaker('shop', 'payments')?.byInstance[0]?.stateSince).toBe(new Date(START - 4_000).toISOString());
    fleet.apply([event(agent('a'), 'payments', 'trip', START - 20_000)]);
    expect(fleet.breaker('shop', 'payments')?.byInstance[0]?.stateSince).toBe(new Date(START - 4_000).toISOString());
  });

  it('stays shadow through a trip that shadow only tells of', () => {
    const { fleet } = fleetAt();
    fleet.apply(status(agent('a'), 'payments', 'shadow', START - 2_000));
    fleet.apply([event(agent('a'), 'payments', 'trip', START - 1_000, { [ATTR.previousState]: 'shadow' })]);
    expect(fleet.breaker('shop', 'payments')?.state).toBe('shadow');
  });

  it('is known from the event of an override, whose mode it enters', () => {
    const { fleet } = fleetAt();
    fleet.apply([event(agent('a'), 'payments', 'override', START, { [ATTR.mode]: 'forced_open' })]);
    expect(fleet.breaker('shop', 'payments')?.state).toBe('forced_open');
    fleet.apply([event(agent('a'), 'payments', 'override', START + 1, { [ATTR.mode]: 'auto' })]);
    expect(fleet.breaker('shop', 'payments')?.state).toBe('forced_open');
  });

  it('does not stick where a clock is far ahead', () => {
    const { fleet, clock } = fleetAt();
    fleet.apply(status(agent('a'), 'payments', 'open', START + 60 * MINUTE));
    expect(fleet.breaker('shop', 'payments')?.byInstance[0]?.stateSince).toBe(new Date(START).toISOString());
    clock.now += 10_000;
    fleet.apply(status(agent('a'), 'payments', 'closed', clock.now));
    expect(fleet.breaker('shop', 'payments')?.state).toBe('closed');
  });
});

describe('a group of keyed breakers', () => {
  const group = (counts: Partial<Record<BreakerState, number>>, at: number) =>
    statusCounts(agent('a'), 'tenants', counts, at);
  const shown = (fleet: Fleet) => fleet.breaker('shop', 'tenants')!.byInstance[0]!;
  const since = (ms: number) => new Date(START + ms).toISOString();

  it('is in the state of its breakers that most needs eyes, and counts as one instance', () => {
    const { fleet } = fleetAt();
    fleet.apply(group({ closed: 40, open: 2, half_open: 1 }, START));
    expect(fleet.breaker('shop', 'tenants')).toMatchObject({
      state: 'open',
      states: { open: 1, closed: 0, half_open: 0 },
    });
  });

  it('stays in it from export to export, and since the first', () => {
    const { fleet, changes } = fleetAt();
    fleet.apply(group({ closed: 40, open: 2 }, START));
    changes.length = 0;
    for (const at of [1_000, 2_000, 3_000])
      fleet.apply(group({ closed: 40 - at / 1_000, open: 2 + at / 1_000 }, START + at));
    expect(shown(fleet)).toMatchObject({ state: 'open', stateSince: since(0) });
    expect(changes).toEqual([]);
  });

  it('stays in it where an export comes in two requests, whichever part is first', () => {
    for (const cut of [1, 2, 3, 4, 5]) {
      const { fleet } = fleetAt();
      fleet.apply(group({ closed: 40, half_open: 2 }, START));
      const points = group({ closed: 39, half_open: 3 }, START + 1_000);
      for (const part of [points.slice(cut), points.slice(0, cut)]) {
        fleet.apply(part);
        expect(shown(fleet)).toMatchObject({ state: 'half_open', stateSince: since(0) });
      }
    }
  });

  it('follows its breakers as they get better', () => {
    const { fleet } = fleetAt();
    const states = [{ open: 2 }, { open: 1, half_open: 1 }, { half_open: 2 }, {}].map((counts, index) => {
      fleet.apply(group({ closed: 38, ...counts }, START + index));
      return [shown(fleet).state, shown(fleet).stateSince];
    });
    expect(states).toEqual([
      ['open', since(0)],
      ['open', since(0)],
      ['half_open', since(2)],
      ['closed', since(3)],
    ]);
  });

  it('is made worse by the event of one of them at once, and better by no event', () => {
    const { fleet } = fleetAt();
    fleet.apply(group({ closed: 42 }, START - 5_000));
    fleet.apply([event(agent('a'), 'tenants', 'trip', START - 4_000)]);
    expect(shown(fleet)).toMatchObject({ state: 'open', stateSince: since(-4_000) });
    fleet.apply([event(agent('a'), 'tenants', 'halfOpen', START - 3_000)]);
    fleet.apply([event(agent('a'), 'tenants', 'reset', START - 2_000)]);
    expect(shown(fleet).state).toBe('open');
    fleet.apply(group({ closed: 41, open: 1 }, START - 1_000));
    expect(shown(fleet)).toMatchObject({ state: 'open', stateSince: since(-4_000) });
    fleet.apply(group({ closed: 42 }, START));
    expect(shown(fleet)).toMatchObject({ state: 'closed', stateSince: since(0) });
  });

  it('is made worse by the inventory of its process, and better by no inventory', () => {
    const { fleet } = fleetAt();
    fleet.apply(group({ closed: 42 }, START - 1_000));
    fleet.reportInventory(agent('a'), inventory({ tenants: { state: 'open' } }));
    expect(shown(fleet).state).toBe('open');
    fleet.reportInventory(agent('a'), inventory({ tenants: { state: 'closed' } }));
    expect(shown(fleet)).toMatchObject({ state: 'open', stateSince: since(0) });
  });

  it('is not turned back by an export that comes late', () => {
    const { fleet } = fleetAt();
    fleet.apply(group({ closed: 42 }, START));
    fleet.apply(group({ closed: 40, open: 2 }, START - 1_000));
    expect(shown(fleet).state).toBe('closed');
  });

  it('is closed where it has no breaker, or none any more', () => {
    const { fleet } = fleetAt();
    fleet.apply(group({}, START));
    expect(shown(fleet).state).toBe('closed');
    fleet.apply(group({ open: 1 }, START + 1));
    expect(shown(fleet).state).toBe('open');
    fleet.apply(group({}, START + 2));
    expect(shown(fleet)).toMatchObject({ state: 'closed', stateSince: since(2) });
  });
});

describe('one breaker', () => {
  it('is never in a state that it is not in while its points come one by one', () => {
    for (const from of BREAKER_STATES)
      for (const to of BREAKER_STATES) {
        const { fleet } = fleetAt();
        fleet.apply(status(agent('a'), 'payments', from, START - 1_000));
        for (const point of status(agent('a'), 'payments', to, START)) {
          fleet.apply([point]);
          expect([from, to]).toContain(fleet.breaker('shop', 'payments')?.state);
        }
        expect(fleet.breaker('shop', 'payments')?.byInstance[0]).toMatchObject({
          state: to,
          stateSince: new Date(from === to ? START - 1_000 : START).toISOString(),
        });
      }
  });

  it('began to be closed when its event says, even where the metric was first', () => {
    const { fleet } = fleetAt();
    fleet.apply(status(agent('a'), 'payments', 'open', START - 9_000));
    fleet.apply(status(agent('a'), 'payments', 'closed', START));
    fleet.apply([event(agent('a'), 'payments', 'reset', START - 4_000)]);
    expect(fleet.breaker('shop', 'payments')?.byInstance[0]?.stateSince).toBe(new Date(START - 4_000).toISOString());
  });
});

describe('numbers', () => {
  const calls = (of: string, outcome: string, value: number, at: number) =>
    metric(agent(of), 'payments', 'calls', { [ATTR.outcome]: outcome }, value, at);
  const wire = (of: string, key: 'wireDepth' | 'wireCapacity' | 'wireOldestAge', value: number) =>
    metric(agent(of), 'payments', key, { [ATTR.wireName]: 'buffer' }, value, START);

  it('are summed over live instances only', () => {
    const { fleet, clock } = fleetAt();
    fleet.apply([calls('a', 'success', 10, START), calls('a', 'diverted', 2, START)]);
    clock.now += 60_000;
    fleet.apply([calls('b', 'success', 5, clock.now)]);
    expect(fleet.breaker('shop', 'payments')?.calls).toMatchObject({ success: 15, diverted: 2, failure: 0 });
    clock.now += 60_000;
    expect(fleet.breaker('shop', 'payments')?.calls).toMatchObject({ success: 5, diverted: 0 });
  });

  it('start again with a new instance id, in a row of its own', () => {
    const { fleet } = fleetAt();
    fleet.apply([calls('a', 'success', 100, START)]);
    fleet.agentLeft(agent('a'));
    fleet.apply([calls('b', 'success', 1, START)]);
    const detail = fleet.breaker('shop', 'payments');
    expect(detail?.calls.success).toBe(1);
    expect(detail?.byInstance.map(({ instance, calls: { success } }) => [instance, success])).toEqual([
      ['a', 100],
      ['b', 1],
    ]);
  });

  it('are not turned back by a batch that is sent again', () => {
    const { fleet } = fleetAt();
    fleet.apply([calls('a', 'success', 10, START)]);
    fleet.apply([calls('a', 'success', 7, START - 1)]);
    expect(fleet.breaker('shop', 'payments')?.calls.success).toBe(10);
  });

  it('of wires are summed, with the highest age', () => {
    const { fleet } = fleetAt();
    fleet.apply([
      wire('a', 'wireDepth', 3),
      wire('a', 'wireCapacity', 100),
      wire('a', 'wireOldestAge', 9),
      wire('b', 'wireDepth', 4),
      wire('b', 'wireCapacity', 100),
      wire('b', 'wireOldestAge', 2),
    ]);
    const drop = { [ATTR.wireName]: 'buffer', [ATTR.dropReason]: 'overflow' };
    fleet.apply([
      metric(agent('a'), 'payments', 'wireDropped', drop, 1, START),
      metric(agent('a'), 'payments', 'wireDropped', { ...drop, [ATTR.dropReason]: 'expired' }, 2, START),
      metric(
        agent('a'),
        'payments',
        'wireCalls',
        { [ATTR.wireName]: 'buffer', [ATTR.wireOutcome]: 'buffered' },
        8,
        START,
      ),
      metric(
        agent('a'),
        'payments',
        'wireDrained',
        { [ATTR.wireName]: 'buffer', [ATTR.wireOutcome]: 'replayed' },
        5,
        START,
      ),
    ]);
    expect(fleet.breaker('shop', 'payments')?.wires).toEqual([
      {
        name: 'buffer',
        served: 0,
        buffered: 8,
        failed: 0,
        depth: 7,
        capacity: 200,
        oldestAgeSeconds: 9,
        replayed: 5,
        dead: 0,
        dropped: 3,
      },
    ]);
  });

  it('of a wire whose spool all instances share are what one of them holds, and its counts are summed', () => {
    const { fleet } = fleetAt();
    const shared = (instance: string, key: 'wireDepth' | 'wireCapacity' | 'wireDropped', value: number) => {
      const reason = key === 'wireDropped' ? { [ATTR.dropReason]: 'expired' } : {};
      return metric(agent(instance), 'payments', key, { [ATTR.wireName]: 'shared-buffer', ...reason }, value, START);
    };
    fleet.apply(
      ['a', 'b', 'c'].flatMap((instance) => [
        shared(instance, 'wireCapacity', 1_000),
        shared(instance, 'wireDropped', 1),
      ]),
    );
    fleet.apply([shared('a', 'wireDepth', 10), shared('b', 'wireDepth', 9), shared('c', 'wireDepth', 10)]);
    expect(fleet.breaker('shop', 'payments')?.wires).toMatchObject([{ depth: 10, capacity: 1_000, dropped: 3 }]);
  });
});

describe('restore', () => {
  it('brings breakers back as stale or gone, without a state, until they are heard of', () => {
    const { fleet, clock } = fleetAt();
    const seen: string[] = [];
    fleet.onFirstSeen((of, breaker) => seen.push(`${of.instance} ${breaker}`));
    fleet.restore([
      { agent: agent('a'), breaker: 'payments', lastSeenAt: START - 5_000 },
      { agent: agent('b'), breaker: 'payments', lastSeenAt: START - 20 * MINUTE },
      { agent: agent('c'), breaker: 'payments', lastSeenAt: START - 25 * 60 * MINUTE },
    ]);
    expect(fleet.has('shop', 'payments')).toBe(true);
    expect(fleet.breaker('shop', 'payments')).toMatchObject({
      state: null,
      instances: { live: 0, stale: 1, gone: 1 },
      lastSeenAt: new Date(START - 5_000).toISOString(),
      byInstance: [
        { instance: 'a', version: '1.0.0', state: null, stateSince: null },
        { instance: 'b', state: null },
      ],
    });
    clock.now += 1_000;
    fleet.apply(status(agent('a'), 'payments', 'open', clock.now));
    expect(fleet.breaker('shop', 'payments')).toMatchObject({ state: 'open', instances: { live: 1, gone: 1 } });
    expect(seen).toEqual([]);
  });
});

describe('delivery', () => {
  const applied = (revision: number, state: 'applied' | 'failed' = 'applied') =>
    inventory({ payments: { applied: { revision, status: state } } });

  it('counts live instances that applied, failed or have not reported the desired revision', () => {
    const { fleet } = fleetAt();
    const override = {
      mode: 'forced_open',
      reason: 'drill',
      actor: 'operator',
      expiresAt: '2026-01-31T13:00:00Z',
    } as const;
    fleet.setDesired('shop', 'payments', { revision: 7, override });
    expect(fleet.has('shop', 'payments')).toBe(false);
    fleet.reportInventory(agent('a'), applied(7));
    fleet.reportInventory(agent('b'), applied(7, 'failed'));
    fleet.reportInventory(agent('c'), applied(6));
    fleet.reportInventory(agent('d'), inventory({ payments: {} }));
    fleet.reportInventory(agent('e'), applied(7));
    fleet.agentLeft(agent('e'));
    expect(fleet.breaker('shop', 'payments')).toMatchObject({
      override,
      delivery: { revision: 7, applied: 1, failed: 1, pending: 2 },
    });
    fleet.setDesired('shop', 'payments', null);
    expect(fleet.breaker('shop', 'payments')).toMatchObject({
      override: null,
      delivery: { revision: 0, applied: 0, failed: 0, pending: 0 },
    });
  });

  it('shows an override no longer than it is in force, and says so', () => {
    const { fleet, clock, changes } = fleetAt();
    fleet.reportInventory(agent('a'), applied(1));
    const expiresAt = new Date(START + 60_000).toISOString();
    fleet.setDesired('shop', 'payments', {
      revision: 1,
      override: { mode: 'disabled', reason: 'drill', actor: 'operator', expiresAt },
    });
    changes.length = 0;
    clock.now += 60_000;
    fleet.sweep();
    expect(changes).toEqual(['shop/payments']);
    expect(fleet.breaker('shop', 'payments')?.override).toBeNull();
  });
});

describe('lists', () => {
  const filled = () => {
    const { fleet } = fleetAt();
    for (const service of ['b-service', 'a/service'])
      for (const breaker of ['stock', 'Payments', 'mail'])
        fleet.apply(status(agent('i', service), breaker, breaker === 'mail' ? 'open' : 'closed', START));
    return fleet;
  };
  const names = (items: readonly { service: string; breaker: string }[]) =>
    items.map(({ service, breaker }) => `${service}:${breaker}`);

  it('come in the order of service and breaker, page by page', () => {
    const fleet = filled();
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page = fleet.breakers({ limit: 4, ...(cursor !== null && { cursor }) });
      seen.push(...names(page.items));
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(seen).toEqual([
      'a/service:Payments',
      'a/service:mail',
      'a/service:stock',
      'b-service:Payments',
      'b-service:mail',
      'b-service:stock',
    ]);
  });

  it('go on after the cursor when its breaker is gone and others came', () => {
    const fleet = filled();
    const first = fleet.breakers({ limit: 2 });
    fleet.apply(status(agent('i', 'a/service'), 'aaa', 'closed', START));
    fleet.apply(status(agent('i', 'a/service'), 'nnn', 'closed', START));
    expect(names(fleet.breakers({ limit: 2, cursor: first.nextCursor! }).items)).toEqual([
      'a/service:nnn',
      'a/service:stock',
    ]);
  });

  it('are filtered by service, by state, and by text in any case', () => {
    const fleet = filled();
    expect(names(fleet.breakers({ service: 'a/service', state: 'open' }).items)).toEqual(['a/service:mail']);
    expect(names(fleet.breakers({ q: 'PAY' }).items)).toEqual(['a/service:Payments', 'b-service:Payments']);
    expect(fleet.breakers({ state: 'forced_open' })).toEqual({ items: [], nextCursor: null });
  });

  it('refuse a cursor that no page gave out, and a limit out of range', () => {
    const fleet = filled();
    for (const cursor of ['', '!', 'bm9wZQ', Buffer.from('[1,2]').toString('base64url')])
      expect(() => fleet.breakers({ cursor })).toThrow(InvalidInputError);
    expect(() => fleet.breakers({ limit: 1_001 })).toThrow('`limit` must be an integer from 1 to 1000, got 1001');
  });
});

describe('changes', () => {
  it('are told once per call, and not where only the time of the last news moved', () => {
    const { fleet, clock, changes } = fleetAt();
    fleet.apply(status(agent('a'), 'payments', 'closed', START));
    expect(changes).toEqual(['shop/payments']);
    clock.now += 10_000;
    fleet.apply(status(agent('a'), 'payments', 'closed', clock.now));
    expect(changes).toHaveLength(1);
    fleet.apply(status(agent('a'), 'payments', 'open', clock.now));
    expect(changes).toHaveLength(2);
  });

  it('end when the listener is taken away', () => {
    const { fleet } = fleetAt();
    let heard = 0;
    const stop = fleet.onChange(() => {
      heard += 1;
    });
    stop();
    fleet.apply(status(agent('a'), 'payments', 'closed', START));
    expect(heard).toBe(0);
  });

  it('start with the first time a breaker is seen on an instance', () => {
    const { fleet } = fleetAt();
    const seen: string[] = [];
    fleet.onFirstSeen((of, breaker, at) => seen.push(`${of.service} ${of.instance} ${breaker} ${at}`));
    fleet.apply(status(agent('a'), 'payments', 'closed', START));
    fleet.apply(status(agent('a'), 'payments', 'open', START));
    fleet.reportInventory(agent('b'), inventory({ payments: {} }));
    expect(seen).toEqual([`shop a payments ${START}`, `shop b payments ${START}`]);
  });
});

describe('bounds', () => {
  it('turn away what does not fit and count it', () => {
    const { fleet } = fleetAt({ maxBreakerInstances: 2 });
    fleet.apply(['a', 'b', 'c'].flatMap((name) => status(agent(name), 'payments', 'closed', START)));
    expect(fleet.breaker('shop', 'payments')?.byInstance.map(({ instance }) => instance)).toEqual(['a', 'b']);
    expect(fleet.stats().refused).toBe(6);
  });

  it('make room by giving up what is gone', () => {
    const { fleet, clock } = fleetAt({ maxBreakerInstances: 2 });
    fleet.apply(['a', 'b'].flatMap((name) => status(agent(name), 'payments', 'closed', START)));
    fleet.agentLeft(agent('a'));
    clock.now += 2_000;
    fleet.apply(status(agent('c'), 'payments', 'closed', clock.now));
    expect(fleet.breaker('shop', 'payments')?.byInstance.map(({ instance }) => instance)).toEqual(['b', 'c']);
    expect(fleet.stats().refused).toBe(0);
  });

  it('hold for what is restored, too', () => {
    const { fleet } = fleetAt({ maxBreakerInstances: 1 });
    fleet.restore(['a', 'b'].map((name) => ({ agent: agent(name), breaker: 'payments', lastSeenAt: START - 1_000 })));
    expect(fleet.agents().map(({ instance, liveness }) => [instance, liveness])).toEqual([['a', 'stale']]);
    expect(fleet.stats()).toMatchObject({ refused: 1, instances: { stale: 1 } });
  });

  it('hold for breakers that come while others of their process are known', () => {
    const { fleet } = fleetAt({ maxBreakerInstances: 2 });
    fleet.restore(['x', 'y', 'z'].map((breaker) => ({ agent: agent('a'), breaker, lastSeenAt: START - 11 * MINUTE })));
    expect(fleet.agents()).toMatchObject([{ instance: 'a', breakers: 2, liveness: 'gone' }]);
    fleet.apply(status(agent('b'), 'payments', 'closed', START));
    expect(fleet.breaker('shop', 'payments')?.state).toBe('closed');
    expect(fleet.has('shop', 'x')).toBe(false);
  });

  it('hold for the wires of a breaker', () => {
    const { fleet } = fleetAt();
    const points = Array.from({ length: 40 }, (_, index) =>
      metric(agent('a'), 'payments', 'wireDepth', { [ATTR.wireName]: `wire-${index}` }, 1, START),
    );
    fleet.apply(points);
    expect(fleet.breaker('shop', 'payments')?.wires).toHaveLength(32);
    expect(fleet.stats().refused).toBe(8);
  });
});
