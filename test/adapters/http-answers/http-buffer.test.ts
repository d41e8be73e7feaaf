import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { breakerInterceptor } from '@switchgear/adapters/fetch';
import {
  type HttpBufferOptions,
  httpBuffer,
  httpCache,
  type KeptRequest,
  originWire,
} from '@switchgear/adapters/http-answers';
import { createBreaker, sqliteSpool } from '@switchgear/breaker';
import { Agent, request } from 'undici';
import { expect, onTestFinished, test } from 'vitest';
import { Upstream } from '../support/upstream.ts';
import { type Guarded, guardedUpstream } from './guarded-upstream.ts';

const order = {
  method: 'POST',
  headers: { 'X-Customer': 'jo', Authorization: 'Bearer a', 'content-type': 'application/json' },
  body: '{"item":"bolt"}',
};

test('a call that is taken in is answered with 202 and its receipt', async () => {
  const { breaker, get } = await setUp();
  breaker.trip();
  const response = await get('/orders', order);
  expect(response.status).toBe(202);
  const receipt = response.headers.get('switchgear-receipt');
  expect(receipt).toBe(`${breaker.name}/buffer/1`);
  expect(response.headers.get('content-type')).toBe('application/json');
  expect(await response.json()).toEqual({ receipt });
  expect(breaker.stats().wires[0]).toMatchObject({ buffered: 1, depth: 1 });
});

test('after the reset it is sent again as it was, with one idempotency key', async () => {
  const { upstream, breaker, clock, get } = await setUp();
  breaker.trip();
  await get('/orders?x=1', order);
  expect(upstream.arrived).toEqual([]);
  breaker.reset();
  await drained(clock, breaker);
  expect(upstream.arrived).toHaveLength(1);
  const [arrived] = upstream.arrived;
  expect(arrived).toMatchObject({ method: 'POST', url: '/orders?x=1', body: '{"item":"bolt"}' });
  expect(arrived?.headers).toMatchObject({
    'x-customer': 'jo',
    authorization: 'Bearer a',
    'content-type': 'application/json',
    'content-length': '15',
    host: `127.0.0.1:${upstream.port}`,
    'idempotency-key': expect.any(String),
  });
  expect(breaker.stats().wires[0]).toMatchObject({ replayed: 1, depth: 0 });
});

test('a replay that fails is tried again with the same key, and the caller’s own key stays', async () => {
  const { upstream, breaker, clock, get } = await setUp({ backoff: { baseMs: 100, maxMs: 100 } });
  breaker.trip();
  await get('/orders', { ...order, headers: { 'Idempotency-Key': 'order-7' } });
  upstream.mood = 'failing';
  breaker.reset();
  await advanceUntil(clock, () => upstream.arrived.length === 1);
  upstream.mood = 'well';
  await drained(clock, breaker);
  expect(upstream.arrived.map(({ headers }) => headers['idempotency-key'])).toEqual(['order-7', 'order-7']);
  expect(breaker.stats().wires[0]).toMatchObject({ retried: 1, replayed: 1 });
});

test('a replay that is sent elsewhere goes there', async () => {
  const { upstream, breaker, clock, get } = await setUp();
  breaker.trip();
  await get('/moved-for-good', order);
  breaker.reset();
  await drained(clock, breaker);
  expect(upstream.arrived).toMatchObject([
    { url: '/moved-for-good' },
    { url: '/there', method: 'POST', body: order.body },
  ]);
});

test('the call that trips the breaker is taken in with its body', async () => {
  const { upstream, breaker, clock, get } = await setUp();
  upstream.mood = 'failing';
  expect((await get('/orders?id=1', order)).status).toBe(503);
  const stream = new Blob([order.body]).stream();
  expect((await get('/orders?id=2', { ...order, body: stream, duplex: 'half' } as RequestInit)).status).toBe(202);
  upstream.mood = 'well';
  upstream.arrived.length = 0;
  breaker.reset();
  await drained(clock, breaker);
  expect(upstream.arrived).toMatchObject([{ url: '/orders?id=2', body: order.body }]);
});

test('what arrives in parts is taken in as a whole', async () => {
  const { breaker, get } = await setUp();
  breaker.trip();
  let give = (_part: string | undefined) => {};
  const body = new ReadableStream({
    start(controller) {
      give = (part) => (part === undefined ? controller.close() : controller.enqueue(Buffer.from(part)));
    },
  });
  const answer = get('/orders', { method: 'POST', body, duplex: 'half' } as RequestInit);
  give('one ');
  expect(breaker.stats().wires[0]).toMatchObject({ depth: 0 });
  give('two');
  give(undefined);
  expect((await answer).status).toBe(202);
  const [held] = await bufferOf(breaker).peek();
  expect(bodyOf(held?.input)).toBe('one two');
});

test('a request is kept as plain JSON, without what belongs to its connection or its trace', async () => {
  const { upstream, breaker } = await setUp();
  const agent = new Agent().compose(breakerInterceptor(breaker));
  onTestFinished(() => agent.destroy());
  breaker.trip();
  const headers = [
    'X-A',
    '1',
    'Connection',
    'X-Hop',
    'X-Hop',
    '2',
    'TE',
    'trailers',
    'traceparent',
    '00-1-2-01',
    'x-a',
    '3',
  ];
  const { statusCode } = await request(`${upstream.url}/orders`, {
    dispatcher: agent,
    method: 'POST',
    headers,
    body: 'a',
  });
  expect(statusCode).toBe(202);
  const [held] = await bufferOf(breaker).peek();
  expect(held?.operation).toBe('http');
  expect(held?.input).toEqual({
    method: 'POST',
    url: `${upstream.url}/orders`,
    headers: { 'x-a': '1, 3' },
    body: Buffer.from('a').toString('base64'),
  });
});

