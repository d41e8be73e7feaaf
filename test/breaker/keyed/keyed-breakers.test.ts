import { describe, expect, test } from 'vitest';
import {
  allBreakers,
  BreakerClosedDownError,
  bufferWire,
  createBreaker,
  fallbackWire,
  findBreaker,
  InvalidInputError,
  isReceipt,
  keyedBreakers,
} from '../../../src/breaker/index.ts';
import { deferred, ending, failTimes } from '../support.ts';
import { makeGroup } from './support.ts';

const good = () => 'good';

describe('a group of keyed breakers', () => {
  test('has one breaker for each key, made when it is first asked for', () => {
    const { group } = makeGroup();
    expect(group.size).toBe(0);
    const acme = group.get('acme');
    expect(group.get('acme')).toBe(acme);
    expect(group.get('umbrella')).not.toBe(acme);
    expect(group.keys()).toEqual(['acme', 'umbrella']);
  });

  test('one key’s failures do not open another’s breaker', async () => {
    const { group } = makeGroup();
    await failTimes(group.get('acme'), 3);
    expect(group.get('acme').state).toBe('open');
    expect(await group.get('umbrella').execute(good)).toBe('good');
  });

  test('keys named like what every object has are keys like any other', () => {
    const { group } = makeGroup();
    expect(group.get('constructor')).not.toBe(group.get('__proto__'));
    expect(group.keys()).toEqual(['constructor', '__proto__']);
  });

  test('its breakers are not in the registry of the process', () => {
    const { group } = makeGroup();
    const before = allBreakers().length;
    group.get('acme');
    expect(allBreakers()).toHaveLength(before);
  });

  test('a breaker closed by hand makes room for a new one of its key', async () => {
    const { group } = makeGroup();
    const acme = group.get('acme');
    await acme.close();
    expect(await ending(acme.execute(good))).toBeInstanceOf(BreakerClosedDownError);
    expect(await group.get('acme').execute(good)).toBe('good');
    expect(group.stats().calls.success).toBe(1);
  });

  test('after its close it makes no breakers, and those it made take no calls; its name is free', async () => {
    const { group, observer } = makeGroup({}, 'closing');
    const acme = group.get('acme');
    await group.close();
    expect(() => group.get('acme')).toThrow(BreakerClosedDownError);
    expect(await ending(acme.execute(good))).toBeInstanceOf(BreakerClosedDownError);
    expect(observer.heard.map(({ kind }) => kind)).toEqual(['added', 'removed']);
    await makeGroup({}, 'closing').group.close();
  });
});

