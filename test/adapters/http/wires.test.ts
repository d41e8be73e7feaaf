import { once } from 'node:events';
import http, { get, type IncomingMessage, request as sendRequest } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type BreakerOptions, createBreaker, fallbackWire, type NeutralWire } from '@switchgear/breaker';
import { ManualClock } from '@switchgear/breaker/testing';
import { beforeEach, describe, expect, test } from 'vitest';
import { type HttpWire, httpBuffer, httpCache } from '../../../src/adapters/http-answers/index.ts';
import { httpAnswer } from '../../../src/adapters/http-calls/http-answer.ts';
import type { HttpRequest } from '../../../src/adapters/http-calls/http-request.ts';
import { answerOf, bodyOf } from '../support/answer-of.ts';
import { bodyWire } from '../support/body-wire.ts';
import { guardHttp } from '../support/guard-http.ts';
import { httpBreaker } from '../support/http-breaker.ts';
import { spareWire } from '../support/spare-wire.ts';
import { ToldUpstream } from '../support/told-upstream.ts';

let upstream: ToldUpstream;

beforeEach(async () => {
  upstream = await ToldUpstream.open();
});

describe('a wire of an open breaker answers', () => {
  test('as a server would, with all that belongs to a response', async () => {
    open([spareWire()]);
    const request = get(`${upstream.url}/a`);
    const events: string[] = [];
    for (const event of ['socket', 'finish', 'response', 'close', 'error']) request.on(event, () => events.push(event));
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    expect(response.statusMessage).toBe('OK');
    expect(response.headers).toEqual({ 'content-type': 'application/json', 'content-length': '14' });
    const closed = once(request, 'close');
    const { socket } = response;
    expect(await bodyOf(response)).toBe('{"spare":true}');
    await closed;
    expect(socket.destroyed).toBe(true);
    expect(events).toEqual(['socket', 'finish', 'response', 'close']);
    expect([response.complete, request.destroyed, upstream.requests]).toEqual([true, true, 0]);
  });

  test('the callback, and an agent that keeps connections', async () => {
    open([spareWire()]);
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const answers = Array.from(
      { length: 3 },
      () => new Promise<string>((resolve) => get(upstream.url, { agent }, (response) => resolve(bodyOf(response)))),
    );
    expect(await Promise.all(answers)).toEqual(Array(3).fill('{"spare":true}'));
    expect(Object.keys(agent.sockets)).toEqual([]);
  });

  test.each([
    ['HEAD', 200, ''],
    ['GET', 204, ''],
    ['GET', 304, ''],
    ['GET', 500, 'body'],
  ])('%s with status %d', async (method, status, expected) => {
    open([fallbackWire(() => httpAnswer({ status, body: 'body' }))]);
    const request = sendRequest(upstream.url, { method }).end();
    const [response] = await once(request, 'response');
    const closed = once(request, 'close');
    expect([response.statusCode, await bodyOf(response)]).toEqual([status, expected]);
    await closed;
  });

  test('a response that nobody reads, and the request is over', async () => {
    open([spareWire()]);
    const request = get(upstream.url);
    await once(request, 'close');
    expect(request.destroyed).toBe(true);
  });

  test('a body larger than any buffer', async () => {
    open([fallbackWire(() => httpAnswer({ body: 'x'.repeat(1_000_000) }))]);
    expect(await answerOf(get(upstream.url))).toBe(`200 ${'x'.repeat(1_000_000)}`);
  });

  test('before an upload of any size has come to its end, and takes all of it', async () => {
    open([spareWire()]);
    const request = sendRequest(upstream.url, { method: 'POST' });
    const answer = answerOf(request);
    const body = Readable.from(Array.from({ length: 500 }, () => Buffer.alloc(4_096)));
    await pipeline(body, request);
    expect(await answer).toBe('200 {"spare":true}');
  });

  test('in the middle of an upload, which comes to its end', async () => {
    open([spareWire()]);
    const request = sendRequest(upstream.url, { method: 'POST', agent: false });
    request.write('first');
    expect(await answerOf(request)).toBe('200 {"spare":true}');
    const closed = once(request, 'close');
    const parts = Readable.from(Array.from({ length: 5 }, () => Buffer.alloc(100_000)));
    parts.pipe(request);
    await Promise.all([once(request, 'finish'), closed]);
  });

  test('to a request that waits to be asked for its body', async () => {
    const bodies: string[] = [];
    open([bodyWire(bodies)]);
    const request = sendRequest(upstream.url, { method: 'POST', headers: { expect: '100-continue' } });
    request.on('continue', () => request.end('asked'));
    expect(await answerOf(request)).toBe('202 kept');
    expect(bodies).toEqual(['asked']);
  });

  test('a tunnel is never opened by it', async () => {
    open([spareWire()]);
    const request = sendRequest(upstream.url, { method: 'CONNECT', path: 'other:1' }).end();
    const [response, socket] = await once(request, 'connect');
    expect(response.statusCode).toBe(503);
    socket.destroy();
  });

  test('late, and a timeout of the request is told in the meantime', async () => {
    const later = Promise.withResolvers<void>();
    open([fallbackWire(() => later.promise.then(() => httpAnswer({ body: 'late' })))]);
    const request = get(upstream.url, { timeout: 10 });
    await once(request, 'timeout');
    later.resolve();
    expect(await answerOf(request)).toBe('200 late');
  });

  test('nobody whose caller has left', async () => {
    const breaker = open([fallbackWire(() => new Promise(() => {}))]);
    const request = get(upstream.url);
    await once(request, 'socket');
    request.destroy(new Error('enough'));
    await expect(once(request, 'response')).rejects.toThrow('enough');
    expect(breaker.stats().calls.failure).toBe(0);
  });

  test('with the body, where it asks for it without notice, and knows whether there is none', async () => {
    const bodies: unknown[] = [];
    const { requestBytes: _, ...wire } = bodyWire(bodies as string[]) as HttpWire;
    const breaker = open([wire as NeutralWire]);
    const upload = sendRequest(upstream.url, { method: 'POST' });
    upload.end('whole');
    await answerOf(upload);
    await answerOf(get(upstream.url));
    expect(bodies).toEqual(['whole', '']);
    breaker.reset();
    upstream.fail();
    const sent = sendRequest(upstream.url, { method: 'POST' });
    sent.end('gone');
    expect(await answerOf(sent)).toBe('503 unwell');
    expect(breaker.state).toBe('open');
  });

  test('nobody who destroys the upload that it waits for', async () => {
    const ended = Promise.withResolvers<unknown>();
    const waiting = {
      name: 'waiting',
      kind: 'fallback',
      requestBytes: () => 1_000,
      async take({ input }: { input: { request: HttpRequest } }) {
        await input.request.body().catch((error) => {
          ended.resolve(error);
          throw error;
        });
      },
    } as unknown as NeutralWire;
    open([waiting]);
    const request = sendRequest(upstream.url, { method: 'POST' });
    request.on('error', () => {});
    request.write('half');
    await once(request, 'socket');
    request.destroy();
    expect(await ended.promise).toEqual(new Error('Its caller has left'));
  });

  test('or refuses, and the request ends with the breaker’s error', async () => {
    open([
      fallbackWire(() => {
        throw new Error('no spare');
      }),
    ]);
    const error = await once(get(upstream.url), 'response').catch((thrown) => thrown);
    expect(error).toMatchObject({ code: 'BREAKER_OPEN', causes: [{ message: 'no spare' }] });
  });
});