test('other methods are declined, and a body beyond the bound is refused', async () => {
  const { breaker, get } = await setUp({ maxBodyBytes: 10 });
  breaker.trip();
  await expect(get('/orders')).rejects.toMatchObject({ code: 'BREAKER_OPEN' });
  expect(breaker.stats().wires[0]).toMatchObject({ failed: 0 });
  await expect(get('/orders', order)).rejects.toMatchObject({
    code: 'BREAKER_OPEN',
    causes: [{ code: 'WIRE_REFUSED', declined: false }],
  });
  expect(breaker.stats().wires[0]).toMatchObject({ failed: 1, buffered: 0 });
});

test('its bound holds where another wire asks for more', async () => {
  const replica = await Upstream.start();
  const neutralWires = [
    httpBuffer({ methods: ['POST'], maxBodyBytes: 10 }),
    originWire({ origin: replica.url, maxBodyBytes: 12 }),
    originWire({ name: 'larger', origin: replica.url }),
  ];
  const { breaker, get } = await guardedUpstream({ neutralWires });
  breaker.trip();
  expect((await get('/orders', order)).status).toBe(200);
  const body = new Blob([order.body]).stream();
  expect((await get('/orders', { ...order, body, duplex: 'half' } as RequestInit)).status).toBe(200);
  expect(breaker.stats().wires.map(({ failed, served }) => [failed, served])).toEqual([
    [2, 0],
    [2, 0],
    [0, 2],
  ]);
});

test('it stands beside other wires', async () => {
  const buffer = httpBuffer({ methods: ['POST'] });
  const { breaker, get } = await guardedUpstream({ neutralWires: [httpCache(), buffer] });
  await (await get('/plain')).text();
  await new Promise(setImmediate);
  breaker.trip();
  expect((await get('/plain')).headers.get('switchgear-cached')).toBe('stale');
  expect((await get('/plain', order)).status).toBe(202);
});

test.each<[HttpBufferOptions['orderBy'], (string | undefined)[]]>([
  [undefined, [undefined, undefined]],
  ['path', ['/a', '/b']],
  ['host', ['', '']],
  [{ header: 'X-Customer' }, ['jo', undefined]],
])('ordered by %j, requests have that key', async (orderBy, keys) => {
  const { upstream, breaker, get } = await setUp(orderBy === undefined ? {} : { orderBy });
  breaker.trip();
  await get('/a', order);
  await get('/b', { method: 'POST' });
  const host = `127.0.0.1:${upstream.port}`;
  const expected = keys.map((key) => (orderBy === 'path' || orderBy === 'host' ? `${host}${key}` : key));
  expect((await bufferOf(breaker).peek()).map(({ key }) => key)).toEqual(expected);
});

test('an operator may pause it, look into it and empty it', async () => {
  const { breaker, get } = await setUp();
  const buffer = bufferOf(breaker);
  breaker.trip();
  buffer.pause();
  expect(buffer.isPaused).toBe(true);
  await get('/a', order);
  expect(buffer.load()).toMatchObject({ depth: 1 });
  expect(buffer.timeToEmptyMs()).toBeNull();
  buffer.resume();
  expect(buffer.isPaused).toBe(false);
  expect(await buffer.purge()).toBe(1);
  expect(await buffer.deadLetters()).toEqual([]);
  expect(await buffer.purgeDeadLetters()).toBe(0);
});

test('a process that is killed leaves what it took in to the next one', async () => {
  const upstream = await Upstream.start();
  const folder = mkdtempSync(join(tmpdir(), 'switchgear-http-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'orders.db');
  const child = spawn(process.execPath, [join(import.meta.dirname, 'buffering-main.ts'), upstream.url, file]);
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const [said] = await once(child.stdout, 'data');
  expect(JSON.parse(String(said))).toEqual([202, 202, 202]);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(upstream.arrived).toEqual([]);

  const next = createBreaker('orders', {
    telemetry: 'off',
    neutralWires: [httpBuffer({ methods: ['POST'], spool: sqliteSpool(file), orderBy: 'path' })],
  });
  onTestFinished(() => next.close());
  await expect.poll(() => next.stats().wires[0]?.replayed, { timeout: 10_000 }).toBe(3);
  expect(upstream.arrived.map(({ url, body }) => `${url} ${body}`)).toEqual([
    '/orders?id=1 order 1',
    '/orders?id=2 order 2',
    '/orders?id=3 order 3',
  ]);
  expect(upstream.arrived.map(({ headers }) => headers['idempotency-key'])).toEqual(['key-1', 'key-2', 'key-3']);
});

function setUp(options: Partial<HttpBufferOptions> = {}): Promise<Guarded> {
  return guardedUpstream({ neutralWires: [httpBuffer({ methods: ['POST'], ...options })] });
}

function bodyOf(input: unknown): string {
  return Buffer.from((input as KeptRequest).body ?? '', 'base64').toString();
}

function bufferOf(breaker: Guarded['breaker']) {
  return breaker.neutralWires[0] as ReturnType<typeof httpBuffer>;
}

function drained(clock: Guarded['clock'], breaker: Guarded['breaker']): Promise<void> {
  return advanceUntil(clock, () => breaker.stats().wires[0]?.depth === 0);
}

/** Time moves by hand, the network by itself. */
async function advanceUntil(clock: Guarded['clock'], isDone: () => boolean): Promise<void> {
  await expect
    .poll(
      async () => {
        await clock.advance(50);
        return isDone();
      },
      { interval: 5 },
    )
    .toBe(true);
}
