import {
  httpAnswer,
  httpBuffer,
  httpCache,
  originWire,
  requestOf,
  staticAnswer,
} from '@switchgear/adapters/http-answers';
import { createBreaker, InvalidInputError, WireRefusedError } from '@switchgear/breaker';
import { expect, onTestFinished, test } from 'vitest';
import { guardedUpstream } from './guarded-upstream.ts';

test('all calls have one answer, apart from each other', async () => {
  const wire = staticAnswer({ status: 503, headers: { 'Retry-After': '30' }, json: { error: 'back soon' } });
  const { breaker, get } = await guardedUpstream({ neutralWires: [wire] });
  breaker.trip();
  for (const path of ['/a', '/b']) {
    const response = await get(path);
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('30');
    expect(await response.json()).toEqual({ error: 'back soon' });
  }
  expect(breaker.stats().wires[0]).toMatchObject({ name: 'static', kind: 'fallback', served: 2 });
});

test('it declines other methods, and calls that are none of HTTP', async () => {
  const { breaker, get } = await guardedUpstream({
    neutralWires: [staticAnswer({ methods: ['GET'], body: 'reading' })],
  });
  breaker.trip();
  expect(await (await get('/')).text()).toBe('reading');
  await expect(get('/', { method: 'DELETE' })).rejects.toMatchObject({ code: 'BREAKER_OPEN' });
  await expect(breaker.execute(() => 'no HTTP')).rejects.toMatchObject({ code: 'BREAKER_OPEN' });
  expect(breaker.stats().wires[0]).toMatchObject({ served: 1, failed: 0 });
  expect(() => requestOf({ input: 'no request' })).toThrow(WireRefusedError);
});

test.each<[string, () => unknown, string]>([
  ['a status', () => staticAnswer({ status: 600 }), '`status` must be an integer from 200 to 599, got 600'],
  ['a header', () => staticAnswer({ headers: { 'x-a': 'a\nb' } }), '`headers.x-a` must be a header and its value'],
  [
    'headers',
    () => staticAnswer({ headers: ['a'] as never }),
    '`headers` must be an object of header names and values',
  ],
  ['a body', () => staticAnswer({ body: 5 as never }), '`body` must be text or bytes, got 5'],
  ['json', () => staticAnswer({ json: () => 5 }), '`json` must be a value of JSON, got a function'],
  ['two bodies', () => staticAnswer({ body: 'a', json: 1 }), '`json` must not stand beside a body, got 1'],
  ['methods', () => staticAnswer({ methods: ['get'] }), '`methods` must be a list of HTTP methods in capitals'],
  ['an unknown one', () => staticAnswer({ statsu: 200 } as never), '`statsu` is unknown; known here'],
  [
    'the status of an answer',
    () => httpAnswer({ status: 101 }),
    '`status` must be an integer from 200 to 599, got 101',
  ],
  ['a cache’s bounds', () => httpCache({ maxItems: 0 }), '`maxItems` must be an integer from 1 to 1000000, got 0'],
  ['a cache’s age', () => httpCache({ maxAgeMs: 0.5 }), '`maxAgeMs` must be an integer from 1 to 86400000, got 0.5'],
  [
    'a cache’s flag',
    () => httpCache({ withAuthorization: 1 as never }),
    '`withAuthorization` must be true or false, got 1',
  ],
  ['an origin', () => originWire({ origin: 'https://a.example/path' }), '`origin` must be an origin, such as'],
  ['no origin', () => originWire({} as never), '`origin` must be an origin, such as'],
  ['a scheme', () => originWire({ origin: 'ftp://a.example' }), '`origin` must be an origin, such as'],
  ['no methods', () => httpBuffer({} as never), '`methods` must be a list of HTTP methods in capitals'],
  ['empty methods', () => httpBuffer({ methods: [] }), '`methods` must be a list of HTTP methods in capitals'],
  [
    'an order',
    () => httpBuffer({ methods: ['POST'], orderBy: 'body' as never }),
    '`orderBy` must be path, host or { header }',
  ],
  [
    'its header',
    () => httpBuffer({ methods: ['POST'], orderBy: { header: 'a b' } }),
    '`orderBy.header` must be the name of a header',
  ],
  [
    'a capacity',
    () => httpBuffer({ methods: ['POST'], capacity: 0 }),
    '`capacity` must be an integer from 1 to 1000000, got 0',
  ],
  [
    'a body’s bound',
    () => httpBuffer({ methods: ['POST'], maxBodyBytes: 0 }),
    '`maxBodyBytes` must be an integer from 1 to',
  ],
])('%s out of its range is refused by name, rule and value', (_, make, message) => {
  expect(make).toThrow(InvalidInputError);
  expect(make).toThrow(message);
});

test('a breaker without HTTP has no use for its request', async () => {
  const breaker = createBreaker('plain', { telemetry: 'off', neutralWires: [httpCache()] });
  onTestFinished(() => breaker.close());
  expect(await breaker.execute(() => 'well')).toBe('well');
});
