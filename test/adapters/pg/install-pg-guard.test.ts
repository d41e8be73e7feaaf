import { createRequire } from 'node:module';
import { type Breaker, BreakerOpenError, createBreaker } from '@switchgear/breaker';
import { ManualClock } from '@switchgear/breaker/testing';
import pg, * as imported from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { OutgoingCall } from '../../../src/adapters/outgoing/outgoing-call.ts';
import { unguarded } from '../../../src/adapters/outgoing/unguarded.ts';
import { guardPool, installPgGuard } from '../../../src/adapters/pg/index.ts';
import { POSTGRES, PostgresServer } from '../../support/postgres.ts';
import { describeWithTool } from '../../support/tools.ts';

const required = createRequire(import.meta.url)('pg') as typeof pg;

describeWithTool('the guard of every pool and client of pg', POSTGRES, () => {
  let server: PostgresServer;
  let breaker: Breaker;
  let takeOff: (() => void) | undefined;
  const ends: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    server = await PostgresServer.start();
  });
  afterAll(() => server?.stop());
  beforeEach(() => {
    breaker = createBreaker('database', { telemetry: 'off' }) as Breaker;
  });
  afterEach(async () => {
    takeOff?.();
    await Promise.all(ends.splice(0).map((end) => end()));
    await breaker.close();
  });

  function newPool(type: typeof pg.Pool): pg.Pool {
    const pool = new type({ connectionString: server.url, max: 2 });
    ends.push(() => pool.end());
    return pool;
  }

  test.each([
    ['imported', imported],
    ['imported by its default', pg],
    ['required', required],
  ])('the module %s is guarded for those who import it and for those who require it', async (_, given) => {
    takeOff = installPgGuard(given, breaker);
    await newPool(imported.Pool).query('SELECT 1');
    await newPool(required.Pool).query('SELECT 1');
    expect(breaker.stats().calls).toMatchObject({ success: 2 });
  });

  test('one query is one call, by whichever way it comes', async () => {
    takeOff = installPgGuard(pg, breaker);
    const pool = newPool(pg.Pool);
    await Promise.all(Array.from({ length: 5 }, () => pool.query('SELECT 1')));
    expect(breaker.stats().calls.success).toBe(5);
    const client = await pool.connect();
    await client.query('SELECT 1');
    client.release();
    expect(breaker.stats().calls.success).toBe(6);
    const own = new pg.Client(server.url);
    ends.push(() => own.end());
    await own.connect();
    await own.query('SELECT 1');
    expect(breaker.stats().calls.success).toBe(7);
    const guarded = guardPool(newPool(pg.Pool), breaker);
    await guarded.query('SELECT 1');
    const second = await guarded.connect();
    await second.query('SELECT 1');
    second.release();
    expect(breaker.stats().calls.success).toBe(9);
  });

  test('what an app does with a new connection belongs to the call that needed it, and is never turned away', async () => {
    await breaker.close();
    const clock = new ManualClock();
    const halfOpen = { probes: 1, ramp: [] };
    breaker = createBreaker('database', { telemetry: 'off', clock, cooldownMs: 1_000, halfOpen }) as Breaker;
    takeOff = installPgGuard(pg, breaker);
    const prepared: Promise<unknown>[] = [];
    const asks = [(pool: pg.Pool) => pool.query('SELECT 1'), async (pool: pg.Pool) => (await pool.connect()).release()];
    for (const ask of asks) {
      const pool = newPool(pg.Pool);
      pool.on('connect', (client) => prepared.push(client.query('SET statement_timeout = 10000')));
      breaker.trip();
      await clock.advance(1_000);
      // The only probe is the call that needs the connection.
      await ask(pool);
    }
    await Promise.all(prepared);
    expect(prepared).toHaveLength(2);
    expect(breaker.stats().calls).toMatchObject({ success: 2 });
  });

  test('a query made in the callback of another is guarded too', async () => {
    takeOff = installPgGuard(pg, breaker);
    const pool = newPool(pg.Pool);
    const error = await new Promise((resolve) => {
      pool.query('SELECT 1', () => {
        breaker.trip();
        pool.query('SELECT 1', resolve);
      });
    });
    expect(error).toBeInstanceOf(BreakerOpenError);
  });

  test('so is one made as a connection tells of something, however long ago it was opened', async () => {
    takeOff = installPgGuard(pg, breaker);
    const pool = newPool(pg.Pool);
    const client = await pool.connect();
    await client.query('LISTEN news');
    const told = new Promise((resolve) => {
      client.once('notification', () => resolve(pool.query('SELECT 1').catch((error: unknown) => error)));
    });
    await pool.query('SELECT 1');
    breaker.trip();
    const sent = unguarded(() => server.ask('NOTIFY news'));
    expect(await told).toBeInstanceOf(BreakerOpenError);
    await sent;
    client.release();
  });

  test('a breaker is chosen by the database and the command', async () => {
    const calls: OutgoingCall[] = [];
    const choose = (call: OutgoingCall) => {
      calls.push(call);
      return call.method === 'SELECT' ? breaker : undefined;
    };
    takeOff = installPgGuard(pg, choose);
    const pool = newPool(pg.Pool);
    await pool.query('/* all of them */ select 1');
    await pool.query('VALUES (1)');
    const [call] = calls;
    expect(call).toMatchObject({
      client: 'pg',
      method: 'SELECT',
      origin: `postgres://127.0.0.1:${server.port}/postgres`,
      host: `127.0.0.1:${server.port}`,
      path: '',
    });
    expect(JSON.stringify(calls)).not.toContain('switchgear');
    expect(breaker.stats().calls.success).toBe(1);
  });

  test('taken off, it guards nothing more; a second time it changes nothing', async () => {
    takeOff = installPgGuard(pg, breaker);
    expect(installPgGuard(required, () => undefined)).toBe(takeOff);
    const pool = newPool(pg.Pool);
    await pool.query('SELECT 1');
    takeOff();
    takeOff();
    breaker.trip();
    await pool.query('SELECT 1');
    expect(breaker.stats().calls).toMatchObject({ success: 1, rejected: 0 });
    expect(Object.hasOwn(pg.Pool.prototype, 'query')).toBe(false);
    takeOff = installPgGuard(pg, breaker);
    await expect(pool.query('SELECT 1')).rejects.toBeInstanceOf(BreakerOpenError);
  });

  test('whoever wrapped the method since keeps it', async () => {
    takeOff = installPgGuard(pg, breaker);
    const guarded = pg.Client.prototype.query;
    let queries = 0;
    const wrapper = function (this: pg.Client, ...args: unknown[]) {
      queries += 1;
      return (guarded as (...given: unknown[]) => unknown).apply(this, args);
    };
    pg.Client.prototype.query = wrapper as typeof guarded;
    takeOff();
    try {
      await newPool(pg.Pool).query('SELECT 1');
      expect(queries).toBe(1);
      expect(breaker.stats().calls.success).toBe(0);
    } finally {
      pg.Client.prototype.query = guarded;
    }
  });

  test('another module is refused', () => {
    expect(() => installPgGuard({}, breaker)).toThrow(TypeError);
  });
});
