import { setTimeout as wait } from 'node:timers/promises';
import { httpAnswer, type ResponseHead, requestOf, staticAnswer } from '@switchgear/adapters/http-answers';
import { type Breaker, type BreakerOptions, createBreaker, fallbackWire, type NeutralWire } from '@switchgear/breaker';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Upstream } from '../support/upstream.ts';
import { type Asked, WAYS } from './ways.ts';

const isUnwell = (head: unknown) => (head as ResponseHead).status >= 500;

/** Where a dispatcher fails, fetch makes `TypeError: fetch failed` of it. */
const told = (name: string, error: unknown) =>
  name.startsWith('the fetch') && !name.endsWith('wrapped') ? (error as Error).cause : error;

describe.each(Object.keys(WAYS))('through %s', (name) => {
  const way = WAYS[name]!;

  test('failures trip the breaker, and further calls are rejected with its code', async () => {
    const { upstream, breaker } = await setUp({ isFailureResult: isUnwell });
    const call = way(breaker).call;
    expect((await call(`${upstream.url}/unwell`)).body).toBe('unwell');
    expect((await call(`${upstream.url}/unwell`)).status).toBe(503);
    const error = await call(`${upstream.url}/plain`).catch((thrown: unknown) => thrown);
    expect(told(name, error)).toMatchObject({
      code: 'BREAKER_OPEN',
      breaker: breaker.name,
    });
    expect(breaker.stats().calls).toMatchObject({ success: 0, failure: 2, rejected: 1 });
    expect(upstream.paths()).toEqual(['/unwell', '/unwell']);
  });

  test('a connection that is refused is a failure, and a server that comes back resets the breaker', async () => {
    const { upstream, breaker } = await setUp({ cooldownMs: 10, halfOpen: { probes: 1, ramp: [] } });
    const call = way(breaker).call;
    await upstream.refuse();
    await expect(call(upstream.url)).rejects.toThrow();
    await expect(call(upstream.url)).rejects.toThrow();
    expect(breaker.state).toBe('open');
    await upstream.listen();
    await expect
      .poll(() =>
        call(`${upstream.url}/plain`).then(
          ({ status }) => status,
          () => 0,
        ),
      )
      .toBe(200);
    expect(breaker.state).toBe('closed');
  });

  test('a server that hangs is cut off by the breaker’s timeout', async () => {
    const { upstream, breaker } = await setUp({ timeoutMs: 30 });
    upstream.mood = 'hanging';
    const error = await way(breaker)
      .call(upstream.url)
      .catch((thrown: unknown) => thrown);
    expect(told(name, error)).toMatchObject({
      code: 'BREAKER_TIMEOUT',
    });
    expect(breaker.stats().calls).toMatchObject({ timeout: 1, failure: 0, cancelled: 0 });
    await expect.poll(() => upstream.left).toBe(1);
  });

  test('a probe that hangs is cut off by its own deadline', async () => {
    const { upstream, breaker } = await setUp({
      timeoutMs: null,
      cooldownMs: 1,
      halfOpen: { probes: 1, probeTimeoutMs: 30 },
    });
    breaker.trip();
    upstream.mood = 'hanging';
    // Until one is let through.
    const ended = () =>
      way(breaker)
        .call(upstream.url)
        .catch(() => breaker.stats().calls.timeout);
    await expect.poll(ended).toBe(1);
    await expect.poll(() => upstream.left).toBe(1);
  });

  test('a caller that aborts cancels the call, which is no failure', async () => {
    const { upstream, breaker } = await setUp({});
    upstream.mood = 'hanging';
    const controller = new AbortController();
    const reason = new Error('the client has gone');
    const ended = way(breaker)
      .call(upstream.url, { signal: controller.signal })
      .catch((thrown: unknown) => thrown);
    await expect.poll(() => upstream.begun).toBe(1);
    controller.abort(reason);
    expect(await ended).toBe(reason);
    expect(breaker.stats().calls).toMatchObject({ cancelled: 1, failure: 0, timeout: 0 });
    await expect.poll(() => upstream.left).toBe(1);
  });

  test('a deadline of the caller is a failure', async () => {
    const { upstream, breaker } = await setUp({});
    upstream.mood = 'hanging';
    const ended = way(breaker).call(upstream.url, { signal: AbortSignal.timeout(30) });
    await expect(ended).rejects.toMatchObject({ name: 'TimeoutError' });
    expect(breaker.stats().calls).toMatchObject({ cancelled: 0, failure: 1 });
  });

  test('a wire answers while the breaker is open, with its status, headers and body', async () => {
    const wire = staticAnswer({ status: 203, headers: { 'X-By': 'wire' }, json: { spare: true } });
    const { upstream, breaker } = await setUp({ neutralWires: [wire] });
    breaker.trip();
    const seen = await way(breaker).call(`${upstream.url}/plain?a=1`);
    expect(seen).toMatchObject({ status: 203, body: '{"spare":true}' });
    expect(seen.headers).toMatchObject({ 'x-by': 'wire', 'content-type': 'application/json' });
    if (name.includes('fetch')) {
      expect(seen.statusText).toBe('Non-Authoritative Information');
    }
    expect(upstream.arrived).toEqual([]);
    expect(breaker.stats().calls).toMatchObject({ diverted: 1, rejected: 0 });
  });

  test('a caller that leaves while a wire has its call is let go', async () => {
    const hanging = fallbackWire(() => new Promise<never>(() => undefined));
    const { upstream, breaker } = await setUp({ neutralWires: [hanging], wireTimeoutMs: null });
    breaker.trip();
    const inTime = way(breaker).call(upstream.url, { signal: AbortSignal.timeout(20) });
    await expect(inTime).rejects.toMatchObject({ name: 'TimeoutError' });
    const controller = new AbortController();
    const aborted = way(breaker).call(upstream.url, { signal: controller.signal });
    setImmediate(() => controller.abort());
    await expect(aborted).rejects.toMatchObject({ name: 'AbortError' });
    expect(upstream.arrived).toEqual([]);
  });

  test('an answer without a body, and one to HEAD, have none', async () => {
    const { upstream, breaker } = await setUp({
      neutralWires: [fallbackWire((call) => answerTo(requestOf(call).path))],
    });
    breaker.trip();
    expect(await way(breaker).call(`${upstream.url}/none`)).toMatchObject({ status: 204, body: '' });
    expect(await way(breaker).call(`${upstream.url}/any`, { method: 'HEAD' })).toMatchObject({ status: 200, body: '' });
  });

  test('the response that trips the breaker is replaced by a wire’s answer', async () => {
    const heard: unknown[] = [];
    const { upstream, breaker } = await setUp({ isFailureResult: isUnwell, neutralWires: [hearing(heard)] });
    const asked = { method: 'POST', headers: { 'x-order': '7' }, body: 'an order' } as const;
    expect((await way(breaker).call(`${upstream.url}/unwell`, asked)).status).toBe(503);
    expect(await way(breaker).call(`${upstream.url}/unwell?id=7`, asked)).toMatchObject({ status: 298, body: 'held' });
    expect(heard).toEqual([{ method: 'POST', url: `${upstream.url}/unwell?id=7`, order: '7', body: 'an order' }]);
  });

  test('where no wire takes the call that trips the breaker, its own response is its caller’s', async () => {
    const declining = staticAnswer({ methods: ['DELETE'] });
    const { upstream, breaker } = await setUp({ isFailureResult: isUnwell, neutralWires: [declining] });
    for (const _ of [1, 2]) expect((await way(breaker).call(`${upstream.url}/unwell`)).body).toBe('unwell');
    expect(breaker.state).toBe('open');
    const large = await setUp({ isFailureResult: () => true, neutralWires: [declining] });
    for (const _ of [1, 2]) {
      expect((await way(large.breaker).call(`${large.upstream.url}/large`)).body.length).toBe(1_000_000);
    }
  });

  test('a wire that takes its time over the tripping call holds a large response back, and not in memory', async () => {
    const slow = fallbackWire(async () => {
      await wait(50);
      throw new Error('not today');
    });
    const { upstream, breaker } = await setUp({ isFailureResult: () => true, neutralWires: [slow] });
    for (const _ of [1, 2]) {
      expect((await way(breaker).call(`${upstream.url}/large`)).body.length).toBe(1_000_000);
    }
    expect(breaker.stats().wires[0]).toMatchObject({ failed: 1 });
  });

  test.each<[string, () => NonNullable<Asked['body']>]>([
    ['text', () => 'one two'],
    ['bytes', () => Buffer.from('one two')],
    ['a stream', () => parts('one ', 'two')],
  ])('a body as %s reaches a wire as a whole, whether it was sent, half sent or not sent', async (_, body) => {
    const heard: { body?: string }[] = [];
    const { upstream, breaker } = await setUp({ trip: { consecutive: 1 }, neutralWires: [hearing(heard)] });
    const call = way(breaker).call;
    await upstream.refuse();
    expect(await call(upstream.url, { method: 'POST', body: body() })).toMatchObject({ status: 298 });
    expect(await call(upstream.url, { method: 'POST', body: body() })).toMatchObject({ status: 298 });
    await upstream.listen();
    breaker.reset();
    expect(await call(`${upstream.url}/cut`, { method: 'POST', body: body() })).toMatchObject({ status: 298 });
    expect(heard.map((request) => request.body)).toEqual(['one two', 'one two', 'one two']);
  });

  test('a body beyond what a wire keeps is sent as it is', async () => {
    const { upstream, breaker } = await setUp({ neutralWires: [hearing([], 3)] });
    const asked = { method: 'POST', body: parts('one ', 'two') } as const;
    expect((await way(breaker).call(`${upstream.url}/plain`, asked)).body).toBe('POST /plain one two');
  });

  test('a response is read as it comes', async () => {
    const { upstream, breaker } = await setUp({ neutralWires: [staticAnswer()] });
    expect((await way(breaker).call(`${upstream.url}/chunked`)).body).toBe('one two three');
  });
});

async function setUp(options: BreakerOptions): Promise<{ readonly upstream: Upstream; readonly breaker: Breaker }> {
  const upstream = await Upstream.start();
  const breaker = createBreaker(`guarded-${upstream.port}`, { telemetry: 'off', trip: { consecutive: 2 }, ...options });
  onTestFinished(() => breaker.close());
  return { upstream, breaker };
}

/** A wire that notes the requests it gets. */
function hearing(heard: unknown[], mostBytes = 1_000): NeutralWire {
  const wire = fallbackWire(async (call) => {
    const request = requestOf(call);
    const { method, url } = request;
    const body = (await request.body())?.toString();
    heard.push({
      method,
      url,
      order: request.headers()['x-order'],
      body: body && Buffer.from((await request.body()) ?? '').toString(),
    });
    return httpAnswer({ status: 298, body: 'held' });
  });
  return Object.assign(wire, { requestBytes: () => mostBytes });
}

function answerTo(path: string) {
  return path === '/none' ? httpAnswer({ status: 204 }) : httpAnswer({ body: 'something' });
}

async function* parts(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}