describe('the request that trips the breaker', () => {
  test('is answered by the wire in place of the response, whose connection is closed', async () => {
    const closed = Promise.withResolvers<void>();
    const breaker = make([spareWire()]);
    upstream.answer = (request, response) => {
      request.socket.once('close', () => closed.resolve());
      response.writeHead(503).write('never ends');
    };
    const agent = new http.Agent({ keepAlive: true });
    expect(await answerOf(get(upstream.url, { agent }))).toBe('200 {"spare":true}');
    expect(breaker.state).toBe('open');
    await closed.promise;
    await expect.poll(() => Object.keys(agent.sockets)).toEqual([]);
  });

  test('is answered in place of its error', async () => {
    const breaker = make([spareWire()]);
    const port = upstream.port;
    await upstream.close();
    const request = sendRequest({ port, host: '127.0.0.1', method: 'POST' });
    const events: string[] = [];
    for (const event of ['finish', 'response', 'error', 'close']) request.on(event, () => events.push(event));
    request.end('body');
    expect(await answerOf(request)).toBe('200 {"spare":true}');
    await expect.poll(() => events.toSorted()).toEqual(['close', 'finish', 'response']);
    expect(breaker.stats().calls).toMatchObject({ failure: 1, diverted: 0 });
  });

  test('is answered in place of its timeout, while it is under way and in the queue of an agent', async () => {
    const clock = new ManualClock();
    const breaker = make([spareWire()], { timeoutMs: 1_000, clock });
    const agent = new http.Agent({ maxSockets: 1, keepAlive: true });
    upstream.hang();
    const first = answerOf(get(upstream.url, { agent }));
    await expect.poll(() => upstream.requests).toBe(1);
    const queued = expect(answerOf(get(upstream.url, { agent }))).rejects.toMatchObject({ code: 'BREAKER_TIMEOUT' });
    await clock.advance(1_000);
    expect(await first).toBe('200 {"spare":true}');
    // The second came too late to trip it.
    await queued;
    breaker.reset();
    upstream.answer = (_request, response) => response.end('well');
    expect(await answerOf(get(upstream.url, { agent }))).toBe('200 well');
    agent.destroy();
  });

  test('is answered in the queue of an agent, and the connection is the next one’s', async () => {
    const clock = new ManualClock();
    const breaker = createBreaker('queued', {
      telemetry: 'off',
      clock,
      timeoutMs: 1_000,
      trip: { consecutive: 1 },
      neutralWires: [spareWire()],
    });
    const agent = new http.Agent({ maxSockets: 1, keepAlive: true });
    guardHttp(({ path }) => (path === '/queued' ? breaker : undefined));
    let end = () => {};
    upstream.answer = (request, response) => {
      if (request.url === '/first') end = () => response.end('first');
      else response.end(request.url);
    };
    const first = answerOf(get(`${upstream.url}/first`, { agent }));
    const queued = answerOf(get(`${upstream.url}/queued`, { agent }));
    const last = answerOf(get(`${upstream.url}/last`, { agent }));
    await expect.poll(() => upstream.requests).toBe(1);
    await clock.advance(1_000);
    expect(await queued).toBe('200 {"spare":true}');
    end();
    expect([await first, await last]).toEqual(['200 first', '200 /last']);
    expect(upstream.requests).toBe(2);
    agent.destroy();
    await breaker.close();
  });

  test.each([
    ['a response', 503, undefined, { code: 'ECONNRESET' }],
    ['a response, and an error of the caller', 503, new Error('mine'), { message: 'mine' }],
    ['an error', 0, undefined, { code: 'ECONNRESET' }],
  ])('tells a caller who leaves meanwhile nothing of the wire’s answer: %s', async (_name, status, error, expected) => {
    const [asked, later] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    make([
      fallbackWire(async () => {
        asked.resolve();
        await later.promise;
        return httpAnswer();
      }),
    ]);
    if (status > 0) upstream.fail(status);
    else upstream.answer = (request) => request.socket.destroy();
    const request = get(upstream.url);
    const events: unknown[] = [];
    request.on('response', () => events.push('response')).on('error', (error) => events.push(error));
    request.on('close', () => events.push('close'));
    await asked.promise;
    // Until the connection of the one that failed is closed.
    await expect.poll(() => upstream.connections()).toBe(status > 0 ? 1 : 0);
    await new Promise((resolve) => setImmediate(resolve));
    request.destroy(error);
    later.resolve();
    await expect.poll(() => events).toEqual([expect.objectContaining(expected), 'close']);
    expect([request.destroyed, request.closed]).toEqual([true, true]);
  });

  test('what its listeners throw is thrown where it would have been without a guard', async () => {
    make([spareWire()], { trip: { consecutive: 5 } });
    const others = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    const thrown = once(process, 'uncaughtException');
    get(upstream.url, (response) => {
      response.resume();
      throw new Error('by a listener');
    });
    const [error] = await thrown;
    for (const listener of others) process.on('uncaughtException', listener);
    expect(error.message).toBe('by a listener');
  });

  test('keeps its response where no wire takes it', async () => {
    make([
      fallbackWire(async () => {
        throw new Error('no spare');
      }),
    ]);
    upstream.fail(503);
    expect(await answerOf(get(upstream.url))).toBe('503 unwell');
  });

  test('keeps its error where no wire takes it', async () => {
    make([
      fallbackWire(async () => {
        await new Promise((resolve) => setImmediate(resolve));
        throw new Error('no spare');
      }),
    ]);
    upstream.answer = (request) => request.socket.destroy();
    const request = get(upstream.url);
    const events: unknown[] = [];
    request
      .on('error', (error: NodeJS.ErrnoException) => events.push(error.code))
      .on('close', () => events.push('close'));
    await expect.poll(() => events).toEqual(['ECONNRESET', 'close']);
    expect([request.destroyed, request.closed]).toEqual([true, true]);
  });

  test('has had its body kept for the wire, in all the ways it can be written', async () => {
    const bodies: string[] = [];
    const breaker = make([bodyWire(bodies)]);
    upstream.fail();
    const whole = sendRequest(upstream.url, { method: 'POST' });
    whole.end('whole');
    await answerOf(whole);
    const parts = sendRequest(upstream.url, { method: 'POST' });
    parts.write('one ');
    parts.write(Buffer.from('two '));
    parts.write('dGhyZWU=', 'base64');
    parts.end();
    await answerOf(parts);
    await answerOf(get(upstream.url));
    const large = sendRequest(upstream.url, { method: 'POST' });
    large.end('x'.repeat(1_001));
    await expect(answerOf(large)).rejects.toMatchObject({ code: 'BREAKER_OPEN', causes: [{ code: 'BODY_TOO_LARGE' }] });
    expect(bodies).toEqual(['whole', 'one two three', '']);
    expect(breaker.stats().calls).toMatchObject({ failure: 1, diverted: 2, rejected: 1 });
  });
});

