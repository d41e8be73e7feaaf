import {
  type BufferWire,
  bufferWire,
  createBreaker,
  isReceipt,
  type Receipt,
  ReplayFailedError,
  type Spool,
} from '@switchgear/breaker';
import type { SpoolEnd } from '@switchgear/breaker/spool';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { type RedisSpool, type RedisSpoolOptions, redisSpool } from '../../../src/adapters/redis/index.ts';
import { waitUntil } from '../../support/deadline.ts';
import { REDIS, RedisServer, type TestClient } from '../../support/redis.ts';
import { describeWithTool } from '../../support/tools.ts';
import { call, OWNER } from './spooled-call.ts';

/** It looks every 50 ms, and a busy machine has time to answer. */
const QUICK = { claimAfterMs: 150, timeoutMs: 20_000 } as const;

describeWithTool('receipts of a spool in Redis', REDIS, () => {
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
    stream = `receipts-${++streams}`;
  });

  describe('what a process hears of the calls that it appended', () => {
    /** A spool that is listened to, and what it has told. */
    async function openListening(options: Partial<RedisSpoolOptions> = {}) {
      const spool = redisSpool({ client, stream, ...QUICK, ...options });
      const heard = new Map<string, (SpoolEnd | undefined)[]>();
      spool.onEndElsewhere?.((id, end) => heard.set(id, [...(heard.get(id) ?? []), end]));
      await spool.open(OWNER);
      onTestFinished(() => spool.close());
      const hears = (count: number) => waitUntil(`${count} ends`, () => heard.size >= count, { everyMs: 10 });
      return { spool, heard, hears };
    }

    test('how another one ended them, with the result of a replay', async () => {
      const [here, there] = [await openListening(), await openListening()];
      for (const id of ['a', 'b', 'c', 'd', 'e']) {
        await here.spool.append(call(id, { expiresAt: id === 'd' ? 2_000 : 9_000 }));
      }
      await there.spool.take(2, 1_500);
      await there.spool.end('a', { kind: 'replayed', value: { sent: new Date(7), to: ['jo'] } });
      await there.spool.end('b', { kind: 'dead', at: 2_000, error: 'refused' });
      await there.spool.end('c', { kind: 'dropped', reason: 'shutdown' });
      await there.spool.expire(2_000);
      await here.hears(4);
      expect(Object.fromEntries(here.heard)).toEqual({
        a: [{ kind: 'replayed', value: { sent: new Date(7), to: ['jo'] } }],
        b: [{ kind: 'dead', at: 2_000, error: 'refused' }],
        c: [{ kind: 'dropped', reason: 'shutdown' }],
        d: [{ kind: 'dropped', reason: 'expired' }],
      });
      expect(there.heard.size).toBe(0);
    });

    test.each([
      ['none', undefined],
      ['one that nothing keeps', { retry: () => {} }],
      ['one that is too long', 'x'.repeat(17_000)],
    ])('a replay by another with %s as its result', async (_, value) => {
      const [here, there] = [await openListening(), await openListening()];
      await here.spool.append(call('a'));
      expect(await there.spool.end('a', { kind: 'replayed', value })).toBe(true);
      await here.hears(1);
      expect(here.heard.get('a')).toEqual([{ kind: 'replayed', value: undefined }]);
    });

    test('each end once, however many there are', async () => {
      const [here, there] = [await openListening(), await openListening()];
      const ids = Array.from({ length: 1_200 }, (_, index) => `call-${index}`);
      await Promise.all(ids.map((id) => here.spool.append(call(id))));
      await Promise.all(ids.map((id) => there.spool.end(id, { kind: 'replayed', value: id })));
      await here.hears(ids.length);
      expect([...here.heard.values()].every((ends) => ends.length === 1)).toBe(true);
      expect(here.heard.get('call-700')).toEqual([{ kind: 'replayed', value: 'call-700' }]);
    });

    test('nothing of those that it ended itself, and nothing of them stays in Redis', async () => {
      const { spool, heard } = await openListening();
      await openListening();
      for (const id of ['a', 'b', 'c']) await spool.append(call(id, { expiresAt: 2_000 }));
      await spool.take(1, 1_500);
      await spool.end('a', { kind: 'replayed', value: 1 });
      await spool.end('b', { kind: 'dropped', reason: 'overflow' });
      expect(await spool.expire(2_000)).toEqual(['c']);
      // A call that another one ends after them is told by a look that would tell of them too.
      await spool.append(call('d'));
      const other = await openListening();
      await other.spool.end('d', { kind: 'replayed' });
      await waitUntil('d', () => heard.has('d'), { everyMs: 10 });
      expect([...heard.keys()]).toEqual(['d']);
      expect(await client.xLen(`{${stream}}:ends`)).toBe(1);
    });

    test('that nobody knows, where Redis has lost what it held', async () => {
      const { spool, heard, hears } = await openListening();
      for (const id of ['a', 'b']) await spool.append(call(id));
      await client.flushAll();
      await hears(2);
      expect([...heard]).toEqual([
        ['a', [undefined]],
        ['b', [undefined]],
      ]);
    });

    test('that nobody knows, once Redis has been away for longer than they live', async () => {
      const own = await RedisServer.start();
      onTestFinished(() => own.stop());
      const { spool, heard, hears } = await openListening({ client: await own.connect() });
      await spool.append(call('short', { expiresAt: 1_100 }));
      await spool.append(call('long'));
      await own.crash();
      await hears(1);
      expect([...heard]).toEqual([['short', [undefined]]]);
    });

    test.each([
      ['10,000 ends', 10_400, 1, 9_999],
      ['16 MiB of ends', 1_200, 16_000, Math.floor((16 * 1024 * 1024) / 16_000)],
    ])('at most %s wait in Redis, and they go after an hour', async (_, count, characters, stay) => {
      const ends = `{${stream}}:ends`;
      const state = `{${stream}}:state`;
      const { spool } = await openListening();
      const other = await openListening();
      // As another replica would have left them, whose process is away.
      const fill = `for number = 1, ${count} do redis.call('XADD', KEYS[1], '*', 'detail', string.rep('x', ${characters}), 'by', 'away') end
        redis.call('HSET', KEYS[2], 'ends_size', ${count * characters})`;
      await client.eval(fill, { keys: [ends, state] });
      await spool.append(call('a'));
      await other.spool.end('a', { kind: 'dropped', reason: 'overflow' });
      expect(await client.xLen(ends)).toBe(stay + 1);
      expect(Number(await client.hGet(state, 'ends_size'))).toBe(stay * characters);
      const goesInMs = await client.pTTL(ends);
      expect(goesInMs > 0 && goesInMs <= 3_600_000).toBe(true);
    });
  });

  describe('done() of a receipt', () => {
    let breakers = 0;

    /** A replica of a service, in this process: a breaker of its own over the stream of all. */
    function startReplica(act: (order: number) => Promise<unknown>, options: Parameters<typeof bufferWire>[0] = {}) {
      const spool = redisSpool({ client, stream, ...QUICK });
      const wire: BufferWire = bufferWire({ spool: ownedByAll(spool), drainPerSecond: 1_000, ...options });
      const breaker = createBreaker(`receipts-${++breakers}`, {
        telemetry: 'off',
        cooldownMs: 86_400_000,
        neutralWires: [wire],
      });
      onTestFinished(() => breaker.close());
      const charge = breaker.protect(act, { name: 'charge' });
      const divert = async (order: number): Promise<Receipt> => {
        const answer = await charge(order);
        if (!isReceipt(answer)) throw new Error(`${order} has no receipt`);
        return answer;
      };
      return { breaker, wire, divert };
    }

    test('resolves with what the replay of another replica gave', async () => {
      const here = startReplica(() => Promise.reject(new Error('not here')));
      here.breaker.trip();
      startReplica(async (order) => ({ charged: order }));
      const receipts = await Promise.all([1, 2, 3].map((order) => here.divert(order)));
      expect(await Promise.all(receipts.map((receipt) => receipt.done()))).toEqual([
        { charged: 1 },
        { charged: 2 },
        { charged: 3 },
      ]);
      expect(here.breaker.stats().wires[0]).toMatchObject({ buffered: 3, replayed: 0, dropped: 0 });
    });

    test('rejects where another replica gave the call up', async () => {
      const here = startReplica(async () => 'never');
      here.breaker.trip();
      startReplica(() => Promise.reject(new Error('card refused')), { maxAttempts: 1 });
      const error = await here.divert(1).then((receipt) => receipt.done().catch((thrown: unknown) => thrown));
      expect(error).toBeInstanceOf(ReplayFailedError);
      expect(error).toMatchObject({ reason: 'dead', cause: { message: 'Error: card refused' } });
    });

    test('rejects where another replica was told to purge', async () => {
      const [here, there] = [startReplica(async () => 'never'), startReplica(async () => 'never')];
      for (const { breaker } of [here, there]) breaker.trip();
      const receipt = await here.divert(1);
      await waitUntil('the other one to see it', () => there.wire.load().depth === 1);
      expect(await there.wire.purge()).toBe(1);
      await expect(receipt.done()).rejects.toMatchObject({ name: 'ReplayFailedError', reason: 'shutdown' });
    });

    test('rejects where Redis has lost the call', async () => {
      const here = startReplica(async () => 'never');
      here.breaker.trip();
      const receipt = await here.divert(1);
      await client.flushAll();
      await expect(receipt.done()).rejects.toMatchObject({ name: 'SpoolError', code: 'SPOOL_FAILED' });
    });
  });
});

/** Breakers of one process have names of their own; those of replicas have the same. */
function ownedByAll(spool: RedisSpool): Spool {
  return new Proxy(spool, {
    get(target, property) {
      if (property === 'open') return () => target.open(OWNER);
      const value = Reflect.get(target, property, target) as unknown;
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
