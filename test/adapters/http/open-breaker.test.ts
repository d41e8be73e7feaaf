import { once } from 'node:events';
import http, { type ClientRequest, get, request as sendRequest } from 'node:http';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { BreakerOpenError, CallTimeoutError } from '@switchgear/breaker';
import { ManualClock } from '@switchgear/breaker/testing';
import { beforeEach, describe, expect, test } from 'vitest';
import { guardAgent } from '../../../src/adapters/http/index.ts';
import { unguarded } from '../../../src/adapters/outgoing/unguarded.ts';
import { answerOf } from '../support/answer-of.ts';
import { guardHttp } from '../support/guard-http.ts';
import { httpBreaker } from '../support/http-breaker.ts';
import { ToldUpstream } from '../support/told-upstream.ts';
import { ForeignAgent } from './foreign-agent.ts';

let upstream: ToldUpstream;

beforeEach(async () => {
  upstream = await ToldUpstream.open();
});

describe('an open breaker', () => {
  test.each<[string, (url: string) => ClientRequest]>([
    ['http.request', (url) => http.request(url).end()],
    ['a named import', (url) => sendRequest(url).end()],
    ['get with a callback', (url) => get(url, () => {})],
    ['a CommonJS caller', (url) => createRequire(import.meta.url)('http').get(url)],
    ['no agent', (url) => get(url, { agent: false })],
    ['an agent of its own', (url) => get(url, { agent: new http.Agent({ keepAlive: true }) })],
    ['a connection of its own', (url) => get(url, { createConnection: () => connect(Number(new URL(url).port)) })],
    ['an agent that is none of node:http', (url) => get(url, { agent: foreignTo(url) })],
    ['a ClientRequest made by hand', (url) => new http.ClientRequest(url).end()],
  ])('rejects by its error event, and nothing reaches the server: %s', async (_name, send) => {
    const breaker = httpBreaker();
    guardHttp(breaker);
    breaker.trip();
    const request = send(upstream.url);
    const events: unknown[] = [];
    request.on('error', (error) => events.push(error));
    request.on('close', () => events.push('close'));
    expect(events).toEqual([]);
    await once(request, 'close').catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(events).toEqual([expect.any(BreakerOpenError), 'close']);
    expect([request.destroyed, request.closed]).toEqual([true, true]);
    expect([upstream.requests, breaker.stats().calls.rejected]).toEqual([0, 1]);
    await expect.poll(() => upstream.connections()).toBe(0);
  });

  test('rejects once, where an agent of another kind cannot connect either', async () => {
    const breaker = httpBreaker();
    guardHttp(breaker);
    breaker.trip();
    const foreign = new ForeignAgent(1);
    const errors: unknown[] = [];
    get(upstream.url, { agent: foreign.agent }).on('error', (error) => errors.push(error));
    await expect.poll(() => foreign.sockets[0]?.closed).toBe(true);
    expect(errors).toEqual([expect.any(BreakerOpenError)]);
  });

  test('an awaited response and a pipeline reject with its error', async () => {
    const breaker = httpBreaker();
    guardHttp(breaker);
    breaker.trip();
    await expect(once(get(upstream.url), 'response')).rejects.toMatchObject({ code: 'BREAKER_OPEN' });
    const upload = sendRequest(upstream.url, { method: 'POST' });
    const body = Readable.from(Array.from({ length: 100 }, () => Buffer.alloc(4_096)));
    await expect(pipeline(body, upload)).rejects.toMatchObject({ code: 'BREAKER_OPEN' });
  });

  test('an error that nobody listens for is thrown, as every error of a request is', async () => {
    const breaker = httpBreaker();
    guardHttp(breaker);
    breaker.trip();
    const others = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    const thrown = once(process, 'uncaughtException');
    get(upstream.url);
    const [error] = await thrown;
    for (const listener of others) process.on('uncaughtException', listener);
    expect(error).toBeInstanceOf(BreakerOpenError);
  });

  test('a caller that destroys its request meanwhile hears what it would have heard', async () => {
    const breaker = httpBreaker();
    guardHttp(breaker);
    breaker.trip();
    const hungUp = get(upstream.url).destroy();
    await expect(once(hungUp, 'response')).rejects.toMatchObject({ code: 'ECONNRESET' });
    const mine = new Error('mine');
    await expect(once(get(upstream.url).destroy(mine), 'response')).rejects.toBe(mine);
  });

  test('half-open, a good probe closes it and requests arrive again', async () => {
    const clock = new ManualClock();
    const breaker = httpBreaker({ clock, cooldownMs: 1_000, halfOpen: { probes: 1, ramp: [] } });
    guardHttp(breaker);
    upstream.fail();
    for (let call = 0; call < 3; call++) await answerOf(get(upstream.url));
    expect(breaker.state).toBe('open');
    await clock.advance(1_000);
    expect(await answerOf(get(upstream.url))).toBe('503 unwell');
    expect(breaker.state).toBe('open');
    await clock.advance(1_000);
    upstream.answer = (_request, response) => response.end('well');
    expect(await answerOf(get(upstream.url))).toBe('200 well');
    expect(breaker.state).toBe('closed');
  });
});