describe('eviction', () => {
  test('where the group is full, the one asked for longest ago goes', () => {
    const { group } = makeGroup({ maxBreakers: 3 });
    for (const key of ['a', 'b', 'c', 'a', 'd']) group.get(key);
    expect([...group.keys()].sort()).toEqual(['a', 'c', 'd']);
  });

  test('a call counts as asking', async () => {
    const { group } = makeGroup({ maxBreakers: 2 });
    const protectedByA = group.get('a').protect(good);
    group.get('b');
    await protectedByA(undefined);
    group.get('c');
    expect([...group.keys()].sort()).toEqual(['a', 'c']);
  });

  test.each([
    ['execute', (breaker: Kept) => breaker.execute(good)],
    ['executeSync', (breaker: Kept) => breaker.executeSync(good)],
    ['acquire', (breaker: Kept) => breaker.acquire()?.recordSuccess()],
    ['allow', (breaker: Kept) => breaker.allow() && breaker.recordSuccess()],
  ])('a breaker in use by %s is not idle', async (_, use) => {
    const { group, clock } = makeGroup({ idleMs: 1_000 });
    const breaker = group.get('a');
    await clock.advance(900);
    await use(breaker);
    await clock.advance(900);
    expect(group.keys()).toEqual(['a']);
    await clock.advance(100);
    expect(group.keys()).toEqual([]);
  });

  test('one at rest goes before an open one, one with a call in flight and one with held calls', async () => {
    const { group } = makeGroup({ maxBreakers: 5, neutralWires: () => [bufferWire()] });
    await failTimes(group.get('open'), 3);
    const call = deferred();
    const flying = group.get('flying').execute(() => call.promise);
    group.get('holding').trip();
    await group.get('holding').protect(good)(1);
    group.get('holding').reset();
    group.get('rests');
    group.get('rests too');
    group.get('new');
    expect(group.keys()).toEqual(['open', 'flying', 'holding', 'rests too', 'new']);
    call.resolve('late');
    expect(await flying).toBe('late');
    await group.close();
  });

  test('where all are busy, the one asked for longest ago goes all the same', async () => {
    const { group } = makeGroup({ maxBreakers: 2 });
    for (const key of ['a', 'b']) group.get(key).trip();
    group.get('c');
    expect(group.keys()).toEqual(['b', 'c']);
    await failTimes(group.get('c'), 3);
    expect(group.get('a').state).toBe('closed');
  });

  test('one that nobody asks for goes after idleMs, without a timer', async () => {
    const { group, clock } = makeGroup({ idleMs: 60_000 });
    group.get('a');
    await clock.advance(59_999);
    expect(group.keys()).toEqual(['a']);
    expect(clock.pendingTimers).toBe(0);
    await clock.advance(1);
    expect(group.keys()).toEqual([]);
  });

  test('asking for other keys is enough for idle ones to go', async () => {
    const { group, clock, observer } = makeGroup({ idleMs: 60_000, seriesPerKey: true }, 'hosts');
    for (let host = 0; host < 100; host++) group.get(`idle-${host}`);
    await clock.advance(60_000);
    for (let asked = 0; asked < 101; asked++) group.get('busy');
    expect(observer.of('removed')).toHaveLength(100);
    await group.close();
  });

  test('an idle breaker is not given out any more, even where nobody has looked at it', async () => {
    const { group, clock } = makeGroup({ idleMs: 1_000, cooldownMs: 60_000 });
    for (const key of ['a', 'b']) group.get(key).trip();
    const idle = group.get('c');
    await clock.advance(1_000);
    expect(group.get('c')).not.toBe(idle);
  });

  test('an idle breaker stays while its cooldown, its call or its lockout lasts', async () => {
    const { group, clock } = makeGroup({
      idleMs: 1_000,
      cooldownMs: 5_000,
      timeoutMs: null,
      trip: { countOverdue: false },
    });
    group.get('open').trip();
    const call = deferred();
    const flying = group.get('flying').execute(() => call.promise);
    const expiresAt = new Date(clock.wallMs() + 8_000).toISOString();
    group.get('locked').holdIn({ mode: 'forced_open', reason: 'move', actor: 'jo', expiresAt });
    group.get('disabled').holdIn({ mode: 'disabled', reason: 'move', actor: 'jo', expiresAt });
    await clock.advance(4_999);
    expect(group.keys()).toEqual(['open', 'flying', 'locked', 'disabled']);
    await clock.advance(1);
    expect(group.keys()).toEqual(['flying', 'locked', 'disabled']);
    call.resolve('late');
    await flying;
    expect(group.keys()).toEqual(['locked', 'disabled']);
    await clock.advance(3_000);
    expect(group.keys()).toEqual([]);
  });

  test('a call in flight on an evicted breaker ends as it would have, and counts', async () => {
    const { group } = makeGroup({ maxBreakers: 1 });
    const call = deferred();
    const flying = group.get('a').execute(() => call.promise);
    group.get('b');
    expect(group.keys()).toEqual(['b']);
    call.resolve('late');
    expect(await flying).toBe('late');
    expect(group.stats().calls.success).toBe(1);
  });

  test('an evicted breaker goes on for whoever has it, and its calls count', async () => {
    const { group, observer } = makeGroup({ maxBreakers: 1 });
    const kept = group.get('a');
    await kept.execute(good);
    group.get('b');
    expect(await kept.execute(good)).toBe('good');
    expect(group.stats().calls.success).toBe(2);
    await failTimes(kept, 3);
    expect(kept.state).toBe('open');
    for (const key of ['c', 'd', 'e']) group.get(key);
    expect(group.stats().calls).toMatchObject({ success: 2, failure: 3 });
    await kept.execute(good).catch(() => undefined);
    expect(group.stats().calls).toMatchObject({ success: 2, failure: 3, rejected: 1 });
    expect(observer.of('transitioned')).toHaveLength(1);
    expect(group.get('a')).not.toBe(kept);
  });

  test('what a buffer of an evicted breaker holds is dropped and counted', async () => {
    const { group, observer, clock } = makeGroup({ maxBreakers: 1, neutralWires: () => [bufferWire()] });
    group.get('a').trip();
    const kept = group.get('a').protect(good);
    expect(isReceipt(await kept(1))).toBe(true);
    group.get('b');
    expect(group.stats().wires).toMatchObject([{ name: 'buffer', buffered: 1, dropped: 0, depth: 1 }]);
    await clock.advance(0);
    expect(observer.of('dropped')).toEqual([{ wire: 'buffer', reason: 'shutdown', depth: 0 }]);
    expect(group.stats().wires).toMatchObject([{ name: 'buffer', buffered: 1, dropped: 1, depth: 0 }]);
    expect(await ending(kept(1))).toMatchObject({ code: 'BREAKER_OPEN' });
    await group.close();
  });

  test('10,000 keys through a group of 100 leave 100 breakers', async () => {
    const { group, observer } = makeGroup({ maxBreakers: 100 });
    for (let key = 0; key < 10_000; key++) {
      await group.get(`tenant-${key}`).execute(good);
      expect(group.size).toBeLessThanOrEqual(100);
    }
    expect(group.size).toBe(100);
    expect(group.stats().calls.success).toBe(10_000);
    expect(observer.of('added')).toHaveLength(1);
  });
});

