import { createRequire } from 'node:module';
import { Readable } from 'node:stream';
import {
  BreakerOpenError,
  type BreakerOptions,
  CallTimeoutError,
  fallbackWire,
  type NeutralWire,
} from '@switchgear/breaker';
import { ManualClock } from '@switchgear/breaker/testing';
import axios, { type AxiosInstance } from 'axios';
import { beforeEach, describe, expect, test } from 'vitest';
import { guardAxios } from '../../../src/adapters/axios/index.ts';
import { installHttpGuard } from '../../../src/adapters/http/index.ts';
import { httpAnswer } from '../../../src/adapters/http-calls/http-answer.ts';
import type { HttpRequest } from '../../../src/adapters/http-calls/http-request.ts';
import { bodyWire } from '../support/body-wire.ts';
import { httpBreaker } from '../support/http-breaker.ts';
import { spareWire } from '../support/spare-wire.ts';
import { ToldUpstream } from '../support/told-upstream.ts';

let upstream: ToldUpstream;
let client: AxiosInstance;
const clock = new ManualClock();

beforeEach(async () => {
  upstream = await ToldUpstream.open();
  client = axios.create({ baseURL: upstream.url, headers: { 'X-App': 'shop' } });
});

describe('a closed breaker', () => {
  test('a good request is as it would be, and counted once', async () => {
    const bare = await client.post('/orders?a=1', { item: 'bolt' }, { params: { b: 2 } });
    const breaker = make();
    guardAxios(client, breaker);
    const { data, status, statusText, config, headers } = await client.post(
      '/orders?a=1',
      { item: 'bolt' },
      { params: { b: 2 } },
    );
    expect({ data, status, statusText, headers: { ...headers, date: 0 } }).toEqual({
      data: bare.data,
      status: bare.status,
      statusText: bare.statusText,
      headers: { ...bare.headers, date: 0 },
    });
    expect(data).toEqual({ method: 'POST', path: '/orders?a=1&b=2', body: '{"item":"bolt"}' });
    expect(config.url).toBe('/orders?a=1');
    expect(breaker.stats().calls).toMatchObject({ success: 1, failure: 0 });
  });

  test('the call is known by method, origin and path', async () => {
    const calls: HttpRequest[] = [];
    guardAxios(client, (call) => {
      calls.push(call as HttpRequest);
      return undefined;
    });
    await client.put('/orders/1?x=y', 'text', { auth: { username: 'jo', password: 'pw' } });
    const { client: by, method, origin, host, path, url } = calls[0]!;
    expect({ by, method, origin, host, path, url }).toEqual({
      by: 'axios',
      method: 'PUT',
      origin: upstream.url,
      host: `127.0.0.1:${upstream.port}`,
      path: '/orders/1',
      url: `${upstream.url}/orders/1?x=y`,
    });
    expect(calls[0]!.headers()).toMatchObject({ 'x-app': 'shop', authorization: 'Basic am86cHc=' });
  });

  test('a status is judged by the breaker, and is what validateStatus makes of it to the caller', async () => {
    const breaker = make();
    guardAxios(client, breaker);
    upstream.fail(503);
    await expect(client.get('/')).rejects.toMatchObject({ code: 'ERR_BAD_RESPONSE', response: { status: 503 } });
    const wanted = await client.get('/', { validateStatus: () => true });
    expect(wanted.status).toBe(503);
    upstream.fail(404);
    await expect(client.get('/')).rejects.toMatchObject({ code: 'ERR_BAD_REQUEST', response: { status: 404 } });
    expect(breaker.stats().calls).toMatchObject({ success: 1, failure: 2 });
  });

  test('a server that refuses is a failure, with the error of axios', async () => {
    const breaker = make();
    guardAxios(client, breaker);
    await upstream.close();
    const error = await client.get('/').catch((thrown) => thrown);
    expect(error).toMatchObject({ code: 'ECONNREFUSED', isAxiosError: true, config: { url: '/' } });
    expect(breaker.stats().calls.failure).toBe(1);
  });

  test('a timeout of axios is a failure; what its caller cancels is none', async () => {
    const breaker = make();
    guardAxios(client, breaker);
    upstream.hang();
    await expect(client.get('/', { timeout: 30 })).rejects.toMatchObject({ code: 'ECONNABORTED' });
    expect(breaker.stats().calls).toMatchObject({ failure: 1, cancelled: 0 });

    const controller = new AbortController();
    const bySignal = client.get('/', { signal: controller.signal });
    setImmediate(() => controller.abort());
    const error = await bySignal.catch((thrown) => thrown);
    expect([axios.isCancel(error), error.code]).toEqual([true, 'ERR_CANCELED']);

    const source = axios.CancelToken.source();
    const byToken = client.get('/', { cancelToken: source.token });
    setImmediate(() => source.cancel('changed my mind'));
    await expect(byToken).rejects.toMatchObject({ code: 'ERR_CANCELED', message: 'changed my mind' });
    expect(breaker.stats().calls).toMatchObject({ failure: 1, cancelled: 2 });

    await expect(client.get('/', { signal: AbortSignal.timeout(30) })).rejects.toMatchObject({ code: 'ERR_CANCELED' });
    expect(breaker.stats().calls).toMatchObject({ failure: 2, cancelled: 2 });
  });

  test('timeoutMs ends the request in the way of axios', async () => {
    const breaker = make({ timeoutMs: 30 });
    guardAxios(client, breaker);
    let closed = () => {};
    const isClosed = new Promise<void>((resolve) => {
      closed = resolve;
    });
    upstream.answer = (request) => request.socket.once('close', closed);
    const error = await client.get('/slow').catch((thrown) => thrown);
    expect(axios.isAxiosError(error)).toBe(true);
    expect(error).toMatchObject({ code: 'ETIMEDOUT', config: { url: '/slow' } });
    expect(error.response).toBeUndefined();
    expect(error.cause).toBeInstanceOf(CallTimeoutError);
    await isClosed;
    expect(breaker.stats().calls.timeout).toBe(1);
  });

  test('what it sends is guarded once, under a guard of node:http as well', async () => {
    const [outer, inner] = [make(), make()];
    guardAxios(client, outer);
    const takeOff = installHttpGuard(inner);
    await client.get('/');
    await axios.get(upstream.url);
    takeOff();
    expect([outer.stats().calls.success, inner.stats().calls.success]).toEqual([1, 1]);
  });
});