describe('a call that takes too long', () => {
  test('ends with CallTimeoutError, and its connection with it', async () => {
    const breaker = httpBreaker({ timeoutMs: 20 });
    guardHttp(breaker);
    const left = Promise.withResolvers<void>();
    upstream.answer = (request) => request.socket.once('close', () => left.resolve());
    await expect(once(get(upstream.url), 'response')).rejects.toBeInstanceOf(CallTimeoutError);
    await left.promise;
    expect(breaker.stats().calls.timeout).toBe(1);
  });

  test('in the queue of its agent ends there, and its place is the next one’s', async () => {
    const clock = new ManualClock();
    const breaker = httpBreaker({ timeoutMs: 1_000, clock });
    const agent = new http.Agent({ maxSockets: 1, keepAlive: true });
    guardHttp(({ path }) => (path === '/queued' ? breaker : undefined));
    let free = () => {};
    upstream.answer = (request, response) => {
      if (request.url === '/first') free = () => response.end('first');
      else response.end('last');
    };
    const first = answerOf(get(`${upstream.url}/first`, { agent }));
    const queued = get(`${upstream.url}/queued`, { agent });
    const events: unknown[] = [];
    queued.on('error', (error) => events.push(error)).on('close', () => events.push('close'));
    const last = answerOf(get(`${upstream.url}/last`, { agent }));
    await expect.poll(() => upstream.requests).toBe(1);
    await clock.advance(1_000);
    await expect.poll(() => events).toEqual([expect.any(CallTimeoutError), 'close']);
    free();
    expect([await first, await last]).toEqual(['200 first', '200 last']);
    expect(upstream.requests).toBe(2);
    agent.destroy();
  });
});

