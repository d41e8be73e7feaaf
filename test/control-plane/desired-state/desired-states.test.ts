import { createHash } from 'node:crypto';
import { checkDesiredState, DEFAULT_SETTINGS, InvalidInputError, type SettingsPatch } from '@switchgear/conventions';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DesiredStateConflictError } from '../../../src/control-plane/desired-state/changes.ts';
import { DesiredStates } from '../../../src/control-plane/desired-state/desired-states.ts';
import { SqliteStore } from '../../../src/control-plane/store/sqlite-store.ts';

const SECOND = 1_000;
const DAY = 86_400_000;

describe('desired state', () => {
  let now: number;
  let store: SqliteStore;
  let desired: DesiredStates;
  let changed: string[];

  beforeEach(() => {
    now = Date.parse('2026-01-01T00:00:00Z');
    store = new SqliteStore({ file: ':memory:', now: () => now });
    desired = new DesiredStates({ store, now: () => now });
    changed = [];
    desired.onDocumentChange((service) => changed.push(service));
  });
  afterEach(() => store.close());

  const lockout = (forMs: number) => ({ mode: 'forced_open' as const, reason: 'why', expiresAt: at(now + forMs) });
  const audit = async () => (await store.audit({ limit: 100 })).items;

  test('a service nobody steered has the empty document', () => {
    expect(desired.documentFor('shop')).toMatchObject({ revision: 0, breakers: {} });
  });

  test('the document of one service does not change with another', async () => {
    await desired.override('shop', 'payments', lockout(60 * SECOND), 'operator');
    const before = desired.encodedFor('shop');
    await desired.override('other', 'payments', lockout(60 * SECOND), 'operator');
    expect(desired.encodedFor('shop').hash.equals(before.hash)).toBe(true);
    expect(changed).toEqual(['shop', 'other']);
  });

  test('the hash is the SHA-256 of the text, and the text is a valid document', async () => {
    await desired.configure('shop', 'payments', { cooldownMs: 1 }, [], 'operator');
    await desired.override('shop', 'payments', lockout(60 * SECOND), 'operator');
    const { body, hash } = desired.encodedFor('shop');
    expect(hash.equals(createHash('sha256').update(body).digest())).toBe(true);
    expect(checkDesiredState(JSON.parse(body.toString()))).toEqual([]);
  });

  test('a breaker named like a property of every object is a breaker like any other', async () => {
    await desired.override('shop', '__proto__', lockout(60 * SECOND), 'operator');
    expect(desired.encodedFor('shop').body.toString()).toContain('"__proto__":{"revision":1,"override"');
  });

  test('an override that runs out is removed by the system, with a revision and an audit entry', async () => {
    await desired.override('shop', 'payments', lockout(60 * SECOND), 'operator');
    now += 60 * SECOND - 1;
    await desired.sweep();
    expect(desired.get('shop', 'payments')?.override).not.toBeNull();
    now += 1;
    await desired.sweep();
    expect(desired.documentFor('shop').breakers).toEqual({ payments: { revision: 2 } });
    expect((await audit())[0]).toMatchObject({ actor: 'system', action: 'expire', revision: 2, after: null });
    await desired.sweep();
    expect(await audit()).toHaveLength(2);
  });

  test('an override put anew before the old one ran out is not taken away with it', async () => {
    await desired.override('shop', 'payments', lockout(10 * SECOND), 'operator');
    await desired.override('shop', 'payments', lockout(60 * SECOND), 'operator');
    now += 10 * SECOND;
    await desired.sweep();
    expect(desired.get('shop', 'payments')).toMatchObject({ revision: 2, override: { mode: 'forced_open' } });
  });

  test('an action leaves the document after 60 s, without a new revision, and its generation is not used again', async () => {
    await desired.act('shop', 'payments', 'trip', 'drill', 'operator');
    const hash = desired.encodedFor('shop').hash;
    now += 59_999;
    await desired.sweep();
    expect(desired.documentFor('shop').breakers.payments).toMatchObject({ action: { kind: 'trip', generation: 1 } });
    now += 1;
    await desired.sweep();
    expect(desired.documentFor('shop').breakers).toEqual({ payments: { revision: 1 } });
    expect(desired.encodedFor('shop').hash.equals(hash)).toBe(false);
    const { action } = await desired.act('shop', 'payments', 'trip', 'again', 'operator');
    expect(action?.generation).toBe(2);
  });

  test('an action after a restart does not come back once its time is over', async () => {
    await desired.act('shop', 'payments', 'trip', 'drill', 'operator');
    now += 60_000;
    const restarted = new DesiredStates({ store, now: () => now });
    await restarted.load();
    expect(restarted.documentFor('shop').breakers).toEqual({ payments: { revision: 1 } });
  });

  test.each(['trip', 'reset'] as const)(
    'a %s while an override is held is refused, and leaves nothing behind',
    async (kind) => {
      await desired.override('shop', 'payments', lockout(60 * SECOND), 'operator:ada');
      const refused = desired.act('shop', 'payments', kind, 'please', 'operator');
      await expect(refused).rejects.toThrow(DesiredStateConflictError);
      await expect(refused).rejects.toThrow(/forced_open of operator:ada .* release it first/);
      expect(await audit()).toHaveLength(1);
      now += 60 * SECOND;
      await desired.act('shop', 'payments', kind, 'please', 'operator');
      expect(await audit()).toHaveLength(2);
    },
  );

  test('an override drops the action still on its way', async () => {
    await desired.act('shop', 'payments', 'reset', 'why', 'operator');
    await desired.override('shop', 'payments', lockout(60 * SECOND), 'operator');
    expect(desired.documentFor('shop').breakers.payments).not.toHaveProperty('action');
  });

  test.each([
    ['in the past', -1, /`expiresAt` must be in the future/],
    ['now', 0, /`expiresAt` must be in the future/],
    ['more than 30 days ahead', 30 * DAY + 1, /`expiresAt` must be at most 30 days ahead/],
  ])('an expiry %s is refused', async (_, forMs, message) => {
    const refused = desired.override('shop', 'payments', lockout(forMs), 'operator');
    await expect(refused).rejects.toThrow(InvalidInputError);
    await expect(refused).rejects.toThrow(message);
    expect(await audit()).toEqual([]);
  });

  test('an expiry of exactly 30 days is taken, whatever its offset', async () => {
    const request = { ...lockout(0), expiresAt: '2026-01-31T02:00:00+02:00' };
    const { override } = await desired.override('shop', 'payments', request, 'operator');
    expect(override?.expiresAt).toBe('2026-01-31T00:00:00.000Z');
  });

  test.each([
    [{ cooldownMs: 0 }, /`cooldownMs` must be an integer from 1 to 86400000, got 0/],
    [{ trip: { failureRatio: 2 } }, /`trip.failureRatio` must be in \(0, 1\], got 2/],
    [{ surprise: 1 } as SettingsPatch, /`surprise` is unknown/],
    [{ trip: { failureRatio: null, slowRatio: null } }, /`trip` must keep at least one/],
    [{ trip: { slowMs: null } }, /`trip.slowMs` must be set where slowRatio is, got null/],
    [{ cooldownMs: { baseMs: 2, maxMs: 1 } }, /`cooldownMs.maxMs` must not be below baseMs, got 1/],
    [{ cooldownMs: { baseMs: 0 } }, /`cooldownMs.baseMs` must be an integer from 1 to 86400000, got 0/],
    [{ halfOpen: { ramp: [0.5, 0.1] } }, /`halfOpen.ramp` must be a list of at most 10 numbers in \(0, 1\)/],
    [{ maxConcurrent: 0 }, /`maxConcurrent` must be an integer from 1 to 1000000, got 0/],
  ])('settings that break a rule are refused: %j', async (patch, message) => {
    await expect(desired.configure('shop', 'payments', patch, [DEFAULT_SETTINGS], 'operator')).rejects.toThrow(message);
    expect(await audit()).toEqual([]);
  });

  test('a cooldown that contradicts itself is refused although no instance has told its settings', async () => {
    const refused = desired.configure('shop', 'payments', { cooldownMs: { baseMs: 2, maxMs: 1 } }, [], 'operator');
    await expect(refused).rejects.toThrow(/`cooldownMs.maxMs` must not be below baseMs, got 1/);
    await desired.configure('shop', 'payments', { trip: { failureRatio: null, slowRatio: null } }, [], 'operator');
    expect(await audit()).toHaveLength(1);
  });
});

function at(ms: number): string {
  return new Date(ms).toISOString();
}
