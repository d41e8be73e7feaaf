import { installFetchGuard } from '@switchgear/adapters/fetch';
import { originWire } from '@switchgear/adapters/http-answers';
import { createBreaker } from '@switchgear/breaker';
import { expect, onTestFinished, test } from 'vitest';
import { Upstream } from '../support/upstream.ts';
import { guardedUpstream } from './guarded-upstream.ts';

test('the same request goes to the other origin', async () => {
  const replica = await Upstream.start();
  const { upstream, breaker, get } = await guardedUpstream({ neutralWires: [originWire({ origin: replica.url })] });
  breaker.trip();
  const init = { method: 'POST', headers: { 'x-a': '1', authorization: 'Bearer a' }, body: 'an order' };
  const response = await get('/orders?id=7', init);
  expect(response.status).toBe(200);
  expect(await response.text()).toBe('POST /orders?id=7 an order');
  expect(replica.arrived[0]).toMatchObject({ method: 'POST', url: '/orders?id=7', body: 'an order' });
  expect(replica.arrived[0]?.headers).toMatchObject({
    'x-a': '1',
    authorization: 'Bearer a',
    host: `127.0.0.1:${replica.port}`,
    'content-length': '8',
    'idempotency-key': expect.any(String),
  });
  expect(upstream.arrived).toEqual([]);
});

test('a reading request has no idempotency key, and the caller’s own stays', async () => {
  const replica = await Upstream.start();
  const { breaker, get } = await guardedUpstream({ neutralWires: [originWire({ origin: replica.url })] });
  breaker.trip();
  await get('/a');
  await get('/b', { method: 'POST', headers: { 'Idempotency-Key': 'mine' } });
  expect(replica.arrived.map(({ headers }) => headers['idempotency-key'])).toEqual([undefined, 'mine']);
});

test('its failure is the wire’s', async () => {
  const replica = await Upstream.start();
  const { breaker, get } = await guardedUpstream({ neutralWires: [originWire({ origin: replica.url })] });
  breaker.trip();
  replica.mood = 'failing';
  await expect(get('/')).rejects.toMatchObject({ code: 'BREAKER_OPEN', causes: [{ code: 'WIRE_REFUSED' }] });
  await replica.refuse();
  await expect(get('/')).rejects.toMatchObject({ code: 'BREAKER_OPEN', causes: [{ message: 'fetch failed' }] });
  expect(breaker.stats().wires[0]).toMatchObject({ served: 0, failed: 2 });
});

test('an answer that says what the caller did wrong is an answer', async () => {
  const replica = await Upstream.start();
  const { breaker, get } = await guardedUpstream({ neutralWires: [originWire({ origin: replica.url })] });
  breaker.trip();
  expect((await get('/missing')).status).toBe(404);
});

test('it declines methods that it is not for, and fails beyond its bound', async () => {
  const replica = await Upstream.start();
  const wire = originWire({ origin: replica.url, methods: ['GET'], maxBodyBytes: 1_000 });
  const { breaker, get } = await guardedUpstream({ neutralWires: [wire] });
  breaker.trip();
  await expect(get('/', { method: 'POST', body: 'x' })).rejects.toMatchObject({ code: 'BREAKER_OPEN' });
  expect(breaker.stats().wires[0]).toMatchObject({ failed: 0 });
  await expect(get('/large')).rejects.toMatchObject({ causes: [{ code: 'BODY_TOO_LARGE' }] });
});

test('a coded answer is decoded, and says so no more', async () => {
  const replica = await Upstream.start();
  const { breaker, get } = await guardedUpstream({ neutralWires: [originWire({ origin: replica.url })] });
  breaker.trip();
  const response = await get('/gzip');
  expect(response.headers.get('content-encoding')).toBeNull();
  expect(await response.text()).toBe('decoded');
});

test('no breaker is around the other way', async () => {
  const replica = await Upstream.start();
  const { breaker, get } = await guardedUpstream({ neutralWires: [originWire({ origin: replica.url })] });
  const all = createBreaker(`all-${replica.port}`, { telemetry: 'off' });
  onTestFinished(() => all.close());
  onTestFinished(installFetchGuard(all));
  breaker.trip();
  await get('/');
  expect(Object.values(all.stats().calls).every((count) => count === 0)).toBe(true);
});
