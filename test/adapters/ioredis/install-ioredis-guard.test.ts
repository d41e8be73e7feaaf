import { createRequire } from 'node:module';
import { type Breaker, BreakerOpenError, createBreaker } from '@switchgear/breaker';
import * as imported from 'ioredis';
import { Cluster, Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { guardRedis, installIoredisGuard } from '../../../src/adapters/ioredis/index.ts';
import { redisCallOf } from '../../../src/adapters/ioredis/redis-call.ts';
import type { OutgoingCall } from '../../../src/adapters/outgoing/outgoing-call.ts';
import { temporaryFolder } from '../../support/folders.ts';
import { Child, freePort } from '../../support/processes.ts';
import { REDIS, RedisServer } from '../../support/redis.ts';
import { describeWithTool } from '../../support/tools.ts';

const required = createRequire(import.meta.url)('ioredis') as typeof imported;

describeWithTool('the guard of every client of ioredis', REDIS, (program) => {
  let server: RedisServer;
  let breaker: Breaker;
  let takeOff: (() => void) | undefined;
  const clients: { disconnect(): void }[] = [];

  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server?.stop());
  beforeEach(() => {
    breaker = createBreaker('cache', { telemetry: 'off' }) as Breaker;
  });
  afterEach(async () => {
    takeOff?.();
    for (const client of clients.splice(0)) client.disconnect();
    await breaker.close();
  });

  function newClient(type: typeof Redis): Redis {
    const client = new type(server.url);
    clients.push(client);
    return client;
  }

  test.each([
    ['imported', imported],
    ['required', required],
  ])('the module %s is guarded for those who import it and for those who require it', async (_, given) => {
    takeOff = installIoredisGuard(given, breaker);
    await newClient(imported.Redis).set('a', '1');
    await newClient(required.Redis).set('a', '1');
    expect(breaker.stats().calls).toMatchObject({ success: 2 });
  });

  test('one command is one call, guarded twice too, and a client that was there before is guarded', async () => {
    const redis = newClient(Redis);
    await redis.set('a', '1');
    takeOff = installIoredisGuard(imported, breaker);
    await redis.get('a');
    await guardRedis(newClient(Redis), breaker).get('a');
    await redis.pipeline().get('a').get('a').exec();
    expect(breaker.stats().calls).toMatchObject({ success: 3 });
  });

  test('taken off, it guards nothing more; a second time it changes nothing', async () => {
    takeOff = installIoredisGuard(imported, breaker);
    expect(installIoredisGuard(required, () => undefined)).toBe(takeOff);
    const redis = newClient(Redis);
    await redis.get('a');
    takeOff();
    takeOff();
    breaker.trip();
    await redis.get('a');
    expect(breaker.stats().calls).toMatchObject({ success: 1, rejected: 0 });
    takeOff = installIoredisGuard(imported, breaker);
    await expect(redis.get('a')).rejects.toBeInstanceOf(BreakerOpenError);
  });

  test('a command to a cluster is one call, whichever nodes it is sent to', async () => {
    const [folder, port] = [temporaryFolder('redis-cluster'), await freePort()];
    const address = { bind: '127.0.0.1', port: String(port), 'cluster-announce-ip': '127.0.0.1' };
    const settings = { ...address, 'cluster-enabled': 'yes', dir: folder.path, save: '' };
    const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
    const node = new Child(program, args, { cwd: folder.path });
    try {
      await node.waitForOutput(/Ready to accept connections/);
      const single = new Redis(port, '127.0.0.1');
      clients.push(single);
      await single.cluster('ADDSLOTSRANGE', 0, 16_383);
      await waitForCluster(single);
      const calls: OutgoingCall[] = [];
      takeOff = installIoredisGuard(imported, (call) => {
        calls.push(call);
        return breaker;
      });
      const cluster = new Cluster([{ host: '127.0.0.1', port }]);
      clients.push(cluster);
      expect(await cluster.set('a', '1')).toBe('OK');
      expect(await cluster.pipeline().get('a').get('a').exec()).toEqual([
        [null, '1'],
        [null, '1'],
      ]);
      expect(await cluster.multi().incr('a').exec()).toEqual([[null, 2]]);
      expect(calls.map(({ method, origin }) => `${method} ${origin}`)).toEqual(
        ['SET', 'PIPELINE', 'MULTI'].map((method) => `${method} redis://127.0.0.1:${port}`),
      );
      expect(breaker.stats().calls).toMatchObject({ success: 3, failure: 0 });
      breaker.trip();
      await expect(cluster.get('a')).rejects.toBeInstanceOf(BreakerOpenError);
      expect(await cluster.pipeline().get('a').exec()).toEqual([[expect.any(BreakerOpenError)]]);
      await expect(cluster.multi().incr('a').exec()).rejects.toBeInstanceOf(BreakerOpenError);
    } finally {
      await node.end();
      folder.remove();
    }
  });

  test('another module is refused', () => {
    expect(() => installIoredisGuard({}, breaker)).toThrow(TypeError);
  });

  async function waitForCluster(node: Redis): Promise<void> {
    await expect.poll(() => node.cluster('INFO'), { timeout: 10_000 }).toContain('cluster_state:ok');
  }
});

test.each([
  [{ options: {} }, 'redis://localhost:6379', 'localhost'],
  [{ options: { host: 'cache', port: 6380 } }, 'redis://cache:6380', 'cache:6380'],
  [{ options: { host: 'cache', tls: {} } }, 'rediss://cache:6379', 'cache'],
  [{ options: { host: '::1' } }, 'redis://[::1]:6379', '[::1]'],
  [{ options: { path: '/run/redis.sock' } }, 'redis+unix://%2Frun%2Fredis.sock', '/run/redis.sock'],
  [{ options: { sentinels: [{}], name: 'main' } }, 'redis://main', 'main'],
  [{ options: {}, startupNodes: [{ host: 'a', port: 7000 }] }, 'redis://a:7000', 'a:7000'],
  [{ options: {}, startupNodes: ['rediss://b:7001'] }, 'rediss://b:7001', 'b:7001'],
  [{ options: {}, startupNodes: [7002] }, 'redis://localhost:7002', 'localhost:7002'],
])('a client of %j goes to %s', (client, origin, host) => {
  const call = redisCallOf({ ...client, sendCommand: () => undefined }, 'GET');
  expect(call).toEqual({ client: 'ioredis', method: 'GET', origin, host, path: '' });
});
