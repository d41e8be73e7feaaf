import { SpoolError, type SpooledCall } from '@switchgear/breaker/spool';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { fromIoredis, type RedisSpool, type RedisSpoolOptions, redisSpool } from '../../../src/adapters/redis/index.ts';
import { waitUntil } from '../../support/deadline.ts';
import { REDIS, RedisServer, type TestClient } from '../../support/redis.ts';
import { describeWithTool } from '../../support/tools.ts';
import { call, OWNER } from './spooled-call.ts';

describeWithTool('a spool in Redis', REDIS, () => {
  let redis: RedisServer;
  let client: TestClient;
  let streams = 0;
  let stream = '';

  beforeAll(async () => {
    redis = await RedisServer.start();
    client = await redis.connect();
  });
  afterAll(() => redis.stop());
  beforeEach(() => {
    stream = `calls-${++streams}`;
  });

  async function openSpool(options: Partial<RedisSpoolOptions> = {}): Promise<RedisSpool> {
    const spool = redisSpool({ client, stream, ...options });
    await spool.open(OWNER);
    onTestFinished(() => spool.close());
    return spool;
  }

  describe('as one of several replicas', () => {
    test('a call is taken by one of them', async () => {
      const [here, there] = [await openSpool(), await openSpool()];
      for (const id of ['a', 'b', 'c']) await here.append(call(id));
      expect(idsOf(await here.take(2, 2_000))).toEqual(['a', 'b']);
      expect(idsOf(await there.take(5, 2_000))).toEqual(['c']);
    });

    test('the calls of a key are left to the one that has the first', async () => {
      const [here, there] = [await openSpool(), await openSpool()];
      for (const id of ['a1', 'a2']) await here.append(call(id, { key: 'a' }));
      await here.append(call('b1', { key: 'b' }));
      expect(idsOf(await here.take(1, 2_000))).toEqual(['a1']);
      expect(idsOf(await there.take(5, 2_000))).toEqual(['b1']);
      await here.end('a1', { kind: 'replayed' });
      expect(idsOf(await there.take(5, 2_000))).toEqual(['a2']);
    });

    test('a call that is dropped from behind leaves the first of its key where it is', async () => {
      const [here, there] = [await openSpool(), await openSpool()];
      for (const id of ['a1', 'a2', 'a3']) await here.append(call(id, { key: 'a' }));
      await here.take(1, 2_000);
      await there.end('a2', { kind: 'dropped', reason: 'overflow' });
      expect(await there.take(5, 2_000)).toEqual([]);
      await here.giveBack('a1', 1, 5_000);
      await there.end('a3', { kind: 'dropped', reason: 'overflow' });
      expect(await there.take(5, 2_000)).toEqual([]);
      expect(idsOf(await there.take(5, 5_000))).toEqual(['a1']);
    });

    test('a call that one gives back, another may take, with its attempts', async () => {
      const [here, there] = [await openSpool(), await openSpool()];
      await here.append(call('a'));
      await here.take(1, 2_000);
      await here.giveBack('a', 3, 5_000);
      expect(await there.take(1, 4_999)).toEqual([]);
      expect(there.nextDueAt()).toBe(5_000);
      expect(await there.take(1, 5_000)).toMatchObject([{ id: 'a', attempts: 3 }]);
      expect(there.nextDueAt()).toBeUndefined();
    });

    test('a call that has expired is dropped by one of them', async () => {
      const [here, there] = [await openSpool(), await openSpool()];
      const ids = Array.from({ length: 1_200 }, (_, index) => `call-${index}`);
      await Promise.all(ids.map((id) => here.append(call(id, { expiresAt: 2_000 }))));
      const dropped = await Promise.all([here.expire(2_000), there.expire(2_000)]);
      expect(new Set(dropped.flat()).size).toBe(1_200);
      expect(dropped.flat().length).toBe(1_200);
      expect(here.totals().dropped.expired).toBe(1_200);
    });

    test('a call that one of them replays does not expire', async () => {
      const [here, there] = [await openSpool(), await openSpool()];
      await here.append(call('a', { expiresAt: 3_000 }));
      await here.take(1, 2_000);
      expect(await there.expire(3_000)).toEqual([]);
      await here.giveBack('a', 1, 4_000);
      expect(await there.expire(3_000)).toEqual(['a']);
    });

    test('what all of them did adds up, in each of them', async () => {
      const [here, there] = [await openSpool(), await openSpool()];
      for (const id of ['a', 'b', 'c', 'd', 'e']) await here.append(call(id, { sizeBytes: 7 }));
      await there.take(4, 2_000);
      await there.end('a', { kind: 'replayed' });
      await there.end('b', { kind: 'dead', at: 2_000, error: 'refused' });
      await here.end('e', { kind: 'dropped', reason: 'overflow' });
      await Promise.all([here.refresh(), there.refresh()]);
      for (const spool of [here, there]) {
        expect(spool.totals()).toMatchObject({ received: 5, replayed: 1, dead: 1, dropped: { overflow: 1 } });
        expect(spool.load()).toEqual({ depth: 2, sizeBytes: 14, oldestDivertedAt: 1_000 });
      }
    });

    test('what others did is told within a second or so of being read', async () => {
      const [here, there] = [await openSpool(), await openSpool()];
      await here.append(call('a'));
      await waitUntil('the other to see it', () => there.load().depth === 1, { deadlineMs: 5_000 });
    });

    test('two wires by the name of one stream are kept apart', async () => {
      await openSpool();
      const other = redisSpool({ client, stream });
      await expect(other.open({ breaker: 'stock', wire: 'buffer' })).rejects.toMatchObject({
        name: 'SpoolError',
        code: 'SPOOL_LOCKED',
        message: expect.stringContaining('mail/buffer'),
      });
      await expect(redisSpool({ client, stream, group: 'other' }).open(OWNER)).rejects.toThrow(SpoolError);
    });
  });

  describe('where a process ends without a word', () => {
    test('what it had is taken by another after its time, once, in the order of the key', async () => {
      const gone = await openSpool({ claimAfterMs: 600_000 });
      for (const id of ['a1', 'a2']) await gone.append(call(id, { key: 'a' }));
      await gone.take(1, 2_000);
      const [here, there] = [await openSpool({ claimAfterMs: 100 }), await openSpool({ claimAfterMs: 100 })];
      expect(idsOf(await here.take(5, 2_000))).toEqual([]);
      const first = await takeWithin(here, 1);
      expect(idsOf(first)).toEqual(['a1']);
      expect(await there.take(5, 2_000)).toEqual([]);
      await here.end('a1', { kind: 'replayed' });
      expect(idsOf(await there.take(5, 2_000))).toEqual(['a2']);
    });

    test('a call that is replayed for longer stays with the one that lives', async () => {
      const [here, there] = [await openSpool({ claimAfterMs: 1_000 }), await openSpool({ claimAfterMs: 1_000 })];
      await here.append(call('a'));
      await here.take(1, 2_000);
      const until = performance.now() + 2_500;
      await waitUntil('more than twice the time', async () => {
        expect(await there.take(1, 2_000)).toEqual([]);
        return performance.now() > until;
      });
      expect(await here.end('a', { kind: 'replayed' })).toBe(true);
    });

    test('what it had by then is no longer its own to give back or to declare dead', async () => {
      const slow = await openSpool({ claimAfterMs: 600_000 });
      await slow.append(call('a'));
      await slow.take(1, 2_000);
      const here = await openSpool({ claimAfterMs: 100 });
      await takeWithin(here, 1);
      await slow.giveBack('a', 5, 9_000);
      expect(await slow.end('a', { kind: 'dead', at: 2_000, error: 'late' })).toBe(false);
      expect(await slow.take(1, 10_000)).toEqual([]);
      await here.giveBack('a', 1, 0);
      expect(await here.take(1, 2_000)).toMatchObject([{ id: 'a', attempts: 1 }]);
    });

    test('one that succeeded after all ends the call for the other', async () => {
      const slow = await openSpool({ claimAfterMs: 600_000 });
      await slow.append(call('a'));
      await slow.take(1, 2_000);
      const here = await openSpool({ claimAfterMs: 100 });
      await takeWithin(here, 1);
      expect(await slow.end('a', { kind: 'replayed' })).toBe(true);
      expect(await here.end('a', { kind: 'replayed' })).toBe(false);
      expect(here.totals()).toMatchObject({ received: 1, replayed: 1 });
    });

    test('one of the same name gets its calls back at once', async () => {
      const before = await openSpool({ consumer: 'mail-0' });
      await before.append(call('a'));
      await before.take(1, 2_000);
      const after = await openSpool({ consumer: 'mail-0' });
      expect(idsOf(await after.take(1, 2_000))).toEqual(['a']);
    });

    test('its name is forgotten', async () => {
      const gone = redisSpool({ client, stream, consumer: 'gone' });
      await gone.open(OWNER);
      await gone.append(call('a'));
      await gone.take(1, 2_000);
      await gone.end('a', { kind: 'replayed' });
      const names = async () => (await client.xInfoConsumers(stream, 'switchgear')).map(({ name }) => name);
      expect(await names()).toEqual(['gone']);
      await waitUntil('it to be forgotten', async () => {
        await openSpool({ claimAfterMs: 100 });
        return (await names()).length === 0;
      });
    });
  });

  describe('what it keeps', () => {
    test('a call comes back as it was', async () => {
      const spool = await openSpool();
      const input = { text: 'ü\u0000"', list: [1, null], deep: { at: 1.5 } };
      const whole = call('mail/buffer/1', { input, key: 'k\u0000ey', operation: 'send mail', sizeBytes: 3 });
      await spool.append(whole);
      await spool.append(call('without', { input: undefined, key: undefined }));
      const held = await spool.peek(5);
      expect(held).toEqual([whole, call('without', { input: undefined })]);
      expect(await spool.take(5, 2_000)).toEqual(held);
    });

    test('a call that this process cannot read is left to one that can', async () => {
      const garbling = {
        sendCommand: (args: readonly string[]) =>
          client.sendCommand(args.map((text) => text.replace(/"clone":"[^"]+"/, '"clone":"AAAA"'))),
      };
      const spool = await openSpool({ client: garbling, claimAfterMs: 100 });
      await spool.append(call('a', { input: new Date(7) }));
      await spool.append(call('b'));
      expect(idsOf(await spool.take(5, 2_000))).toEqual(['b']);
      expect(idsOf(await spool.peek(5))).toEqual(['a', 'b']);
      await waitUntil('it to be let go', async () => {
        await spool.expire(3_601_000);
        return spool.totals().dropped.expired === 1;
      });
    });

    test('an empty key is a key', async () => {
      const spool = await openSpool();
      for (const id of ['a', 'b']) await spool.append(call(id, { key: '' }));
      expect(idsOf(await spool.take(5, 2_000))).toEqual(['a']);
    });

    test('keys that look alike are apart', async () => {
      const spool = await openSpool();
      const keys = ['a', 'a:', 'a:1', 'a\u0000', 'a\u0000b', 'b'];
      for (const key of keys) await spool.append(call(key, { key }));
      expect(idsOf(await spool.take(9, 2_000))).toEqual(keys);
    });

    test('times and sizes may be fractions', async () => {
      const spool = await openSpool();
      const [divertedAt, expiresAt] = [1_795_449_600_000.125, 1_795_453_200_000.125];
      await spool.append(call('a', { divertedAt, expiresAt, sizeBytes: 1.5 }));
      expect(spool.load()).toEqual({ depth: 1, sizeBytes: 2, oldestDivertedAt: divertedAt });
      expect(await spool.take(1, divertedAt)).toEqual([call('a', { divertedAt, expiresAt, sizeBytes: 1.5 })]);
      await spool.giveBack('a', 1, divertedAt + 0.5);
      expect(spool.nextDueAt()).toBe(divertedAt + 0.5);
      expect(await spool.take(1, divertedAt + 0.25)).toEqual([]);
      expect(idsOf(await spool.take(1, divertedAt + 0.5))).toEqual(['a']);
      await spool.end('a', { kind: 'replayed' });
      expect(spool.load().sizeBytes).toBe(0);
      await expect(spool.append(call('b', { sizeBytes: Number.NaN }))).rejects.toMatchObject({ code: 'SPOOL_FAILED' });
    });

    test('so does one whose input JSON would change', async () => {
      const spool = await openSpool();
      const input = { at: new Date(7), sum: 12n, rest: undefined, tags: new Set(['a']), raw: new Uint8Array([0, 255]) };
      await spool.append(call('a', { input }));
      expect(await spool.take(1, 2_000)).toEqual([call('a', { input })]);
    });

    test('an input that would not come back as it was is refused, and not held', async () => {
      const spool = await openSpool();
      const append = spool.append(call('a', { input: { retry: () => {} } }));
      await expect(append).rejects.toMatchObject({ code: 'SPOOL_FAILED', message: expect.stringContaining('send') });
      await spool.refresh();
      expect(spool.load().depth).toBe(0);
    });

    test('a second call of one id is refused, and the first one stays', async () => {
      const spool = await openSpool();
      await spool.append(call('a', { input: 'first' }));
      await expect(spool.append(call('a', { input: 'second' }))).rejects.toThrow(/holds a call of the id a already/);
      expect(await spool.take(5, 2_000)).toMatchObject([{ input: 'first' }]);
    });

    test('at most so many dead letters, the newest first', async () => {
      const spool = await openSpool({ maxDeadLetters: 2 });
      for (const id of ['a', 'b', 'c']) {
        await spool.append(call(id));
        await spool.end(id, { kind: 'dead', at: 2_000, error: `no ${id}` });
      }
      expect(await spool.deadLetters(5)).toMatchObject([
        { id: 'c', error: 'no c', diedAt: 2_000 },
        { id: 'b', error: 'no b' },
      ]);
      expect(spool.totals().dead).toBe(3);
      expect(await spool.purgeDeadLetters()).toBe(2);
      expect(await spool.deadLetters(5)).toEqual([]);
    });

    test('no more than 16 MiB of dead letters', async () => {
      const spool = await openSpool();
      for (const id of ['a', 'b', 'c']) {
        await spool.append(call(id, { input: 'x'.repeat(6 * 1024 * 1024) }));
        await spool.end(id, { kind: 'dead', at: 2_000, error: 'refused' });
      }
      expect((await spool.deadLetters(5)).map(({ id }) => id)).toEqual(['c', 'b']);
      expect(await spool.purgeDeadLetters()).toBe(2);
      await spool.append(call('d'));
      await spool.end('d', { kind: 'dead', at: 2_000, error: 'refused' });
      expect(await spool.deadLetters(5)).toMatchObject([{ id: 'd' }]);
    });

    test('no dead letter where none is asked for', async () => {
      const spool = await openSpool({ maxDeadLetters: 0 });
      await spool.append(call('a'));
      expect(await spool.end('a', { kind: 'dead', at: 2_000, error: 'refused' })).toBe(true);
      expect(await spool.deadLetters(5)).toEqual([]);
      expect(spool.totals()).toMatchObject({ received: 1, dead: 1 });
    });

    test('all that is held can be looked at and taken, however much it is', async () => {
      const spool = await openSpool();
      const ids = Array.from({ length: 1_100 }, (_, index) => `call-${index}`);
      await Promise.all(ids.map((id) => spool.append(call(id))));
      expect(idsOf(await spool.peek(2_000))).toEqual(ids);
      expect(idsOf(await spool.peek(501))).toEqual(ids.slice(0, 501));
      expect(idsOf(await spool.take(501, 2_000))).toEqual(ids.slice(0, 501));
      expect(idsOf(await spool.take(2_000, 2_000))).toEqual(ids.slice(501));
    });

    test('what was taken before Redis went away is given out', async () => {
      let left = 2;
      const broken = {
        sendCommand: (args: readonly string[]) =>
          left-- > 0 ? client.sendCommand(args) : Promise.reject(new Error('Socket closed')),
      };
      const first = await openSpool();
      await Promise.all(Array.from({ length: 501 }, (_, index) => first.append(call(`call-${index}`))));
      const spool = await openSpool({ client: broken });
      expect(await spool.take(501, 2_000)).toHaveLength(500);
      await expect(spool.take(1, 2_000)).rejects.toMatchObject({ code: 'SPOOL_FAILED' });
    });

    test('an end whose answer was lost is one that this process made', async () => {
      let losesNext = false;
      const forgetful = {
        async sendCommand(args: readonly string[]) {
          const answer = await client.sendCommand(args);
          if (!losesNext) return answer;
          losesNext = false;
          throw new Error('Socket closed');
        },
      };
      const spool = await openSpool({ client: forgetful });
      for (const id of ['a', 'b']) await spool.append(call(id));
      await spool.take(1, 2_000);
      losesNext = true;
      await expect(spool.end('a', { kind: 'replayed' })).rejects.toMatchObject({ code: 'SPOOL_FAILED' });
      expect(await spool.end('a', { kind: 'replayed' })).toBe(true);
      expect(await spool.end('a', { kind: 'replayed' })).toBe(false);
      expect(spool.totals()).toMatchObject({ received: 2, replayed: 1 });
    });

    test('nothing but the totals is left in Redis of calls that have ended', async () => {
      const spool = await openSpool();
      for (const id of ['a', 'b', 'c', 'd']) await spool.append(call(id, { key: 'k', expiresAt: 2_500 }));
      await spool.take(1, 2_000);
      await spool.giveBack('a', 1, 2_100);
      await spool.take(1, 2_200);
      await spool.end('a', { kind: 'replayed' });
      await spool.end('c', { kind: 'dropped', reason: 'overflow' });
      await spool.take(1, 2_200);
      await spool.end('b', { kind: 'replayed' });
      await spool.expire(2_500);
      const left = await client.keys(`{${stream}}:*`);
      expect(left).toEqual([`{${stream}}:state`]);
      expect(await client.xLen(stream)).toBe(0);
      expect(spool.load()).toEqual({ depth: 0, sizeBytes: 0, oldestDivertedAt: undefined });
    });

    test('a Redis that is full takes nothing in, and lets out what it has', async () => {
      const spool = await openSpool();
      await spool.append(call('a'));
      await client.configSet('maxmemory', '1');
      onTestFinished(async () => {
        await client.configSet('maxmemory', '0');
      });
      await expect(spool.append(call('b'))).rejects.toThrow(/OOM/);
      expect(idsOf(await spool.take(1, 2_000))).toEqual(['a']);
      await spool.giveBack('a', 1, 0);
      expect(idsOf(await spool.take(1, 2_000))).toEqual(['a']);
      expect(await spool.end('a', { kind: 'replayed' })).toBe(true);
      expect(spool.totals()).toMatchObject({ received: 1, replayed: 1 });
    });

    test('a Redis that forgot everything is begun anew', async () => {
      const spool = await openSpool();
      await spool.append(call('a'));
      await client.flushAll();
      expect(await spool.take(1, 2_000)).toEqual([]);
      await spool.append(call('b'));
      expect(idsOf(await spool.take(1, 2_000))).toEqual(['b']);
    });
  });

  test('a client of ioredis does as well', async () => {
    const other = new Redis(redis.port, '127.0.0.1');
    onTestFinished(() => other.disconnect());
    await waitUntil('its connection', () => other.status === 'ready');
    const spool = await openSpool({ client: fromIoredis(other) });
    await spool.append(call('a', { key: 'k' }));
    expect(await spool.take(1, 2_000)).toEqual([call('a', { key: 'k' })]);
    expect(await spool.end('a', { kind: 'replayed' })).toBe(true);
    expect(spool.totals()).toMatchObject({ received: 1, replayed: 1 });
  });

  test('before it is open and after it is closed it does nothing', async () => {
    const spool = redisSpool({ client, stream });
    await expect(spool.append(call('a'))).rejects.toMatchObject({ code: 'SPOOL_CLOSED' });
    await spool.open(OWNER);
    await spool.append(call('a'));
    await spool.take(1, 2_000);
    await spool.close();
    await expect(spool.take(1, 2_000)).rejects.toMatchObject({ code: 'SPOOL_CLOSED' });
    await expect(spool.open(OWNER)).rejects.toMatchObject({ code: 'SPOOL_CLOSED' });
    const next = await openSpool();
    expect(idsOf(await next.take(1, 2_000))).toEqual(['a']);
  });

  test('options out of their range are refused by name', () => {
    expect(() => redisSpool({ client, stream: '' })).toThrow(/`stream` must be a string of 1 to 500/);
    for (const odd of ['a{}b', 'a}b', 'a{b']) expect(() => redisSpool({ client, stream: odd })).toThrow(/hash tag/);
    expect(() => redisSpool({ client, stream: '{mail}:held' })).not.toThrow();
    expect(() => redisSpool({ client, stream, claimAfterMs: 99 })).toThrow(/`claimAfterMs`/);
    expect(() => redisSpool({ client: {} as TestClient, stream })).toThrow(/`client` must be a client/);
  });

  /** Until it has so many, which waits for the time after which a process is taken for dead. */
  async function takeWithin(spool: RedisSpool, count: number): Promise<SpooledCall[]> {
    const taken: SpooledCall[] = [];
    await waitUntil(`${count} to be taken`, async () => {
      taken.push(...(await spool.take(count - taken.length, 2_000)));
      return taken.length === count;
    });
    return taken;
  }
});

function idsOf(calls: readonly SpooledCall[]): string[] {
  return calls.map(({ id }) => id);
}
