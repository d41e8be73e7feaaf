import { createBreaker } from '@switchgear/breaker';
import { ManualClock } from '@switchgear/breaker/testing';
import axios from 'axios';
import type { ErrorRequestHandler } from 'express';
import { describe, expect, test } from 'vitest';
import { guardAxios } from '../../../src/adapters/axios/index.ts';
import { findBreakerError } from '../../../src/adapters/express/find-breaker-error.ts';
import { breakerErrors } from '../../../src/adapters/express/index.ts';
import { serve } from './served-app.ts';

const clock = new ManualClock();

describe('a breaker’s error becomes a problem document', () => {
  test('503 with Retry-After in whole seconds, rounded up, where it is open', async () => {
    const breaker = make({ cooldownMs: 1_500 });
    breaker.trip();
    const response = await ask(() => breaker.execute(() => 'never'));
    expect(response.status).toBe(503);
    expect(response.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
    expect(response.headers.get('retry-after')).toBe('2');
    expect(await response.json()).toEqual({
      type: 'urn:switchgear:problem:breaker-open',
      title: 'A dependency is unwell',
      status: 503,
      detail: `What this needs of "${breaker.name}" is not asked for now, since it has failed too often.`,
      breaker: breaker.name,
    });
  });

  test('no Retry-After where an operator holds it open', async () => {
    const breaker = make();
    const expiresAt = new Date(clock.wallMs() + 60_000).toISOString();
    breaker.holdIn({ mode: 'forced_open', reason: 'maintenance', actor: 'jo', expiresAt } as never);
    const response = await ask(() => breaker.execute(() => 'never'));
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, null]);
  });

  test('the deadline of the probes where these are under way', async () => {
    const breaker = make({ cooldownMs: 1_000, halfOpen: { probes: 1, ramp: [] } });
    breaker.trip();
    await clock.advance(1_000);
    const probe = Promise.withResolvers<void>();
    const probing = breaker.execute(() => probe.promise);
    const response = await ask(() => breaker.execute(() => 'never'));
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '10']);
    probe.resolve();
    await probing;
  });

  test('503 where its limit is full', async () => {
    const breaker = make({ maxConcurrent: 1 });
    const held = Promise.withResolvers<void>();
    const holding = breaker.execute(() => held.promise);
    const response = await ask(() => breaker.execute(() => 'never'));
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ type: 'urn:switchgear:problem:breaker-limited' });
    held.resolve();
    await holding;
  });

  test('504 where a call took too long', async () => {
    const breaker = createBreaker('slow', { timeoutMs: 5, telemetry: 'off' });
    const response = await ask(() => breaker.execute(() => new Promise(() => {})));
    await breaker.close();
    expect([response.status, response.headers.get('retry-after')]).toEqual([504, null]);
    expect(await response.json()).toMatchObject({ type: 'urn:switchgear:problem:breaker-timeout', status: 504 });
  });

  test('with types of one’s own', async () => {
    const breaker = make();
    breaker.trip();
    const response = await ask(
      () => breaker.execute(() => 'never'),
      breakerErrors({ typeOf: ({ code }) => `https://shop.example/problems/${code}` }),
    );
    expect(await response.json()).toMatchObject({ type: 'https://shop.example/problems/BREAKER_OPEN' });
  });

  test('behind the error of axios', async () => {
    const breaker = make();
    breaker.trip();
    const client = axios.create();
    guardAxios(client, breaker);
    expect((await ask(() => client.get('http://127.0.0.1:1/'))).status).toBe(503);
  });
});

describe('for the next handler is', () => {
  test('every other error', async () => {
    const seen: unknown[] = [];
    const next: ErrorRequestHandler = (error, _request, response, _next) => {
      seen.push(error);
      response.status(418).end();
    };
    const mine = Object.assign(new Error('mine'), { code: 'BREAKER_OPEN' });
    expect((await ask(() => Promise.reject(mine), breakerErrors(), next)).status).toBe(418);
    expect(seen).toEqual([mine]);
  });

  test('a breaker’s error after the head of the answer', async () => {
    const breaker = make();
    breaker.trip();
    const seen: unknown[] = [];
    const url = await serve((app) => {
      app.get('/', async (_request, response) => {
        response.write('begun');
        await breaker.execute(() => 'never');
      });
      app.use(breakerErrors());
      app.use(((error, _request, response, _next) => {
        seen.push(error.code);
        response.end(', and ended');
      }) as ErrorRequestHandler);
    });
    expect(await (await fetch(url)).text()).toBe('begun, and ended');
    expect(seen).toEqual(['BREAKER_OPEN']);
  });
});

describe('the search for it', () => {
  const error = { code: 'BREAKER_OPEN', breaker: 'stock', retryAfterMs: 1 };

  test('goes along causes and the errors of an AggregateError, the nearest first', () => {
    const far = { ...error, breaker: 'far' };
    const wrapped = new TypeError('fetch failed', { cause: new AggregateError([new Error('a'), error]) });
    expect(findBreakerError(wrapped)).toBe(error);
    expect(findBreakerError(new Error('near', { cause: { ...error, cause: far } }))).toMatchObject({
      breaker: 'stock',
    });
  });

  test('ends after eight levels, and in a circle', () => {
    expect(findBreakerError(nested(7))).toBe(error);
    expect(findBreakerError(nested(8))).toBeUndefined();
    const circle = new Error('circle');
    circle.cause = new AggregateError([circle, circle]);
    expect(findBreakerError(circle)).toBeUndefined();
    for (const nothing of [undefined, null, 'BREAKER_OPEN', 5]) expect(findBreakerError(nothing)).toBeUndefined();
  });

  function nested(levels: number): unknown {
    return levels === 0 ? error : new Error('outer', { cause: nested(levels - 1) });
  }
});

let made = 0;
function make(options: Parameters<typeof createBreaker>[1] = {}) {
  return createBreaker(`needed-${made++}`, { clock, telemetry: 'off', ...options });
}

async function ask(work: () => Promise<unknown>, ...handlers: unknown[]): Promise<Response> {
  const url = await serve((app) => {
    app.get('/', async (_request, response) => {
      response.json(await work());
    });
    app.use(...((handlers.length > 0 ? handlers : [breakerErrors()]) as ErrorRequestHandler[]));
  });
  return fetch(url);
}