describe('an open breaker', () => {
  test('rejects in the way of axios without a request, and is good again after the reset', async () => {
    const breaker = make();
    guardAxios(client, breaker);
    breaker.trip();
    const error = await client.get('/a').catch((thrown) => thrown);
    expect(axios.isAxiosError(error)).toBe(true);
    expect(error).toMatchObject({ code: 'BREAKER_OPEN', config: { url: '/a', baseURL: upstream.url } });
    expect([error.response, error.status, axios.isCancel(error)]).toEqual([undefined, undefined, false]);
    expect(error.cause).toBeInstanceOf(BreakerOpenError);
    expect(upstream.requests).toBe(0);
    breaker.reset();
    expect((await client.get('/a')).status).toBe(200);
  });

  test('half-open, a probe that times out fails, and good ones close it', async () => {
    const breaker = make({ cooldownMs: 1_000, halfOpen: { probes: 1, ramp: [], probeTimeoutMs: 5_000 }, clock });
    guardAxios(client, breaker);
    breaker.trip();
    await clock.advance(1_000);
    upstream.hang();
    const probe = client.get('/').catch((thrown) => thrown);
    await expect.poll(() => upstream.requests).toBe(1);
    await clock.advance(5_000);
    expect(await probe).toMatchObject({ code: 'ETIMEDOUT' });
    expect(breaker.state).toBe('open');
    await clock.advance(1_000);
    upstream.answer = (_request, response) => response.end('well');
    expect((await client.get('/')).data).toBe('well');
    expect(breaker.state).toBe('closed');
  });

  test.each([
    ['json', undefined, { spare: true }],
    ['text', 'text', '{"spare":true}'],
    ['arraybuffer', 'arraybuffer', Buffer.from('{"spare":true}')],
  ] as const)('a wire answers with %s', async (_name, responseType, expected) => {
    const breaker = make({ neutralWires: [spareWire()] });
    guardAxios(client, breaker);
    breaker.trip();
    const response = await client.get('/a', responseType ? { responseType } : {});
    expect(response.data).toEqual(expected);
    expect(response.headers).toMatchObject({ 'content-type': 'application/json' });
    expect([response.status, response.statusText, response.config.url]).toEqual([200, 'OK', '/a']);
  });

  test('a wire answers with a stream', async () => {
    const breaker = make({ neutralWires: [spareWire()] });
    guardAxios(client, breaker);
    breaker.trip();
    const { data } = await client.get<Readable>('/a', { responseType: 'stream' });
    expect(Buffer.concat(await data.toArray()).toString()).toBe('{"spare":true}');
  });

  test('an answer whose status is not wanted rejects like a response', async () => {
    const breaker = make({ neutralWires: [fallbackWire(() => httpAnswer({ status: 503, json: { later: true } }))] });
    guardAxios(client, breaker);
    breaker.trip();
    await expect(client.get('/a')).rejects.toMatchObject({
      code: 'ERR_BAD_RESPONSE',
      response: { status: 503, data: { later: true } },
    });
  });

  test('the request that trips it is answered by the wire, and its body was kept for that', async () => {
    const bodies: unknown[] = [];
    const breaker = make({ trip: { consecutive: 1 }, neutralWires: [bodyWire(bodies)] });
    guardAxios(client, breaker);
    upstream.fail();
    await client.post('/a', { item: 'bolt' });
    await client.post('/b', Readable.from(['a ', 'stream']));
    expect(bodies).toEqual(['{"item":"bolt"}', 'a stream']);
    expect(upstream.requests).toBe(1);
  });
});

