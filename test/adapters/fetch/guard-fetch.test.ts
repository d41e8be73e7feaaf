import { guardFetch } from '@switchgear/adapters/fetch';
import { httpAnswer, originWire, requestOf } from '@switchgear/adapters/http-answers';
import { type Breaker, type BreakerOptions, createBreaker, fallbackWire, type NeutralWire } from '@switchgear/breaker';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { OutgoingCall } from '../../../src/adapters/outgoing/outgoing-call.ts';
import { unguarded } from '../../../src/adapters/outgoing/unguarded.ts';
import { Upstream } from '../support/upstream.ts';

test('a chain of redirects is one call', async () => {
  const { upstream, breaker, guarded } = await setUp();
  const response = await guarded(`${upstream.url}/moved`);
  expect(response).toMatchObject({ redirected: true, url: `${upstream.url}/there` });
  expect(upstream.paths()).toEqual(['/moved', '/there']);
  expect(breaker.stats().calls.success).toBe(1);
});

test('the response is the very one of fetch', async () => {
  const { upstream, breaker } = await setUp();
  let original: Response | undefined;
  const guarded = guardFetch(async (url: string) => {
    original = await fetch(url);
    return original;
  }, breaker);
  expect(await guarded(upstream.url)).toBe(original);
});

test('the arguments are the very ones of the caller, where nothing must be different', async () => {
  const { breaker } = await setUp();
  const send = vi.fn(async (_url: unknown, _init?: unknown) => new Response());
  const init = { method: 'POST', body: 'text', keepalive: true };
  await guardFetch(send, breaker)('http://stock.example/', init);
  expect(send.mock.calls).toEqual([['http://stock.example/', init]]);
  expect(send.mock.calls[0]?.[1]).toBe(init);
});

test('it has the name and the length of fetch', async () => {
  const { guarded } = await setUp();
  expect([guarded.name, guarded.length]).toEqual([fetch.name, fetch.length]);
});

test('the breaker is chosen by what is known of the call', async () => {
  const heard: OutgoingCall[] = [];
  const guarded = guardFetch(fetch, ({ client, method, origin, host, path }) => {
    heard.push({ client, method, origin, host, path });
    return undefined;
  });
  const upstream = await Upstream.start();
  const { host } = new URL(upstream.url);
  await (await guarded(new URL(`${upstream.url}/a?b=1#c`))).text();
  await (await guarded(new Request(`${upstream.url}/d`, { method: 'post', body: 'x' }))).text();
  await (await guarded(`http://user:secret@${host}/e`).catch(() => new Response())).text();
  const at = { client: 'fetch', origin: upstream.url, host };
  expect(heard).toEqual([
    { ...at, method: 'GET', path: '/a' },
    { ...at, method: 'POST', path: '/d' },
    { ...at, method: 'GET', path: '/e' },
  ]);
});

test('a Request keeps its method, headers and body, and its body is read once', async () => {
  const { upstream, guarded } = await setUp({ neutralWires: [keeping()], timeoutMs: 5_000 });
  const request = new Request(`${upstream.url}/plain`, { method: 'POST', headers: { 'x-a': '1' }, body: 'text' });
  expect(await (await guarded(request, { headers: { 'x-a': '2' } })).text()).toBe('POST /plain text');
  expect(request.bodyUsed).toBe(true);
  expect(upstream.arrived[0]?.headers).toMatchObject({ 'x-a': '2', 'content-length': '4' });
  await expect(guarded(request)).rejects.toThrow(TypeError);
});

test('options that are a Request count as they do for fetch', async () => {
  const { upstream, guarded } = await setUp({ timeoutMs: 5_000 });
  const init = new Request('http://other.example/', { method: 'PUT', headers: { 'x-a': '1' }, body: 'text' });
  expect(await (await guarded(`${upstream.url}/plain`, init as RequestInit)).text()).toBe('PUT /plain text');
  expect(upstream.arrived[0]?.headers).toMatchObject({ 'x-a': '1' });
});

test('a Request whose caller aborts is cancelled', async () => {
  const { upstream, breaker, guarded } = await setUp();
  upstream.mood = 'hanging';
  const controller = new AbortController();
  const ended = guarded(new Request(upstream.url, { signal: controller.signal }));
  await expect.poll(() => upstream.begun).toBe(1);
  controller.abort();
  await expect(ended).rejects.toMatchObject({ name: 'AbortError' });
  expect(breaker.stats().calls.cancelled).toBe(1);
});

test('an abort while the body is read ends the body, and is no news to the breaker', async () => {
  const { upstream, breaker, guarded } = await setUp({ timeoutMs: 5_000 });
  const controller = new AbortController();
  const response = await guarded(`${upstream.url}/large`, { signal: controller.signal });
  controller.abort();
  await expect(response.text()).rejects.toMatchObject({ name: 'AbortError' });
  expect(breaker.stats().calls).toMatchObject({ success: 1, cancelled: 0, failure: 0 });
});

test('the breaker’s timeout does not reach into the body', async () => {
  const { upstream, guarded } = await setUp({ timeoutMs: 40 });
  const response = await guarded(`${upstream.url}/slow-body`);
  expect(await response.text()).toBe('first, then last');
});

