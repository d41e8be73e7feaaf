import { request as httpRequest } from 'node:http';
import { createBreaker, fallbackWire } from '@switchgear/breaker';
import type { RequestHandler } from 'express';
import { expect, test } from 'vitest';
import { breakerErrors, type GuardRouteOptions, guardRoute } from '../../../src/adapters/express/index.ts';
import { httpAnswer } from '../../../src/adapters/http-calls/http-answer.ts';
import { serve } from './served-app.ts';

test('answers of 500 and above and thrown errors are failures, others are not', async () => {
  const { breaker, url } = await route((request, response) => {
    if (request.query.thrown) throw new Error('thrown');
    response.status(Number(request.query.status)).send('answered');
  });
  for (const status of [200, 302, 404, 500, 503]) {
    expect((await fetch(`${url}/?status=${status}`, { redirect: 'manual' })).status).toBe(status);
  }
  expect((await fetch(`${url}/?thrown=1`)).status).toBe(500);
  expect(breaker.stats().calls).toMatchObject({ success: 3, failure: 3 });
});

test('what counts as a failure can be said otherwise', async () => {
  const { breaker, url } = await route((_request, response) => void response.status(429).end(), {
    isFailure: ({ statusCode }) => statusCode === 429,
  });
  await fetch(url);
  expect(breaker.stats().calls.failure).toBe(1);
});

test('open, it answers at once with a problem document, and is good again after the reset', async () => {
  let worked = 0;
  const { breaker, url } = await route((_request, response) => {
    worked++;
    response.end('worked');
  });
  breaker.trip();
  const refused = await fetch(url);
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '30']);
  expect(await refused.json()).toMatchObject({ breaker: breaker.name, status: 503 });
  expect((await fetch(url, { method: 'HEAD' })).status).toBe(503);
  expect(worked).toBe(0);
  breaker.reset();
  expect(await (await fetch(url)).text()).toBe('worked');
});

test('open, a wire answers in its place', async () => {
  const wire = fallbackWire(() => httpAnswer({ status: 206, headers: { 'X-Spare': 'yes' }, body: 'spare' }));
  const { breaker, url } = await route((_request, response) => void response.end('worked'), {}, [wire]);
  breaker.trip();
  const response = await fetch(url);
  expect([response.status, response.headers.get('x-spare'), await response.text()]).toEqual([206, 'yes', 'spare']);
});

test('a stream is over for the breaker with its head, and goes on', async () => {
  let end = () => {};
  const { breaker, url } = await route((_request, response) => {
    response.write('one ');
    end = () => response.end('two');
  });
  const response = await fetch(url);
  expect(breaker.stats().calls.success).toBe(1);
  end();
  expect(await response.text()).toBe('one two');
});

test('a client that leaves before the answer has cancelled the call', async () => {
  const began = Promise.withResolvers<void>();
  const { breaker, url } = await route(() => began.resolve());
  const request = httpRequest(url).end();
  request.on('error', () => {});
  await began.promise;
  request.destroy();
  await expect.poll(() => breaker.stats().calls.cancelled).toBe(1);
  expect(breaker.stats().calls.failure).toBe(0);
});

test('a route that takes longer than timeoutMs counts as timed out, and answers all the same', async () => {
  const breaker = createBreaker('slow-route', { telemetry: 'off', timeoutMs: 5 });
  const url = await serve((app) =>
    app.get('/', guardRoute(breaker), async (_request, response) => {
      await expect.poll(() => breaker.stats().calls.timeout).toBe(1);
      response.end('late');
    }),
  );
  expect(await (await fetch(url)).text()).toBe('late');
  await breaker.close();
});

let made = 0;
async function route(handler: RequestHandler, options: GuardRouteOptions = {}, neutralWires: never[] | object[] = []) {
  const breaker = createBreaker(`route-${made++}`, {
    telemetry: 'off',
    trip: { consecutive: 100 },
    neutralWires: neutralWires as never[],
  });
  const url = await serve((app) => {
    app.get('/', guardRoute(breaker, options), handler);
    app.use(breakerErrors());
  });
  return { breaker, url };
}
