import {
  type Breaker,
  BreakerOpenError,
  type BreakerOptions,
  CallTimeoutError,
  fallbackWire,
} from '@switchgear/breaker';
import { ManualClock } from '@switchgear/breaker/testing';
import { Redis, ReplyError } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { guardRedis } from '../../../src/adapters/ioredis/index.ts';
import { unguarded } from '../../../src/adapters/outgoing/unguarded.ts';
import { waitUntil } from '../../support/deadline.ts';
import { errorOf } from '../../support/error-of.ts';
import { REDIS, RedisServer } from '../../support/redis.ts';
import { describeWithTool } from '../../support/tools.ts';
import { COOLDOWN_MS, quickBreaker } from '../support/quick-breaker.ts';

interface ClientOptions {
  readonly db?: number;
  readonly connectionName?: string;
  readonly lazyConnect?: boolean;
  readonly enableAutoPipelining?: boolean;
}

describeWithTool('a guarded client of ioredis', REDIS, () => {
  let server: RedisServer;
  let clock: ManualClock;
  const clients: Redis[] = [];

  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server?.stop());

  beforeEach(() => {
    clock = new ManualClock();
  });
  afterEach(async () => {
    server.resume();
    for (const client of clients.splice(0)) client.disconnect();
  });

  function newClient(options: ClientOptions = {}): Redis {
    const own = { maxRetriesPerRequest: 0, retryStrategy: () => 20 };
    const client = new Redis(server.port, '127.0.0.1', { ...own, ...options });
    client.on('error', () => {});
    clients.push(client);
    return client;
  }

  const newBreaker = (options?: BreakerOptions): Breaker => quickBreaker(clock, options);

  test('a command gives what it gave before, as a promise and to a callback', async () => {
    const breaker = newBreaker();
    const redis = guardRedis(newClient(), breaker);
    expect(await redis.set('greeting', 'hello')).toBe('OK');
    expect(await redis.get('greeting')).toBe('hello');
    expect(await redis.getBuffer('greeting')).toEqual(Buffer.from('hello'));
    await redis.hset('person', { name: 'Jo' });
    expect(await redis.hgetall('person')).toEqual({ name: 'Jo' });
    const given = await new Promise((resolve) => {
      redis.get('greeting', (...args) => resolve(args));
    });
    expect(given).toEqual([null, 'hello']);
    expect(await redis.call('STRLEN', 'greeting')).toBe(5);
    expect(breaker.stats().calls).toMatchObject({ success: 7, failure: 0 });
  });

  test('an error is the very object, and one about the command is ignored', async () => {
    const seen: unknown[] = [];
    const breaker = newBreaker({ isFailure: (error) => seen.push(error) < 0 });
    const redis = guardRedis(newClient(), breaker);
    await redis.set('word', 'text');
    const error = await errorOf(redis.incr('word'));
    expect(error).toBeInstanceOf(ReplyError);
    const toCallback = await new Promise((resolve) => redis.incr('word', (failed) => resolve(failed)));
    expect(seen).toHaveLength(2);
    expect(seen[0]).toBe(error);
    expect(seen[1]).toBe(toCallback);
    expect(breaker.stats().calls).toMatchObject({ ignored: 2, success: 1 });
  });

  test('a server that is gone trips it, and one that is back resets it by a probe', async () => {
    const breaker = newBreaker();
    const redis = guardRedis(newClient(), breaker);
    await redis.set('kept', '1');
    await server.crash();
    try {
      // They wait in the client's queue until its attempt to connect has failed.
      for (let call = 0; call < 2; call += 1) {
        expect((await errorOf(redis.get('kept'))).message).toMatch(/closed|max retries|ECONNREFUSED/);
      }
      expect(breaker.state).toBe('open');
      expect(await errorOf(redis.get('kept'))).toBeInstanceOf(BreakerOpenError);
      expect(await new Promise((resolve) => redis.get('kept', resolve))).toBeInstanceOf(BreakerOpenError);
    } finally {
      await server.restart();
    }
    await waitUntil('the connection', () => redis.status === 'ready');
    await clock.advance(COOLDOWN_MS);
    expect(await redis.get('kept')).toBe('1');
    expect(breaker.state).toBe('closed');
  });

  test('a client connects again while the breaker is open', async () => {
    const breaker = newBreaker();
    const redis = guardRedis(newClient({ db: 2, connectionName: 'guarded' }), breaker);
    await redis.ping();
    breaker.trip();
    await server.crash();
    await waitUntil('the loss', () => redis.status !== 'ready');
    await server.restart();
    await waitUntil('the connection', () => redis.status === 'ready');
    expect(breaker.stats().calls).toMatchObject({ success: 0, rejected: 0 });
  });

  test('a command that waits for the connection is one call', async () => {
    const breaker = newBreaker();
    const redis = guardRedis(newClient({ lazyConnect: true }), breaker);
    expect(await Promise.all([redis.set('early', '1'), redis.get('early')])).toEqual(['OK', '1']);
    expect(breaker.stats().calls).toMatchObject({ success: 2 });
  });

  test('a server that answers nothing trips it by its timeout', async () => {
    const breaker = newBreaker({ timeoutMs: 500 });
    const redis = guardRedis(newClient(), breaker);
    await redis.set('kept', '2');
    server.pause();
    const calls = [errorOf(redis.get('kept')), errorOf(redis.get('kept'))];
    await clock.advance(500);
    for (const call of calls) expect(await call).toBeInstanceOf(CallTimeoutError);
    expect(breaker.state).toBe('open');
    server.resume();
    await clock.advance(COOLDOWN_MS);
    // The late answers are let go, and this one is its own.
    expect(await redis.strlen('kept')).toBe(1);
    expect(breaker.state).toBe('closed');
  });

  test('a server without memory left trips it by its writes', async () => {
    const breaker = newBreaker();
    const redis = guardRedis(newClient(), breaker);
    const operator = newClient();
    await operator.config('SET', 'maxmemory', '1');
    try {
      for (let call = 0; call < 2; call += 1) expect((await errorOf(redis.set('more', 'x'))).message).toMatch(/^OOM/);
      expect(breaker.state).toBe('open');
    } finally {
      await operator.config('SET', 'maxmemory', '0');
    }
  });

  test('a pipeline is one call, and its commands have their results', async () => {
    const breaker = newBreaker();
    const redis = guardRedis(newClient(), breaker);
    await redis.set('text', 'x');
    const results = await redis.pipeline().set('a', '1').get('a').incr('text').exec();
    expect(results).toEqual([
      [null, 'OK'],
      [null, '1'],
      [expect.objectContaining({ message: expect.stringContaining('not an integer') })],
    ]);
    expect(breaker.stats().calls).toMatchObject({ success: 1, ignored: 1 });
    breaker.trip();
    const rejected = await redis.pipeline().set('a', '2').get('a').exec();
    expect(rejected).toEqual([[expect.any(BreakerOpenError)], [expect.any(BreakerOpenError)]]);
    breaker.reset();
    expect(await redis.get('a')).toBe('1');
  });

  test('so is a transaction, which is made as a whole or not at all', async () => {
    const breaker = newBreaker();
    const redis = guardRedis(newClient(), breaker);
    expect(await redis.multi().set('b', '1').incr('b').exec()).toEqual([
      [null, 'OK'],
      [null, 2],
    ]);
    expect(breaker.stats().calls).toMatchObject({ success: 1 });
    breaker.trip();
    expect(await errorOf(redis.multi().set('b', '9').exec())).toBeInstanceOf(BreakerOpenError);
    breaker.reset();
    expect(await redis.get('b')).toBe('2');
  });

  test('a transaction that is written by hand is left alone', async () => {
    const breaker = newBreaker();
    const redis = guardRedis(newClient(), breaker);
    await redis.multi({ pipeline: false });
    breaker.trip();
    expect(await redis.set('c', '1')).toBe('QUEUED');
    expect(await redis.exec()).toEqual([[null, 'OK']]);
    expect(await errorOf(redis.get('c'))).toBeInstanceOf(BreakerOpenError);
  });

  test('a pipeline of a server that answers nothing is given up as a whole', async () => {
    const breaker = newBreaker({ timeoutMs: 500 });
    const redis = guardRedis(newClient(), breaker);
    await redis.ping();
    server.pause();
    const results = redis.pipeline().get('a').get('b').exec();
    await clock.advance(500);
    expect(await results).toEqual([[expect.any(CallTimeoutError)], [expect.any(CallTimeoutError)]]);
    expect(breaker.stats().calls).toMatchObject({ timeout: 1 });
  });

  test('commands that the client puts into a pipeline by itself have their own results', async () => {
    const breaker = newBreaker();
    const redis = guardRedis(newClient({ enableAutoPipelining: true }), breaker);
    await redis.ping();
    expect(await Promise.all([redis.set('d', '1'), redis.get('d')])).toEqual(['OK', '1']);
    breaker.trip();
    const both = await Promise.all([errorOf(redis.get('d')), errorOf(redis.get('d'))]);
    for (const error of both) expect(error).toBeInstanceOf(BreakerOpenError);
  });

  test('blocking commands, subscriptions and what is about the connection go past it', async () => {
    const breaker = newBreaker();
    breaker.trip();
    const redis = guardRedis(newClient(), breaker);
    expect(await redis.blpop('empty', 0.01)).toBeNull();
    expect(await redis.call('XREAD', 'BLOCK', '10', 'STREAMS', 'nothing', '$')).toBeNull();
    expect(await redis.ping()).toBe('PONG');
    expect(await redis.info()).toContain('redis_version');
    expect(await errorOf(redis.xread('STREAMS', 'nothing', '0'))).toBeInstanceOf(BreakerOpenError);
    const subscriber = guardRedis(newClient(), breaker);
    expect(await subscriber.subscribe('news')).toBe(1);
    expect(await subscriber.unsubscribe('news')).toBe(0);
    expect(await redis.quit()).toBe('OK');
  });

  test('a fallback wire answers a command, and is told what it asks', async () => {
    const inputs: unknown[] = [];
    const wire = fallbackWire(({ input }) => {
      inputs.push(input);
      return 'from the fallback';
    });
    const breaker = newBreaker({ neutralWires: [wire] });
    const redis = guardRedis(newClient(), breaker);
    breaker.trip();
    expect(await redis.get('key')).toBe('from the fallback');
    expect(inputs).toEqual([
      {
        client: 'ioredis',
        method: 'GET',
        origin: `redis://127.0.0.1:${server.port}`,
        host: `127.0.0.1:${server.port}`,
        path: '',
        args: ['key'],
      },
    ]);
    expect(await redis.pipeline().get('key').exec()).toEqual([[expect.any(BreakerOpenError)]]);
  });

  test('a script of one’s own is run under it, whether or not the server knows it', async () => {
    const breaker = newBreaker();
    const redis = guardRedis(newClient(), breaker) as Redis & { twice(key: string): Promise<number> };
    redis.defineCommand('twice', { numberOfKeys: 1, lua: "return redis.call('INCRBY', KEYS[1], 2)" });
    await redis.set('n', '1');
    expect(await redis.twice('n')).toBe(3);
    await redis.script('FLUSH');
    expect(await redis.twice('n')).toBe(5);
    expect(breaker.stats().calls.failure).toBe(0);
    breaker.trip();
    expect(await errorOf(redis.twice('n'))).toBeInstanceOf(BreakerOpenError);
  });

  test('a breaker is chosen for each command, and none where it is to be left alone', async () => {
    const [reads, writes] = [newBreaker(), newBreaker()];
    const redis = guardRedis(newClient(), ({ method }) => ({ GET: reads, SET: writes })[method]);
    await redis.set('e', '1');
    await redis.get('e');
    await redis.del('e');
    await unguarded(() => redis.get('e'));
    expect(reads.stats().calls.success).toBe(1);
    expect(writes.stats().calls.success).toBe(1);
  });

  test('guarded twice, a command is still one call', async () => {
    const breaker = newBreaker();
    const redis = guardRedis(guardRedis(newClient(), breaker), breaker);
    await redis.get('f');
    expect(breaker.stats().calls).toMatchObject({ success: 1 });
  });
});