test('a good response is learned by the wires that ask for it', async () => {
  const learned: unknown[] = [];
  const wire = {
    ...spareWire(),
    responseBytes: () => 100,
    learnResponse: (request: HttpRequest, answer: { status: number; body: Uint8Array }) =>
      learned.push([request.path, answer.status, Buffer.from(answer.body).toString()]),
  } as NeutralWire;
  guardAxios(client, make({ neutralWires: [wire] }));
  upstream.answer = (_request, response) => response.end('x'.repeat(9));
  await client.get('/short');
  upstream.answer = (_request, response) => response.end('x'.repeat(101));
  await client.get('/long');
  expect(learned).toEqual([['/short', 200, 'x'.repeat(9)]]);
});

test('taken off, it leaves the instance as it was', async () => {
  const before = client.defaults.adapter;
  const breaker = make();
  const takeOff = guardAxios(client, breaker);
  takeOff();
  takeOff();
  await client.get('/');
  expect(client.defaults.adapter).toBe(before);
  expect(breaker.stats().calls.success).toBe(0);
});

test('the axios of a CommonJS caller, and the adapter of fetch, are guarded alike', async () => {
  const common = createRequire(import.meta.url)('axios') as typeof axios;
  const instance = common.create({ baseURL: upstream.url, adapter: 'fetch' });
  const breaker = make();
  guardAxios(instance, breaker);
  expect((await instance.get('/')).status).toBe(200);
  breaker.trip();
  const error = await instance.get('/').catch((thrown) => thrown);
  expect([common.isAxiosError(error), error.code]).toEqual([true, 'BREAKER_OPEN']);
});

function make(options: BreakerOptions = {}) {
  return httpBreaker({
    trip: { consecutive: 100 },
    ...options,
  });
}
