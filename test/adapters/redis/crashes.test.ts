import { join } from 'node:path';
import { SpoolError } from '@switchgear/breaker/spool';
import { expect, onTestFinished, test } from 'vitest';
import { type RedisSpool, type RedisSpoolOptions, redisSpool } from '../../../src/adapters/redis/index.ts';
import { waitUntil } from '../../support/deadline.ts';
import { temporaryFolder } from '../../support/folders.ts';
import { type Child, ROOT, runNode } from '../../support/processes.ts';
import { REDIS, RedisServer } from '../../support/redis.ts';
import { describeWithTool } from '../../support/tools.ts';
import { ReplayLog } from './replay-log.ts';
import { call, OWNER } from './spooled-call.ts';

const FAR_AHEAD = Date.now() + 86_400_000;
/** Long beside a stall of a busy machine: a process that is late is taken for dead. */
const CLAIM_AFTER_MS = 1_500;

describeWithTool('crashes around a spool in Redis', REDIS, () => {
  test('replicas are killed in the middle of a drain: each call is replayed, in the order of its key', async () => {
    const { redis, spool } = await startRedis();
    const log = newLog();
    const ids = await appendMany(spool, 40, 15);
    for (let round = 0; round < 2; round += 1) {
      const pair = [await startReplica(redis, log, 50), await startReplica(redis, log, 50)];
      for (const replica of pair) {
        await replica.waitForOutput(/hangs/);
        await replica.crash();
        log.noteKilled(replica.pid);
      }
    }
    expect(spool.load().depth).toBeGreaterThan(0);
    await startReplica(redis, log);
    await startReplica(redis, log);
    await waitUntilEmpty(spool);
    expect(ids.filter((id) => !log.replayed().has(id))).toEqual([]);
    expect(log.breaches(ids)).toEqual([]);
    // Each of the four was in the middle of one at least.
    expect(log.repeated()).toBeGreaterThanOrEqual(4);
    expect(spool.totals()).toMatchObject({ received: ids.length, replayed: ids.length });
  });

  test('Redis is killed while calls are taken in and replayed: nothing that was acknowledged is lost', async () => {
    const { redis, spool } = await startRedis();
    const log = newLog();
    await startReplica(redis, log);
    await startReplica(redis, log);
    const acknowledged: string[] = [];
    let refused = 0;
    let isOver = false;
    const callers = Array.from({ length: 16 }, async (_, caller) => {
      for (let number = 0; !isOver; number += 1) {
        const id = `caller-${caller}/${number}`;
        try {
          await spool.append(call(id, { key: `caller-${caller}`, expiresAt: FAR_AHEAD }));
          acknowledged.push(id);
        } catch (error) {
          expect(error).toBeInstanceOf(SpoolError);
          refused += 1;
          await new Promise((resume) => setTimeout(resume, 20));
        }
      }
    });
    for (let round = 1; round <= 3; round += 1) {
      const before = acknowledged.length;
      await waitUntil('calls to be taken in', () => acknowledged.length > before + 200, { everyMs: 5 });
      await redis.crash();
      await redis.restart();
    }
    isOver = true;
    await Promise.all(callers);
    await waitUntilEmpty(spool);
    const replayed = log.replayed();
    expect(acknowledged.filter((id) => !replayed.has(id))).toEqual([]);
    expect(acknowledged.length).toBeGreaterThan(600);
    expect(refused).toBeGreaterThan(0);
    expect(log.breaches(acknowledged)).toEqual([]);
  });

  test('while Redis is away a call is refused at once, and taken in when it is back', async () => {
    const { redis, spool } = await startRedis();
    await spool.append(call('before'));
    await redis.crash();
    const refusals = [];
    for (const id of ['first', 'second', 'third']) {
      const began = performance.now();
      await expect(spool.append(call(id))).rejects.toMatchObject({ name: 'SpoolError', code: 'SPOOL_FAILED' });
      refusals.push(performance.now() - began);
    }
    expect(Math.max(...refusals)).toBeLessThan(500);
    expect(spool.load()).toMatchObject({ depth: 1 });
    await redis.restart();
    await waitUntil('a call to be taken in', async () => {
      await spool.append(call('after'));
      return true;
    });
    expect((await spool.take(9, 2_000)).map(({ id }) => id)).toEqual(['before', 'after']);
  });

  test('a call that Redis took in without an answer is withdrawn: its caller was told that it is not held', async () => {
    const { redis, spool } = await startRedis({ timeoutMs: 200 });
    await spool.append(call('before'));
    redis.pause();
    const began = performance.now();
    await expect(spool.append(call('unanswered'))).rejects.toMatchObject({ code: 'SPOOL_FAILED' });
    expect(performance.now() - began).toBeLessThan(1_000);
    redis.resume();
    const other = await redis.connect();
    // It had been sent by then: Redis counted it.
    expect(await other.hGet(`{${STREAM}}:state`, 'sequence')).toBe('2');
    await waitUntil('it to be withdrawn', async () => (await other.xLen(STREAM)) === 1);
    await spool.refresh();
    expect(spool.totals()).toMatchObject({ received: 1 });
    expect((await spool.take(9, 2_000)).map(({ id }) => id)).toEqual(['before']);
  });

  test('replicas that come back with Redis keep what they were replaying, however long it was away', async () => {
    const claimAfterMs = 900;
    const { redis, spool: here } = await startRedis({ claimAfterMs });
    const there = redisSpool({ client: await redis.connect(), stream: STREAM, claimAfterMs });
    await there.open(OWNER);
    onTestFinished(() => there.close());
    await here.append(call('a'));
    await here.take(1, 2_000);
    await redis.crash();
    const awayUntil = performance.now() + 2 * claimAfterMs;
    await waitUntil('the time of a dead process', async () => {
      await expect(there.take(1, 2_000)).rejects.toThrow(SpoolError);
      return performance.now() > awayUntil;
    });
    await redis.restart();
    const backUntil = performance.now() + 2 * claimAfterMs;
    await waitUntil('that time again', async () => {
      expect(await there.take(1, 2_000).catch(() => [])).toEqual([]);
      return performance.now() > backUntil;
    });
    expect(await here.end('a', { kind: 'replayed' })).toBe(true);
  });

  test('what was held, taken or waiting when Redis was killed is all there again', async () => {
    const { redis, spool } = await startRedis();
    for (const id of ['a', 'b', 'c', 'd']) await spool.append(call(id, { key: id < 'c' ? 'k' : undefined }));
    await spool.take(2, 2_000);
    await spool.giveBack('c', 2, 5_000);
    const held = await spool.peek(9);
    const { load, totals } = { load: spool.load(), totals: spool.totals() };
    await redis.crash();
    await redis.restart();
    await waitUntil('it to be back', () => spool.refresh().then(() => true));
    expect(await spool.peek(9)).toEqual(held);
    expect([spool.load(), spool.totals()]).toEqual([load, totals]);
    expect((await spool.take(9, 4_999)).map(({ id }) => id)).toEqual(['d']);
    expect(await spool.end('a', { kind: 'replayed' })).toBe(true);
    expect(await spool.take(9, 5_000)).toMatchObject([
      { id: 'b', attempts: 0 },
      { id: 'c', attempts: 2 },
    ]);
  });
});

