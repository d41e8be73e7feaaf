import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { DesiredChange, KnownBreaker, NewEvent, Store } from '../../../src/control-plane/store/store.ts';

/** A place that stores can be opened on, one after the other. */
export interface StorePlace {
  open(now: () => number): Promise<Store> | Store;
  remove(): Promise<void> | void;
}

/** What every store must do. `makePlace` gives an empty place; whatever was acknowledged there must be there on reopening. */
export function storeContract(name: string, makePlace: () => Promise<StorePlace> | StorePlace): void {
  describe(`${name} keeps the contract of a store`, () => {
    let place: StorePlace;
    let store: Store;
    let now: number;

    beforeEach(async () => {
      now = 1_000_000;
      place = await makePlace();
      store = await place.open(() => now);
    });

    afterEach(async () => {
      await store.close();
      await place.remove();
    });

    async function reopen(): Promise<void> {
      await store.close();
      store = await place.open(() => now);
    }

    test('events come back newest first, page by page, without a gap or a double', async () => {
      await store.appendEvents(Array.from({ length: 25 }, (_, index) => event({ at: index })));
      const seen: number[] = [];
      let before: number | undefined;
      do {
        const page = await store.events({ limit: 10, ...(before !== undefined && { before }) });
        seen.push(...page.items.map(({ at }) => at));
        before = page.next ?? undefined;
      } while (before !== undefined);
      expect(seen).toEqual(Array.from({ length: 25 }, (_, index) => 24 - index));
    });

    test('the last page that is exactly full has no next page', async () => {
      await store.appendEvents([event({}), event({})]);
      expect((await store.events({ limit: 2 })).next).toBeNull();
    });

    test('events are found by service, breaker and name, alone and together', async () => {
      await store.appendEvents([
        event({ service: 'shop', breaker: 'payments', event: 'breaker.trip' }),
        event({ service: 'shop', breaker: 'payments', event: 'breaker.reset' }),
        event({ service: 'shop', breaker: 'inventory', event: 'breaker.trip' }),
        event({ service: 'ns/other', breaker: 'payments', event: 'breaker.trip' }),
      ]);
      const count = async (filter: object) => (await store.events({ limit: 100, ...filter })).items.length;
      expect(await count({ service: 'shop' })).toBe(3);
      expect(await count({ breaker: 'payments' })).toBe(3);
      expect(await count({ events: ['breaker.trip'] })).toBe(3);
      expect(await count({ events: ['breaker.reset', 'breaker.trip'] })).toBe(4);
      expect(await count({ events: [] })).toBe(0);
      expect(await count({ service: 'shop', breaker: 'payments', events: ['breaker.trip'] })).toBe(1);
      expect(await count({ service: "' OR 1=1 --" })).toBe(0);
    });

    test('an event comes back as it was stored, on another opening too', async () => {
      const original = event({
        attributes: { 'breaker.failure.ratio': 0.5, note: 'ünïcode \u0000', flag: true },
        traceId: 'aa'.repeat(16),
        spanId: 'bb'.repeat(8),
      });
      const [stored] = await store.appendEvents([original]);
      await reopen();
      expect((await store.events({ limit: 1 })).items).toEqual([{ ...original, id: stored!.id }]);
    });

    test('batches appended at the same time are all stored and keep their own ids', async () => {
      const batches = await Promise.all([1, 2, 3].map((at) => store.appendEvents([event({ at }), event({ at })])));
      const ids = batches.flat().map(({ id }) => id);
      expect(new Set(ids).size).toBe(6);
      for (const stored of batches.flat()) {
        const { items } = await store.events({ limit: 1, before: stored.id + 1 });
        expect(items[0]).toEqual(stored);
      }
    });

    test('an append that was begun before the close is stored', async () => {
      const append = store.appendEvents([event({ at: 7 })]);
      await reopen();
      await append;
      expect((await store.events({ limit: 10 })).items.map(({ at }) => at)).toEqual([7]);
    });

    test('retention removes what came in too long ago and the oldest above the count', async () => {
      await store.appendEvents([event({ at: 1 })]);
      now += 10_000;
      await store.appendEvents([2, 3, 4, 5].map((at) => event({ at })));
      expect(await store.pruneEvents({ before: now - 5_000, maxCount: 3 })).toBe(2);
      expect((await store.events({ limit: 10 })).items.map(({ at }) => at)).toEqual([5, 4, 3]);
      expect(await store.pruneEvents({ before: now - 5_000, maxCount: 3 })).toBe(0);
    });

    test('the age of an event is that of its arrival: a sender whose clock is behind loses nothing', async () => {
      await store.appendEvents([event({ at: 0 })]);
      expect(await store.pruneEvents({ before: now - 1, maxCount: 10 })).toBe(0);
    });

    test('known breakers survive with their agent, and one agent has several', async () => {
      await store.rememberBreakers([known({ breaker: 'a' }), known({ breaker: 'b' })]);
      await store.rememberBreakers([known({ breaker: 'a', lastSeenAt: 900 })]);
      await reopen();
      expect(await store.knownBreakers()).toEqual([known({ breaker: 'a' }), known({ breaker: 'b' })]);
    });

    test('an agent is touched forward, never back, and a touch makes none up', async () => {
      await store.rememberBreakers([known({ lastSeenAt: 1_000 })]);
      await store.touchAgents([{ service: 'shop', instance: 'shop-1', at: 5_000 }]);
      await store.touchAgents([
        { service: 'shop', instance: 'shop-1', at: 4_000 },
        { service: 'shop', instance: 'nobody', at: 4_000 },
      ]);
      expect((await store.knownBreakers()).map(({ lastSeenAt }) => lastSeenAt)).toEqual([5_000]);
    });

    test('a breaker that is gone comes back as gone, with its own time, until it is back', async () => {
      await store.rememberBreakers(['a', 'b', 'c'].map((breaker) => known({ breaker, lastSeenAt: 1_000 })));
      const mark = { service: 'shop', instance: 'shop-1' };
      await store.markGone([
        { ...mark, breaker: 'a', goneSince: 2_000 },
        { ...mark, breaker: 'b', goneSince: 3_000 },
        { ...mark, breaker: 'c', goneSince: 3_000 },
        { ...mark, breaker: 'nobody', goneSince: 3_000 },
      ]);
      await store.touchAgents([{ service: 'shop', instance: 'shop-1', at: 9_000 }]);
      await store.markGone([{ ...mark, breaker: 'b', goneSince: null }]);
      await store.rememberBreakers([known({ breaker: 'c', lastSeenAt: 9_000 })]);
      await reopen();
      expect(await store.knownBreakers()).toEqual([
        known({ breaker: 'a', lastSeenAt: 2_000, gone: true }),
        known({ breaker: 'b', lastSeenAt: 9_000 }),
        known({ breaker: 'c', lastSeenAt: 9_000 }),
      ]);
    });

    test('an agent that is forgotten takes its breakers along, others stay', async () => {
      await store.rememberBreakers([
        known({ lastSeenAt: 1 }),
        known({ agent: { service: 'shop', instance: 'shop-2' }, lastSeenAt: 9 }),
      ]);
      expect(await store.forgetAgents(5)).toBe(1);
      expect((await store.knownBreakers()).map(({ agent }) => agent.instance)).toEqual(['shop-2']);
    });

    test('a change of desired state and its audit entry are there after another opening', async () => {
      const applied = await store.changeDesired('shop', 'payments', () => change({ reason: 'maintenance' }));
      await reopen();
      expect(await store.desired()).toEqual([applied.record]);
      expect(applied.record).toMatchObject({ service: 'shop', breaker: 'payments', revision: 1, override: LOCKOUT });
      const { items } = await store.audit({ limit: 10 });
      expect(items).toEqual([applied.entry]);
      expect(items[0]).toMatchObject({ revision: 1, reason: 'maintenance', before: null, after: LOCKOUT });
    });

    test('revisions rise over all services and are not used again after another opening', async () => {
      const revisions: number[] = [];
      const next = async (service: string) =>
        revisions.push((await store.changeDesired(service, 'b', () => change({}))).record.revision);
      await next('one');
      await next('two');
      await reopen();
      await next('one');
      expect(revisions).toEqual([1, 2, 3]);
    });

    test('a decision sees the current record and the revision it will have', async () => {
      const first = await store.changeDesired('shop', 'payments', () => change({}));
      await store.changeDesired('shop', 'payments', (current, revision) => {
        expect(current).toEqual(first.record);
        expect(revision).toBe(2);
        return change({});
      });
    });

    test('a decision that throws leaves no record, no audit entry and no revision behind', async () => {
      const refused = store.changeDesired('shop', 'payments', () => {
        throw new Error('refused');
      });
      await expect(refused).rejects.toThrow('refused');
      expect(await store.desired()).toEqual([]);
      expect((await store.audit({ limit: 10 })).items).toEqual([]);
      expect((await store.changeDesired('shop', 'payments', () => change({}))).record.revision).toBe(1);
    });

    test('the audit trail is paged and found by breaker', async () => {
      for (const breaker of ['a', 'b', 'a']) await store.changeDesired('shop', breaker, () => change({}));
      const page = await store.audit({ limit: 1, breaker: 'a' });
      expect(page.items.map(({ revision }) => revision)).toEqual([3]);
      const rest = await store.audit({ limit: 1, breaker: 'a', before: page.next! });
      expect(rest).toMatchObject({ items: [{ revision: 1 }], next: null });
    });

    test('it answers while it is open, and not once it is closed', async () => {
      await store.ping();
      await store.close();
      await expect(store.ping()).rejects.toThrow();
      await store.close();
    });
  });
}

const LOCKOUT = {
  mode: 'forced_open',
  reason: 'maintenance',
  actor: 'operator',
  expiresAt: '2026-01-31T12:00:00.000Z',
} as const;

function event(parts: Partial<NewEvent>): NewEvent {
  return {
    at: 1,
    service: 'shop',
    instance: 'shop-1',
    breaker: 'payments',
    event: 'breaker.trip',
    severity: 'WARN',
    attributes: {},
    traceId: null,
    spanId: null,
    ...parts,
  };
}

function known(parts: Partial<KnownBreaker>): KnownBreaker {
  return {
    agent: { service: 'shop', instance: 'shop-1', version: '1.2.3', environment: 'test' },
    breaker: 'payments',
    lastSeenAt: 1_000,
    gone: false,
    ...parts,
  };
}

function change({ reason = null }: { reason?: string | null }): DesiredChange {
  return {
    next: { override: LOCKOUT, action: null, generation: 0, config: null },
    audit: { at: 5, actor: 'operator', action: 'override', reason, before: null, after: LOCKOUT },
  };
}
