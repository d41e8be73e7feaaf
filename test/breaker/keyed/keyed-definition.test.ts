import { afterEach, describe, expect, test } from 'vitest';
import {
  allKeyedBreakers,
  type BreakerDefinition,
  findBreaker,
  InvalidInputError,
} from '../../../src/breaker/index.ts';
import { deferred, failTimes, QUICK } from '../support.ts';
import { makeGroup } from './support.ts';

afterEach(async () => {
  for (const group of allKeyedBreakers()) await group.close();
});

describe('a group with a mode of its own', () => {
  test('has breakers that are in it from the start, whenever they are made', async () => {
    const { group, observer } = makeGroup({ mode: 'shadow' });
    await failTimes(group.get('a'), 5);
    expect([group.get('a').state, group.get('b').state]).toEqual(['shadow', 'shadow']);
    expect(observer.of('transitioned')).toMatchObject([{ from: 'shadow', to: 'shadow' }]);
  });

  test.each(['shadow', 'disabled'] as const)('%s lets them go when nobody asks for them', async (mode) => {
    const { group, clock } = makeGroup({ mode, idleMs: 60_000, timeoutMs: null, trip: { countOverdue: false } });
    group.get('idle');
    const call = deferred();
    const flying = group.get('flying').execute(() => call.promise);
    const expiresAt = new Date(clock.wallMs() + 90_000).toISOString();
    group.get('held').holdIn({ mode, reason: 'trial', actor: 'jo', expiresAt });
    await clock.advance(60_000);
    expect(group.keys()).toEqual(['flying', 'held']);
    await clock.advance(30_000);
    expect(group.keys()).toEqual(['flying']);
    call.resolve('late');
    await flying;
  });

  test('counts them as at rest where one has to make room', async () => {
    const { group } = makeGroup({ mode: 'shadow', maxBreakers: 2, timeoutMs: null });
    const call = deferred();
    const flying = group.get('flying').execute(() => call.promise);
    group.get('rests');
    group.get('new');
    expect(group.keys()).toEqual(['flying', 'new']);
    call.resolve('late');
    await flying;
  });
});

describe('an override in the mode that the group has', () => {
  test('keeps its breaker where one has to make room', () => {
    const { group, clock } = makeGroup({ mode: 'shadow', maxBreakers: 2 });
    const expiresAt = new Date(clock.wallMs() + 90_000).toISOString();
    group.get('held').holdIn({ mode: 'shadow', reason: 'trial', actor: 'jo', expiresAt });
    group.get('rests');
    group.get('new');
    expect(group.keys()).toEqual(['held', 'new']);
  });
});

describe('a group that is redefined', () => {
  test('has the new settings and the new mode in the breakers there are and in those to come', async () => {
    const { group, observer } = makeGroup();
    const a = group.get('a');
    await failTimes(a, 2);
    group.redefine({ cooldownMs: 7_000, mode: 'shadow' });
    expect(observer.of('transitioned')).toMatchObject([{ from: 'closed', to: 'shadow', reason: 'operator' }]);
    for (const breaker of [a, group.get('b')]) {
      expect(breaker).toMatchObject({ mode: 'shadow', state: 'shadow', settings: { cooldownMs: 7_000 } });
      expect(breaker.settings.trip.failures).toBeNull();
    }
    group.redefine(QUICK);
    expect([a, group.get('c')].map(({ state, settings }) => [state, settings.trip.failures])).toEqual([
      ['closed', 3],
      ['closed', 3],
    ]);
  });

  test('keeps on top what was laid over all of them and over one', () => {
    const { group } = makeGroup();
    const a = group.get('a');
    a.configure({ timeoutMs: 77 });
    group.configure({ trip: { failures: 7 } });
    group.redefine({ ...QUICK, cooldownMs: 9_000 });
    expect(a.settings).toMatchObject({ timeoutMs: 77, trip: { failures: 7 }, cooldownMs: 9_000 });
    group.configure(undefined);
    a.configure(undefined);
    expect(a.settings).toEqual(group.get('b').settings);
    expect(a.settings).toMatchObject({ timeoutMs: 2_000, trip: { failures: 3 }, cooldownMs: 9_000 });
  });

  test('leaves one alone that was redefined by itself', () => {
    const { group } = makeGroup();
    const a = group.get('a');
    a.redefine({ cooldownMs: 5, mode: 'disabled' });
    a.configure({ timeoutMs: 77 });
    group.configure({ trip: { failures: 7 } });
    group.redefine({ cooldownMs: 9_000, mode: 'shadow' });
    expect(a).toMatchObject({
      state: 'disabled',
      settings: { cooldownMs: 5, timeoutMs: 77, trip: { failures: null } },
    });
    expect(group.get('b')).toMatchObject({ state: 'shadow', settings: { cooldownMs: 9_000, trip: { failures: 7 } } });
  });

  test.each<[string, BreakerDefinition]>([
    ['by itself', { cooldownMs: 0, mode: 'shadow' }],
    ['under what is laid over all', { trip: { failureRatio: null }, mode: 'shadow' }],
    ['under what is laid over one', { trip: { failures: 1, failureRatio: null }, mode: 'shadow' }],
  ])('into what breaks a rule %s changes nothing', (_, definition) => {
    const { group, observer } = makeGroup({ trip: { ...QUICK.trip, consecutive: 50 } });
    const a = group.get('a');
    group.configure({ trip: { slowRatio: null } });
    group.get('b').configure({ trip: { failures: null } });
    const before = [a, group.get('b')].map(({ settings }) => settings);
    expect(() => group.redefine(definition)).toThrow(InvalidInputError);
    expect([a, group.get('b')].map(({ settings }) => settings)).toEqual(before);
    expect([a, group.get('b'), group.get('c')].map(({ state }) => state)).toEqual(['closed', 'closed', 'closed']);
    expect(observer.of('transitioned')).toEqual([]);
  });

  test('with series for each key, has breakers of the registry like any other', () => {
    const { group } = makeGroup({ mode: 'shadow', seriesPerKey: true }, 'hosts');
    group.get('a');
    expect(findBreaker('hosts/a')?.mode).toBe('shadow');
    findBreaker('hosts/a')?.redefine({});
    expect(group.get('a').state).toBe('closed');
  });
});