const STREAM = 'calls';

async function startRedis(
  options: Partial<RedisSpoolOptions> = {},
): Promise<{ redis: RedisServer; spool: RedisSpool }> {
  const redis = await RedisServer.start();
  onTestFinished(() => redis.stop());
  const client = await redis.connect();
  const spool = redisSpool({ client, stream: STREAM, ...options });
  await spool.open(OWNER);
  onTestFinished(() => spool.close());
  return { redis, spool };
}

function newLog(): ReplayLog {
  const folder = temporaryFolder('replays');
  onTestFinished(() => folder.remove());
  return new ReplayLog(join(folder.path, 'log'));
}

async function startReplica(redis: RedisServer, log: ReplayLog, hangsAfter?: number): Promise<Child> {
  const args = [redis.url, STREAM, log.path, String(CLAIM_AFTER_MS), ...(hangsAfter ? [String(hangsAfter)] : [])];
  const child = runNode(join(ROOT, 'test/adapters/redis/drain-main.ts'), args);
  onTestFinished(() => child.crash());
  await child.waitForOutput(/ready/);
  return child;
}

async function appendMany(spool: RedisSpool, keys: number, perKey: number): Promise<string[]> {
  const ids = Array.from({ length: perKey }, (_, number) =>
    Array.from({ length: keys }, (_, key) => `key-${key}/${number}`),
  ).flat();
  for (const id of ids) await spool.append(call(id, { key: id.split('/')[0], expiresAt: FAR_AHEAD }));
  return ids;
}

async function waitUntilEmpty(spool: RedisSpool): Promise<void> {
  await waitUntil('the spool to be empty', async () => {
    await spool.refresh();
    return spool.load().depth === 0;
  });
}