describe('what is guarded', () => {
  test('is chosen for each call, known by method, origin, host and path', async () => {
    const calls: unknown[] = [];
    guardHttp(({ client, method, origin, host, path }) => {
      calls.push({ client, method, origin, host, path });
      return undefined;
    });
    await answerOf(sendRequest(`${upstream.url}/a/b?c=d`, { method: 'delete' }).end());
    await failure(get({ host: '::1', port: 1, path: '/six' }));
    await failure(get({ socketPath: '/nowhere.sock', path: '/local' }));
    await failure(
      get({ agent: new http.Agent({ socketPath: '/agents.sock' } as http.AgentOptions), path: '/by-agent' }),
    );
    await answerOf(get({ host: '127.0.0.1', port: upstream.port, path: 'http://shop.example/proxied?x' }));
    await answerOf(get(`${upstream.url}/foreign`, { agent: foreignTo(upstream.url) }));
    await failure(get('http://nowhere.invalid/', { lookup: (_host, _options, done) => done(new Error('none'), '') }));
    const host = `127.0.0.1:${upstream.port}`;
    expect(calls).toEqual([
      { client: 'http', method: 'DELETE', origin: upstream.url, host, path: '/a/b' },
      { client: 'http', method: 'GET', origin: 'http://[::1]:1', host: '[::1]:1', path: '/six' },
      { client: 'http', method: 'GET', origin: 'http+unix://%2Fnowhere.sock', host: '/nowhere.sock', path: '/local' },
      { client: 'http', method: 'GET', origin: 'http+unix://%2Fagents.sock', host: '/agents.sock', path: '/by-agent' },
      { client: 'http', method: 'GET', origin: 'http://shop.example', host: 'shop.example', path: '/proxied' },
      { client: 'http', method: 'GET', origin: upstream.url, host, path: '/foreign' },
      { client: 'http', method: 'GET', origin: 'http://nowhere.invalid', host: 'nowhere.invalid', path: '/' },
    ]);
  });

  test('is no call that is marked as unguarded', async () => {
    const breaker = httpBreaker();
    guardHttp(breaker);
    breaker.trip();
    expect(await answerOf(unguarded(() => get(upstream.url)))).toContain('200 ');
  });

  test('with guardAgent is that agent alone, until it is taken off, and once', async () => {
    const [own, all] = [httpBreaker(), httpBreaker()];
    const agent = new http.Agent();
    const off = guardAgent(agent, own);
    guardHttp(all);
    await answerOf(get(upstream.url, { agent }));
    await answerOf(get(upstream.url));
    expect([own.stats().calls.success, all.stats().calls.success]).toEqual([1, 1]);
    off();
    off();
    await answerOf(get(upstream.url, { agent }));
    expect([own.stats().calls.success, all.stats().calls.success]).toEqual([1, 2]);
    expect(Object.hasOwn(agent, 'addRequest')).toBe(false);
  });

  test('is nothing of an agent’s once it is taken off, though somebody has wrapped the agent since', async () => {
    const breaker = httpBreaker();
    const agent = new http.Agent();
    const off = guardAgent(agent, breaker);
    const guarded = Reflect.get(agent, 'addRequest') as (...args: unknown[]) => void;
    Object.assign(agent, { addRequest: (...args: unknown[]) => Reflect.apply(guarded, agent, args) });
    await answerOf(get(upstream.url, { agent }));
    off();
    await answerOf(get(upstream.url, { agent }));
    expect(breaker.stats().calls.success).toBe(1);
  });

  test('is what the last installation says, and nothing once it is taken off', async () => {
    const before = [
      Reflect.get(http.Agent.prototype, 'addRequest'),
      Reflect.get(http.ClientRequest.prototype, 'onSocket'),
    ];
    const [first, second] = [httpBreaker(), httpBreaker()];
    const offFirst = guardHttp(first);
    const takeOff = guardHttp(second);
    offFirst();
    await answerOf(get(upstream.url));
    expect([first.stats().calls.success, second.stats().calls.success]).toEqual([0, 1]);
    takeOff();
    await answerOf(get(upstream.url));
    expect(second.stats().calls.success).toBe(1);
    expect([
      Reflect.get(http.Agent.prototype, 'addRequest'),
      Reflect.get(http.ClientRequest.prototype, 'onSocket'),
    ]).toEqual(before);
  });

  test('counts a connection that an agent of another kind cannot make', async () => {
    const breaker = httpBreaker();
    guardHttp(breaker);
    const { agent } = new ForeignAgent(1);
    expect(await failure(get(upstream.url, { agent }))).toMatchObject({ code: 'ECONNREFUSED' });
    expect(breaker.stats().calls.failure).toBe(1);
  });
});

function foreignTo(url: string): http.Agent {
  return new ForeignAgent(Number(new URL(url).port)).agent;
}

async function failure(request: ClientRequest): Promise<Error> {
  const [error] = await once(request, 'error');
  return error;
}