test('what ends before it begins, and what is no HTTP, is no call', async () => {
  const { breaker, guarded } = await setUp();
  await expect(guarded('http://stock.example/', { signal: AbortSignal.abort() })).rejects.toThrow();
  await expect(guarded('not an address')).rejects.toThrow('Failed to parse URL');
  expect(await (await guarded('data:text/plain,here')).text()).toBe('here');
  expect(Object.values(breaker.stats().calls).every((count) => count === 0)).toBe(true);
});

test('calls that are unguarded have no breaker, and those after them have', async () => {
  const { upstream, breaker, guarded } = await setUp();
  await unguarded(() => guarded(upstream.url));
  expect(breaker.stats().calls.success).toBe(0);
  await guarded(upstream.url);
  expect(breaker.stats().calls.success).toBe(1);
});

test('one fetch around another is counted by the outer breaker alone', async () => {
  const { upstream, breaker } = await setUp();
  const inner = createBreaker(`inner-${upstream.port}`, { telemetry: 'off' });
  onTestFinished(() => inner.close());
  await guardFetch(guardFetch(fetch, inner), breaker)(upstream.url);
  expect([breaker.stats().calls.success, inner.stats().calls.success]).toEqual([1, 0]);
});

test('a wire’s answer is a Response of that address', async () => {
  const wire = fallbackWire((call) => httpAnswer({ json: { path: requestOf(call).path } }));
  const { upstream, breaker, guarded } = await setUp({ neutralWires: [wire] });
  breaker.trip();
  const response = await guarded(`${upstream.url}/a?b=1#c`);
  expect(response).toBeInstanceOf(Response);
  expect(response.url).toBe(`${upstream.url}/a?b=1`);
  expect(await response.json()).toEqual({ path: '/a' });
});

test('a wire of one’s own reads the body of a call that was not let through', async () => {
  const wire = fallbackWire(async (call) => httpAnswer({ body: (await requestOf(call).body()) ?? 'none' }));
  const { upstream, breaker, guarded } = await setUp({ neutralWires: [wire] });
  breaker.trip();
  const stream = () => ({ body: new Blob(['text']).stream(), duplex: 'half' }) as RequestInit;
  for (const init of [{ body: 'text' }, stream()]) {
    expect(await (await guarded(upstream.url, { method: 'POST', ...init })).text()).toBe('text');
  }
  expect(await (await guarded(new Request(upstream.url, { method: 'POST', body: 'text' }))).text()).toBe('text');
  expect(await (await guarded(upstream.url)).text()).toBe('none');
});

test('a wire that answers with no answer is told so', async () => {
  const { breaker, upstream, guarded } = await setUp({
    neutralWires: [fallbackWire(() => ({ status: 200, headers: {} }))],
  });
  breaker.trip();
  await expect(guarded(upstream.url)).rejects.toThrow('it must be httpAnswer(…)');
});

test.each<[string, () => RequestInit, string, RegExp]>([
  ['text', () => ({ body: 'a=1' }), 'a=1', /^text\/plain/],
  ['parameters', () => ({ body: new URLSearchParams({ a: '1' }) }), 'a=1', /^application\/x-www-form-urlencoded/],
  ['a blob', () => ({ body: new Blob(['a=1'], { type: 'text/csv' }) }), 'a=1', /^text\/csv$/],
  ['a stream', () => ({ body: new Blob(['a=1']).stream(), duplex: 'half' }) as RequestInit, 'a=1', /^undefined$/],
])('%s as a body goes to a wire with its type', async (_, init, body, type) => {
  const spare = await Upstream.start();
  const { upstream, guarded } = await setUp({
    trip: { consecutive: 1 },
    neutralWires: [originWire({ origin: spare.url })],
  });
  await upstream.refuse();
  expect((await guarded(`${upstream.url}/plain`, { method: 'POST', ...init() })).status).toBe(200);
  expect((await guarded(`${upstream.url}/plain`, { method: 'POST', ...init() })).status).toBe(200);
  for (const arrived of spare.arrived) {
    expect(arrived).toMatchObject({ method: 'POST', body });
    expect(String(arrived.headers['content-type'])).toMatch(type);
  }
});

test('a form goes to a wire with the boundary of its type', async () => {
  const spare = await Upstream.start();
  const { upstream, guarded } = await setUp({
    trip: { consecutive: 1 },
    neutralWires: [originWire({ origin: spare.url })],
  });
  await upstream.refuse();
  const form = new FormData();
  form.append('file', new Blob(['content']), 'a.txt');
  await guarded(upstream.url, { method: 'POST', body: form });
  const { headers, body } = spare.arrived[0]!;
  const boundary = /boundary=(.+)$/.exec(headers['content-type'] ?? '')?.[1];
  expect(boundary).toBeTruthy();
  expect(body).toContain(`--${boundary}`);
  expect(body).toContain('content');
});

async function setUp(options: BreakerOptions = {}): Promise<{
  readonly upstream: Upstream;
  readonly breaker: Breaker;
  readonly guarded: typeof fetch;
}> {
  const upstream = await Upstream.start();
  const breaker = createBreaker(`fetch-${upstream.port}`, { telemetry: 'off', ...options });
  onTestFinished(() => breaker.close());
  return { upstream, breaker, guarded: guardFetch(fetch, breaker) };
}

function keeping(): NeutralWire {
  return Object.assign(
    fallbackWire(() => httpAnswer()),
    { requestBytes: () => 100 },
  );
}