describe('with the wires of HTTP', () => {
  test('a buffer takes a request in, and sends it once the breaker is closed', async () => {
    const clock = new ManualClock();
    const breaker = make([httpBuffer({ methods: ['POST'] })], { clock });
    breaker.trip();
    const request = sendRequest(`${upstream.url}/orders?a=1`, { method: 'POST', headers: { 'x-customer': 'jo' } });
    request.end('an order');
    const [response] = await once(request, 'response');
    expect([response.statusCode, response.headers['switchgear-receipt']]).toEqual([202, expect.any(String)]);
    const arrived = Promise.withResolvers<unknown>();
    upstream.answer = ({ method, url, headers }, reply, body) => {
      arrived.resolve([method, url, headers['x-customer'], body]);
      reply.end();
    };
    breaker.reset();
    await clock.advance(1_000);
    expect(await arrived.promise).toEqual(['POST', '/orders?a=1', 'jo', 'an order']);
  });

  test('a cache answers with what went by', async () => {
    const breaker = make([httpCache()]);
    upstream.answer = (_request, response) => response.setHeader('cache-control', 'max-age=60').end('kept');
    expect(await answerOf(get(`${upstream.url}/price`))).toBe('200 kept');
    breaker.trip();
    expect(await answerOf(get(`${upstream.url}/price`))).toBe('200 kept');
    await expect(answerOf(get(`${upstream.url}/other`))).rejects.toMatchObject({ code: 'BREAKER_OPEN' });
    expect(upstream.requests).toBe(1);
  });

  test('what breaks off is not learned', async () => {
    const breaker = make([httpCache()]);
    upstream.answer = (_request, response) => {
      response.writeHead(200, { 'cache-control': 'max-age=60', 'content-length': 10 });
      response.write('half', () => response.destroy());
    };
    await expect(answerOf(get(upstream.url))).rejects.toMatchObject({ code: 'ECONNRESET' });
    breaker.trip();
    await expect(answerOf(get(upstream.url))).rejects.toMatchObject({ code: 'BREAKER_OPEN' });
  });
});

function make(neutralWires: readonly NeutralWire[], options: BreakerOptions = {}) {
  const breaker = httpBreaker({
    trip: { consecutive: 1 },
    neutralWires,
    ...options,
  });
  guardHttp(breaker);
  return breaker;
}
function open(neutralWires: readonly NeutralWire[]) {
  const breaker = make(neutralWires);
  breaker.trip();
  return breaker;
}
