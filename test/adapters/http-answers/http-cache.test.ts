import { breakerInterceptor } from '@switchgear/adapters/fetch';
import { type HttpCacheOptions, httpCache } from '@switchgear/adapters/http-answers';
import { Agent, request } from 'undici';
import { describe, expect, onTestFinished, test } from 'vitest';
import { guardedUpstream } from './guarded-upstream.ts';

test('an open breaker answers with the last good response, its age, and that it is stale', async () => {
  const { upstream, breaker, clock, get } = await setUp();
  const fresh = await get('/plain?a=1');
  expect(fresh.headers.get('switchgear-cached')).toBeNull();
  const text = await fresh.text();
  await settled();
  breaker.trip();
  await clock.advance(7_400);
  const response = await get('/plain?a=1');
  expect(response.status).toBe(200);
  expect(await response.text()).toBe(text);
  expect(Object.fromEntries(response.headers)).toMatchObject({
    'content-type': 'text/plain',
    'x-of': 'upstream',
    age: '7',
    'switchgear-cached': 'stale',
  });
  expect(upstream.arrived).toHaveLength(1);
  await expect(get('/plain?a=2')).rejects.toMatchObject({ code: 'BREAKER_OPEN' });
});

test('the age that a response came with is counted in', async () => {
  const { breaker, clock, get } = await setUp();
  await learned(get('/aged'));
  breaker.trip();
  await clock.advance(1_000);
  expect((await get('/aged')).headers.get('age')).toBe('11');
});

test('the call that trips the breaker gets the last good response too', async () => {
  const { upstream, get } = await setUp();
  await learned(get('/plain'));
  upstream.mood = 'failing';
  expect((await get('/plain')).status).toBe(503);
  expect((await get('/plain')).status).toBe(200);
});

test('what is too old is no answer', async () => {
  const { breaker, clock, get } = await setUp({ maxAgeMs: 1_000 });
  await learned(get('/plain'));
  breaker.trip();
  await clock.advance(1_001);
  await expect(get('/plain')).rejects.toMatchObject({ code: 'BREAKER_OPEN' });
});

test('the response used least recently makes room', async () => {
  const { breaker, get } = await setUp({ maxItems: 2 });
  for (const path of ['/one', '/two', '/three']) await learned(get(path));
  breaker.trip();
  await expect(get('/one')).rejects.toThrow();
  expect((await get('/two')).status).toBe(200);
  expect((await get('/three')).status).toBe(200);
});

describe('it does not learn', () => {
  test.each<[string, string, RequestInit?]>([
    ['what must not be stored', '/no-store'],
    ['what is private', '/private'],
    ['what sets a cookie', '/cookies'],
    ['what varies by all', '/vary-all'],
    ['what is not good', '/missing'],
    ['a part', '/part'],
    ['another method', '/plain', { method: 'POST' }],
    ['what was asked for with an authorization', '/plain', { headers: { authorization: 'Bearer a' } }],
    ['what was asked for with a cookie', '/plain', { headers: { cookie: 'a=1' } }],
    ['what its caller does not want stored', '/plain', { headers: { 'cache-control': 'no-store' } }],
    ['a range', '/plain', { headers: { range: 'bytes=0-1' } }],
    ['a body beyond its bound', '/large'],
    ['a body beyond its bound whose length is not told', '/large-chunked'],
    ['a body that breaks off', '/breaking'],
  ])('%s', async (_, path, init) => {
    const { breaker, get } = await setUp({ maxBodyBytes: 1_000 });
    await learned(get(path, init));
    breaker.trip();
    await expect(get(path, init)).rejects.toMatchObject({ code: 'BREAKER_OPEN' });
    await expect(get(path)).rejects.toMatchObject({ code: 'BREAKER_OPEN' });
  });

  test('a failure, although its caller gets it', async () => {
    const { breaker, get } = await setUp();
    await learned(get('/unwell'));
    breaker.trip();
    await expect(get('/unwell')).rejects.toMatchObject({ code: 'BREAKER_OPEN' });
  });
});

test('a large body reaches its caller as a whole, although nothing is learned of it', async () => {
  const { get } = await setUp({ maxBodyBytes: 1_000 });
  expect((await (await get('/large')).text()).length).toBe(1_000_000);
  expect((await (await get('/large-chunked')).text()).length).toBe(200_000);
});

test('answers are kept apart by what they vary by', async () => {
  const { breaker, get } = await setUp();
  await learned(get('/vary', { headers: { 'accept-language': 'de' } }));
  breaker.trip();
  expect((await get('/vary', { headers: { 'accept-language': 'de' } })).status).toBe(200);
  await expect(get('/vary', { headers: { 'accept-language': 'fr' } })).rejects.toMatchObject({ code: 'BREAKER_OPEN' });
});

test('told so, each caller with an authorization has answers of its own', async () => {
  const { breaker, get } = await setUp({ withAuthorization: true });
  const by = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
  await learned(get('/plain', by('a')));
  breaker.trip();
  expect((await get('/plain', by('a'))).status).toBe(200);
  await expect(get('/plain', by('b'))).rejects.toMatchObject({ code: 'BREAKER_OPEN' });
  await expect(get('/plain')).rejects.toMatchObject({ code: 'BREAKER_OPEN' });
});

test('what one client decoded is good for another that does not', async () => {
  const { upstream, breaker, get } = await setUp();
  const agent = new Agent().compose(breakerInterceptor(breaker));
  onTestFinished(() => agent.destroy());
  await learned(get('/gzip'));
  const raw = await request(`${upstream.url}/gzip?raw`, { dispatcher: agent });
  expect((await raw.body.bytes()).subarray(0, 2)).toEqual(new Uint8Array([0x1f, 0x8b]));
  await settled();
  breaker.trip();
  // It is decoded beside the test.
  await expect
    .poll(() =>
      get('/gzip?raw').then(
        ({ status }) => status,
        () => 0,
      ),
    )
    .toBe(200);
  const answer = await request(`${upstream.url}/gzip`, { dispatcher: agent });
  expect(answer.headers['content-encoding']).toBeUndefined();
  expect(await answer.body.text()).toBe('decoded');
  const response = await get('/gzip?raw');
  expect(response.headers.get('content-encoding')).toBeNull();
  expect(await response.text()).toBe('decoded');
});

test('an address of any length is learned', async () => {
  const { breaker, get } = await setUp();
  const path = `/plain?q=${'x'.repeat(3_000)}`;
  await learned(get(path));
  breaker.trip();
  expect((await get(path)).status).toBe(200);
  await expect(get(`${path}y`)).rejects.toMatchObject({ code: 'BREAKER_OPEN' });
});

test('a head is learned as a head', async () => {
  const { breaker, get } = await setUp();
  await learned(get('/plain', { method: 'HEAD' }));
  breaker.trip();
  expect((await get('/plain', { method: 'HEAD' })).headers.get('x-of')).toBe('upstream');
  await expect(get('/plain')).rejects.toMatchObject({ code: 'BREAKER_OPEN' });
});

function setUp(options: HttpCacheOptions = {}) {
  return guardedUpstream({ neutralWires: [httpCache(options)] });
}

/** Once its body has come to its end, and to the wire. */
async function learned(call: Promise<Response>): Promise<void> {
  await (await call).text().catch(() => undefined);
  await settled();
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
}