type Kept = ReturnType<ReturnType<typeof makeGroup>['group']['get']>;

describe('wires of a group', () => {
  test('each key’s breaker has wires of its own', async () => {
    const { group } = makeGroup({ neutralWires: (key) => [fallbackWire(() => `${key} from the cache`)] });
    for (const key of ['a', 'b']) {
      group.get(key).trip();
      expect(await group.get(key).execute(good)).toBe(`${key} from the cache`);
    }
    expect(group.stats().wires).toMatchObject([{ name: 'fallback', served: 2 }]);
  });

  test('names of wires have a bound over all keys, since each has series', () => {
    const { group } = makeGroup({ neutralWires: (key) => [fallbackWire(good, { name: key })] });
    for (let key = 0; key < 16; key++) group.get(`wire-${key}`);
    expect(() => group.get('wire-16')).toThrow('`neutralWires` must use at most 16 names of wires');
    expect(group.size).toBe(16);
  });

  test('wires that break a rule cost nobody a place', () => {
    const { group } = makeGroup({ maxBreakers: 1, neutralWires: (key) => (key === 'bad' ? [{} as never] : []) });
    group.get('a');
    expect(() => group.get('bad')).toThrow('`neutralWires[0]` must be a neutral wire');
    expect(group.keys()).toEqual(['a']);
  });
});

describe('settings of a group', () => {
  test('a change holds for the breakers there are and for those to come', () => {
    const { group } = makeGroup();
    const a = group.get('a');
    group.configure({ trip: { failures: 7 } });
    expect([a, group.get('b')].map(({ settings }) => settings.trip.failures)).toEqual([7, 7]);
    group.configure(undefined);
    expect([a, group.get('b'), group.get('c')].map(({ settings }) => settings.trip.failures)).toEqual([3, 3, 3]);
  });

  test('what was laid over one breaker stays on top', () => {
    const { group } = makeGroup();
    const a = group.get('a');
    a.configure({ cooldownMs: 77 });
    group.configure({ trip: { failures: 7 } });
    expect(a.settings).toMatchObject({ cooldownMs: 77, trip: { failures: 7 } });
    a.configure(undefined);
    expect(a.settings).toMatchObject({ cooldownMs: 1_000, trip: { failures: 7 } });
  });

  test('a change that breaks a rule for one of them changes none', () => {
    const { group } = makeGroup();
    group.get('a');
    group.get('b').configure({ trip: { failures: null, slowRatio: 0.5 } });
    expect(() => group.configure({ trip: { slowMs: null, slowRatio: null } })).toThrow(InvalidInputError);
    expect(group.get('a').settings.trip.slowRatio).toBe(0.5);
    expect(group.get('c').settings.trip.slowRatio).toBe(0.5);
  });
});

