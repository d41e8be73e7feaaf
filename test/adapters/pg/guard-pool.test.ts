import {
  type Breaker,
  BreakerOpenError,
  type BreakerOptions,
  CallTimeoutError,
  fallbackWire,
} from '@switchgear/breaker';
import { ManualClock } from '@switchgear/breaker/testing';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { judgeOutcomes } from '../../../src/adapters/outcomes/index.ts';
import { unguarded } from '../../../src/adapters/outgoing/unguarded.ts';
import { guardPool } from '../../../src/adapters/pg/index.ts';
import { waitUntil } from '../../support/deadline.ts';
import { errorOf } from '../../support/error-of.ts';
import { POSTGRES, PostgresServer } from '../../support/postgres.ts';
import { describeWithTool } from '../../support/tools.ts';
import { COOLDOWN_MS, quickBreaker } from '../support/quick-breaker.ts';

describeWithTool('a guarded pool of pg', POSTGRES, () => {
  let server: PostgresServer;
  let clock: ManualClock;
  const pools: pg.Pool[] = [];

  beforeAll(async () => {
    server = await PostgresServer.start();
    await server.ask('CREATE TABLE orders (id int PRIMARY KEY)');
  });
  afterAll(() => server?.stop());

  beforeEach(() => {
    clock = new ManualClock();
  });
  afterEach(async () => {
    server.resume();
    await Promise.all(pools.splice(0).map((pool) => pool.end()));
  });

  function newPool(options: pg.PoolConfig = {}): pg.Pool {
    const pool = new pg.Pool({ connectionString: server.url, max: 3, ...options });
    // It tells of idle connections that are lost.
    pool.on('error', () => {});
    pools.push(pool);
    return pool;
  }

  const newBreaker = (options?: BreakerOptions): Breaker => quickBreaker(clock, options);

  const rejection = (promise: Promise<unknown>) => errorOf<Error & { readonly code?: string }>(promise);

  test('a query gives what it gave before, as a promise and to a callback', async () => {
    const breaker = newBreaker();
    const pool = guardPool(newPool(), breaker);
    expect((await pool.query('SELECT $1::int AS one', [1])).rows).toEqual([{ one: 1 }]);
    expect((await pool.query({ text: 'SELECT 2 AS two', rowMode: 'array' })).rows).toEqual([[2]]);
    const given = await new Promise<unknown[]>((resolve) => {
      expect(pool.query('SELECT 3 AS three', (...args: unknown[]) => resolve(args))).toBeUndefined();
    });
    expect(given).toEqual([undefined, expect.objectContaining({ rows: [{ three: 3 }] })]);
    const withValues = await new Promise<unknown[]>((resolve) => {
      pool.query('SELECT $1::int AS four', [4], (...args: unknown[]) => resolve(args));
    });
    expect(withValues[1]).toMatchObject({ rows: [{ four: 4 }] });
    expect(breaker.stats().calls).toMatchObject({ success: 4, failure: 0 });
  });

  test('an error is the very object, and one about the query is ignored', async () => {
    const breaker = newBreaker({ isFailure: (error) => seen.push(error) < 0 });
    const seen: unknown[] = [];
    const pool = guardPool(newPool(), breaker);
    const error = await rejection(pool.query('SELEKT'));
    expect(error).toBeInstanceOf(pg.DatabaseError);
    expect(error.code).toBe('42601');
    expect(seen).toEqual([error]);
    expect(seen[0]).toBe(error);
    const toCallback = await new Promise((resolve) => pool.query('SELEKT', (failed: Error) => resolve(failed)));
    expect(seen[1]).toBe(toCallback);
    expect(breaker.stats().calls).toMatchObject({ ignored: 2, failure: 0 });
  });

  test('one query is one call, whichever connection it takes', async () => {
    const breaker = newBreaker();
    const pool = guardPool(newPool({ max: 2 }), breaker);
    await Promise.all(Array.from({ length: 10 }, () => pool.query('SELECT 1')));
    expect(breaker.stats().calls).toMatchObject({ success: 10 });
    const client = await pool.connect();
    await client.query('SELECT 1');
    client.release();
    // The connection was idle, so that handing it out says nothing.
    expect(breaker.stats().calls).toMatchObject({ success: 11 });
  });

  test('what an app does with a new connection belongs to the call that needed it', async () => {
    const breaker = newBreaker();
    const pool = newPool();
    const prepared: Promise<unknown>[] = [];
    pool.on('connect', (client) => prepared.push(client.query('SET statement_timeout = 10000')));
    guardPool(pool, breaker);
    await pool.query('SELECT 1');
    await Promise.all(prepared);
    expect(prepared).toHaveLength(1);
    expect(breaker.stats().calls).toMatchObject({ success: 1 });
  });

  test('a database that is down trips it, and one that is back resets it by a probe', async () => {
    const breaker = newBreaker();
    const pool = guardPool(newPool(), breaker);
    await pool.query('SELECT 1');
    await server.down();
    try {
      expect((await rejection(pool.query('SELECT 1'))).code).toMatch(/57P01|ECONNREFUSED|ECONNRESET/);
      await rejection(pool.query('SELECT 1'));
      expect(breaker.state).toBe('open');
      const rejected = await rejection(pool.query('SELECT 1'));
      expect(rejected).toBeInstanceOf(BreakerOpenError);
      expect(await new Promise((resolve) => pool.query('SELECT 1', resolve))).toBeInstanceOf(BreakerOpenError);
      expect(await rejection(pool.connect())).toBeInstanceOf(BreakerOpenError);
      const given = await new Promise<unknown[]>((resolve) => pool.connect((...args) => resolve(args)));
      expect(given).toEqual([expect.any(BreakerOpenError), undefined, expect.any(Function)]);
      await clock.advance(COOLDOWN_MS);
      expect((await rejection(pool.query('SELECT 1'))).code).toBe('ECONNREFUSED');
      expect(breaker.state).toBe('open');
    } finally {
      await server.restart();
    }
    await clock.advance(COOLDOWN_MS);
    expect((await pool.query('SELECT 5 AS five')).rows).toEqual([{ five: 5 }]);
    expect(breaker.state).toBe('closed');
  });

  test('a query that takes too long is given up and cancelled at the server', async () => {
    const breaker = newBreaker({ timeoutMs: 1_000 });
    const pool = guardPool(newPool({ max: 1 }), breaker);
    await pool.query('SELECT 1');
    const slow = rejection(pool.query('SELECT pg_sleep(60) /* of the test */'));
    await waitUntil('the query at the server', async () => (await sleeping()) === 1);
    await clock.advance(1_000);
    expect(await slow).toBeInstanceOf(CallTimeoutError);
    await waitUntil('its end at the server', async () => (await sleeping()) === 0);
    // The pool has its only connection back, and it is well.
    expect((await pool.query('SELECT 6 AS six')).rows).toEqual([{ six: 6 }]);
    expect(breaker.stats().calls).toMatchObject({ timeout: 1, success: 2 });
  });

  test('a probe that hangs is cancelled at the server at its own deadline', async () => {
    const breaker = newBreaker({ timeoutMs: null, halfOpen: { probes: 1, probeTimeoutMs: 1_000, ramp: [] } });
    const pool = guardPool(newPool({ max: 1 }), breaker);
    await pool.query('SELECT 1');
    breaker.trip();
    await clock.advance(COOLDOWN_MS);
    const probe = rejection(pool.query('SELECT pg_sleep(60) /* of the test */'));
    await waitUntil('the query at the server', async () => (await sleeping()) === 1);
    await clock.advance(1_000);
    expect(await probe).toBeInstanceOf(CallTimeoutError);
    await waitUntil('its end at the server', async () => (await sleeping()) === 0);
    expect(breaker.state).toBe('open');
  });

  test('the same for a query on a connection of one’s own', async () => {
    const breaker = newBreaker({ timeoutMs: 1_000 });
    const pool = guardPool(newPool(), breaker);
    const client = await pool.connect();
    const slow = rejection(client.query('SELECT pg_sleep(60) /* of the test */'));
    await waitUntil('the query at the server', async () => (await sleeping()) === 1);
    await clock.advance(1_000);
    expect(await slow).toBeInstanceOf(CallTimeoutError);
    expect((await client.query('SELECT 7 AS seven')).rows).toEqual([{ seven: 7 }]);
    client.release();
  });

  test('a query that still waits for a connection when its time is over is never made', async () => {
    const breaker = newBreaker({ timeoutMs: 1_000 });
    const pool = guardPool(newPool({ max: 1 }), breaker);
    const client = await unguarded(() => pool.connect());
    const waiting = rejection(pool.query('INSERT INTO orders VALUES (99)'));
    await waitUntil('it in the queue', () => pool.waitingCount === 1);
    await clock.advance(1_000);
    expect(await waiting).toBeInstanceOf(CallTimeoutError);
    client.release();
    await waitUntil('the connection back', () => pool.idleCount === 1);
    expect(await server.ask('SELECT * FROM orders WHERE id = 99')).toEqual([]);
  });

  test('a connection that comes too late for its caller goes back to the pool', async () => {
    const breaker = newBreaker({ timeoutMs: 1_000 });
    const pool = guardPool(newPool({ max: 1 }), breaker);
    server.pause();
    const late = rejection(pool.connect());
    await waitUntil('the connection under way', () => pool.totalCount === 1);
    await clock.advance(1_000);
    expect(await late).toBeInstanceOf(CallTimeoutError);
    server.resume();
    await waitUntil('the connection back', () => pool.idleCount === 1);
  });

  test('a server that answers nothing trips it', async () => {
    const breaker = newBreaker({ timeoutMs: 1_000 });
    const pool = guardPool(newPool(), breaker);
    server.pause();
    const calls = [rejection(pool.query('SELECT 1')), rejection(pool.query('SELECT 1'))];
    await waitUntil('both under way', () => pool.totalCount === 2);
    await clock.advance(1_000);
    for (const call of calls) expect(await call).toBeInstanceOf(CallTimeoutError);
    expect(breaker.state).toBe('open');
    server.resume();
    await clock.advance(COOLDOWN_MS);
    await pool.query('SELECT 1');
    expect(breaker.state).toBe('closed');
  });

  test('a connection whose server does not even answer a request to cancel is let go', async () => {
    const breaker = newBreaker({ timeoutMs: 1_000 });
    const pool = guardPool(newPool({ max: 1 }), breaker);
    await pool.query('SELECT 1');
    server.pause();
    const late = rejection(pool.query('SELECT 1'));
    await waitUntil('the query under way', () => pool.idleCount === 0);
    await clock.advance(1_000);
    expect(await late).toBeInstanceOf(CallTimeoutError);
    await waitUntil('the connection gone', () => pool.totalCount === 0);
    server.resume();
    await pool.query('SELECT 1');
  });

  test('a server without a connection to spare trips it', async () => {
    const breaker = newBreaker();
    const pool = guardPool(newPool(), breaker);
    const others = newPool({ max: 30 });
    const taken: pg.PoolClient[] = [];
    try {
      for (;;) taken.push(await others.connect());
    } catch (error) {
      expect((error as { code: string }).code).toBe('53300');
    }
    for (let call = 0; call < 2; call += 1) expect((await rejection(pool.query('SELECT 1'))).code).toBe('53300');
    expect(breaker.state).toBe('open');
    for (const client of taken) client.release(true);
  });

  test('a wrong password is the caller’s fault, unless one says otherwise', async () => {
    const lenient = newBreaker();
    const pool = guardPool(newPool({ connectionString: server.url.replace('switchgear@', 'wrong@') }), lenient);
    for (let call = 0; call < 3; call += 1) expect((await rejection(pool.query('SELECT 1'))).code).toBe('28P01');
    expect(lenient.state).toBe('closed');
    expect(lenient.stats().calls).toMatchObject({ ignored: 3 });
    const strict = newBreaker(judgeOutcomes({ failures: { errors: ['default', '28*'] } }));
    const other = guardPool(newPool({ connectionString: server.url.replace('switchgear@', 'wrong@') }), strict);
    for (let call = 0; call < 2; call += 1) await rejection(other.query('SELECT 1'));
    expect(strict.state).toBe('open');
  });

  test('a transaction that has begun goes on to its end while the breaker is open', async () => {
    const breaker = newBreaker();
    const pool = guardPool(newPool(), breaker);
    const client = await pool.connect();
    // Queued behind a BEGIN that the server has not answered.
    const begun = client.query('BEGIN');
    breaker.trip();
    const first = client.query('INSERT INTO orders VALUES (1)');
    await Promise.all([begun, first]);
    expect(await rejection(pool.query('SELECT 1'))).toBeInstanceOf(BreakerOpenError);
    await client.query('INSERT INTO orders VALUES ($1)', [2]);
    await client.query('COMMIT');
    expect(await rejection(client.query('SELECT 1'))).toBeInstanceOf(BreakerOpenError);
    expect(await rejection(client.query('BEGIN'))).toBeInstanceOf(BreakerOpenError);
    client.release();
    expect(await server.ask('SELECT id FROM orders ORDER BY id')).toEqual([{ id: 1 }, { id: 2 }]);
  });

  test('so does one that failed, to its ROLLBACK', async () => {
    const breaker = newBreaker();
    const pool = guardPool(newPool(), breaker);
    const client = await pool.connect();
    await client.query('start transaction');
    await rejection(client.query('SELEKT'));
    breaker.trip();
    expect((await rejection(client.query('SELECT 1'))).code).toBe('25P02');
    await client.query('ROLLBACK');
    expect(await rejection(client.query('SELECT 1'))).toBeInstanceOf(BreakerOpenError);
    client.release();
  });

  test('so it does with a version of pg that does not keep the state of its connection', async () => {
    const breaker = newBreaker();
    const pool = guardPool(newPool(), breaker);
    const client = await pool.connect();
    Object.defineProperty(client, 'getTransactionStatus', { value: undefined });
    await client.query('BEGIN');
    breaker.trip();
    await client.query('SELECT 1');
    await client.query('COMMIT');
    expect(await rejection(client.query('SELECT 1'))).toBeInstanceOf(BreakerOpenError);
    client.release();
  });

  test('while the breaker is closed, the queries of a transaction are judged', async () => {
    const breaker = newBreaker({ trip: { consecutive: 5, failureRatio: null } });
    const pool = guardPool(newPool(), breaker);
    const client = await pool.connect();
    await client.query('BEGIN');
    await client.query('SET LOCAL statement_timeout = 20');
    expect((await rejection(client.query('SELECT pg_sleep(10)'))).code).toBe('57014');
    await client.query('ROLLBACK');
    client.release();
    // The connection, BEGIN, SET and ROLLBACK.
    expect(breaker.stats().calls).toMatchObject({ success: 4, failure: 1 });
  });

  test('a fallback wire answers a query, and neither a connection nor a BEGIN nor what follows one', async () => {
    const inputs: unknown[] = [];
    const wire = fallbackWire(({ input }) => {
      inputs.push(input);
      return { rows: [{ from: 'the fallback' }] };
    });
    const breaker = newBreaker({ neutralWires: [wire] });
    const pool = guardPool(newPool(), breaker);
    const client = await pool.connect();
    breaker.trip();
    expect(await pool.query('SELECT $1::int', [1])).toEqual({ rows: [{ from: 'the fallback' }] });
    const { port } = server;
    const call = { client: 'pg', method: 'SELECT', origin: `postgres://127.0.0.1:${port}/postgres`, path: '' };
    expect(inputs).toEqual([{ ...call, host: `127.0.0.1:${port}`, text: 'SELECT $1::int', values: [1] }]);
    expect(await rejection(client.query('BEGIN'))).toBeInstanceOf(BreakerOpenError);
    expect(await rejection(pool.connect())).toBeInstanceOf(BreakerOpenError);
    client.release();
  });

  test('cursors and other submittables are left alone', async () => {
    const breaker = newBreaker();
    const pool = guardPool(newPool(), breaker);
    const client = await pool.connect();
    const rows: unknown[] = [];
    const query = client.query(new pg.Query('SELECT 8 AS eight'));
    query.on('row', (row) => rows.push(row));
    await new Promise((resolve) => query.on('end', resolve));
    expect(rows).toEqual([{ eight: 8 }]);
    client.release();
    expect(breaker.stats().calls).toMatchObject({ success: 1 });
  });

  test('an object with a callback of its own stays as it is', async () => {
    const pool = guardPool(newPool(), newBreaker());
    const client = await pool.connect();
    const results: unknown[] = [];
    const config = { text: 'SELECT 9 AS nine', callback: (_: unknown, result: pg.QueryResult) => results.push(result) };
    const { callback } = config;
    expect(client.query(config)).toBeUndefined();
    await waitUntil('its callback', () => results.length === 1);
    expect(results[0]).toMatchObject({ rows: [{ nine: 9 }] });
    expect(config).toEqual({ text: 'SELECT 9 AS nine', callback });
    client.release();
  });

  async function sleeping(): Promise<number> {
    const [row] = await server.ask<{ count: number }>(
      "SELECT count(*)::int AS count FROM pg_stat_activity WHERE query LIKE '%of the test%' AND state = 'active' AND pid <> pg_backend_pid()",
    );
    return row!.count;
  }
});