describe('series for each key', () => {
  test('each breaker is one like any other, until it is evicted', async () => {
    const { group, observer } = makeGroup({ maxBreakers: 1, seriesPerKey: true }, 'hosts');
    const a = group.get('a');
    expect(findBreaker('hosts/a')).toBe(a);
    group.get('b');
    expect(findBreaker('hosts/a')).toBeUndefined();
    expect(allBreakers().map(({ name }) => name)).toContain('hosts/b');
    expect(observer.heard.map(({ kind, breaker }) => `${kind} ${breaker}`)).toEqual([
      'added hosts/a',
      'added hosts/b',
      'removed hosts/a',
    ]);
    await group.close();
    expect(findBreaker('hosts/b')).toBeUndefined();
  });

  test('a key that makes no name is refused', async () => {
    const { group } = makeGroup({ seriesPerKey: true }, 'hosts');
    const taken = createBreaker('hosts/taken', { telemetry: 'off' });
    expect(() => group.get('x'.repeat(115))).toThrow(
      '`key` makes a breaker\'s name with "hosts/" before it, which must',
    );
    expect(() => group.get('taken')).toThrow('`key` must not make the name of another breaker, "hosts/taken"');
    await Promise.all([group.close(), taken.close()]);
  });
});

describe('bad input', () => {
  test.each([
    [{ maxBreakers: 0 }, '`maxBreakers` must be an integer from 1 to 100000, got 0'],
    [{ idleMs: 1.5 }, '`idleMs` must be an integer from 1 to 86400000, got 1.5'],
    [{ seriesPerKey: 'yes' }, '`seriesPerKey` must be true or false, got "yes"'],
    [{ neutralWires: [] }, '`neutralWires` must be a function that makes the wires of a key'],
    [{ trip: { failureRatio: 5 } }, '`trip.failureRatio` must be in (0, 1], got 5'],
    [{ trip: { failureRatio: null, slowRatio: null } }, '`trip` must keep at least one of'],
    [{ maxBreaker: 5 }, '`maxBreaker` is unknown; known here: trip, '],
    [null, '`options` must be an object, got null'],
  ])('%j is refused', (options, message) => {
    expect(() => keyedBreakers('refused', options as never)).toThrow(message);
    // Nothing is left of it: the name is still free.
    expect(() => keyedBreakers('refused', { maxBreakers: -1 })).toThrow(/^`maxBreakers`[^;]*$/);
  });

  test.each([[''], ['x'.repeat(121)], [7], [undefined], [null]])('the key %j is refused', (key) => {
    const { group } = makeGroup();
    expect(() => group.get(key as string)).toThrow('`key` must be a string of 1 to 120 characters');
    expect(group.size).toBe(0);
  });

  test('its name is unique among breakers and groups', async () => {
    const breaker = createBreaker('unique', { telemetry: 'off' });
    expect(() => keyedBreakers('unique')).toThrow('`name` must be unique in the process');
    await breaker.close();
    const group = keyedBreakers('unique', { telemetry: 'off' });
    expect(() => keyedBreakers('unique')).toThrow('`name` must be unique in the process');
    expect(() => createBreaker('unique')).toThrow('`name` must be unique in the process');
    await group.close();
    await createBreaker('unique', { telemetry: 'off' }).close();
  });
});
