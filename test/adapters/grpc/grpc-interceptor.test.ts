import { credentials, InterceptingCall, type Interceptor, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import {
  type Breaker,
  BreakerOpenError,
  type BreakerOptions,
  CallTimeoutError,
  fallbackWire,
} from '@switchgear/breaker';
import { ManualClock } from '@switchgear/breaker/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { grpcInterceptor } from '../../../src/adapters/grpc/index.ts';
import type { OutgoingCall } from '../../../src/adapters/outgoing/outgoing-call.ts';
import { unguarded } from '../../../src/adapters/outgoing/unguarded.ts';
import { waitUntil } from '../../support/deadline.ts';
import { errorOf } from '../../support/error-of.ts';
import { COOLDOWN_MS, quickBreaker } from '../support/quick-breaker.ts';
import { type Amount, type Item, StockClient, StockServer } from './stock-server.ts';

describe('a guarded client of gRPC', () => {
  let server: StockServer;
  let clock: ManualClock;
  const clients: StockClient[] = [];

  beforeAll(async () => {
    server = await StockServer.start();
  });
  afterAll(() => server.stop());
  beforeEach(() => {
    clock = new ManualClock();
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
  });

  function newClient(...interceptors: Interceptor[]): StockClient {
    const client = new StockClient(server.address, credentials.createInsecure(), {
      interceptors,
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 100,
    });
    clients.push(client);
    return client;
  }

  const newBreaker = (options?: BreakerOptions): Breaker => quickBreaker(clock, options);

  function get(client: StockClient, name: string, options: object = {}, metadata = new Metadata()): Promise<Amount> {
    return new Promise((resolve, reject) => {
      client.get({ name }, metadata, options, (error, amount) => (error ? reject(error) : resolve(amount!)));
    });
  }

  const rejection = (promise: Promise<unknown>) =>
    errorOf<ServiceError & { cause?: unknown; breaker?: string }>(promise);

  test('a call gives what it gave before, with its metadata, its status and its events', async () => {
    const breaker = newBreaker();
    const metadata = new Metadata();
    metadata.set('tag', 'mine');
    const events: Record<string, unknown[]> = {};
    for (const [kind, interceptors] of Object.entries({ plain: [], guarded: [grpcInterceptor(breaker)] })) {
      const heard: unknown[] = [];
      events[kind] = heard;
      const client = newClient(...interceptors);
      await new Promise<void>((resolve) => {
        const call = client.get({ name: 'bolts' }, metadata, {}, (error, amount) => heard.push(error, amount));
        call.on('metadata', () => heard.push('metadata'));
        call.on('status', ({ code, details, metadata }) => {
          heard.push(code, details, metadata.get('trailer'));
          resolve();
        });
      });
    }
    expect(server.lastTag).toBe('mine');
    expect(events.guarded).toEqual(events.plain);
    expect(events.guarded).toContainEqual({ count: 5 });
    expect(breaker.stats().calls).toMatchObject({ success: 1 });
  });

  /** Without the stack, and without the date, which may be of the next second. */
  function shown(error: ServiceError): object {
    const { date: _, ...metadata } = error.metadata.getMap();
    return { ...error, message: error.message, metadata, stack: '' };
  }

  test('an error is as it was before, and one about the request is ignored', async () => {
    const breaker = newBreaker();
    const [plain, guarded] = [newClient(), newClient(grpcInterceptor(breaker))];
    for (const code of [status.NOT_FOUND, status.INTERNAL]) {
      const [expected, error] = [
        await rejection(get(plain, `fails with ${code}`)),
        await rejection(get(guarded, `fails with ${code}`)),
      ];
      expect(Object.keys(error)).toEqual(Object.keys(expected));
      expect(shown(error)).toEqual(shown(expected));
    }
    expect(breaker.stats().calls).toMatchObject({ ignored: 1, failure: 1 });
  });

  test('streams of each kind give what they gave before, and are over for the breaker with their first response', async () => {
    const breaker = newBreaker();
    const client = newClient(grpcInterceptor(breaker));
    const sum = await new Promise((resolve, reject) => {
      const call = client.sum((error, amount) => (error ? reject(error) : resolve(amount)));
      for (const name of ['a', 'b', 'c']) call.write({ name });
      call.end();
    });
    expect(sum).toEqual({ count: 3 });
    expect(await client.watch({ name: 'all' }).toArray()).toEqual([{ count: 1 }, { count: 2 }, { count: 3 }]);
    const talk = client.talk();
    talk.write({ name: 'four' });
    const answers = talk[Symbol.asyncIterator]();
    expect((await answers.next()).value).toEqual({ count: 4 });
    expect(breaker.stats()).toMatchObject({ calls: { success: 3 } });
    talk.end();
    expect((await answers.next()).done).toBe(true);
    expect(breaker.stats().calls).toMatchObject({ success: 3 });
  });

  test('a stream that stays open is neither slow nor timed out', async () => {
    const breaker = newBreaker({ timeoutMs: 1_000, trip: { slowMs: 1_000, slowRatio: 0.1, minimumCalls: 1 } });
    const talk = newClient(grpcInterceptor(breaker)).talk();
    talk.write({ name: 'four' });
    const answers = talk[Symbol.asyncIterator]();
    await answers.next();
    await clock.advance(60_000);
    talk.write({ name: 'four' });
    expect((await answers.next()).value).toEqual({ count: 4 });
    expect(breaker.state).toBe('closed');
    talk.end();
  });

  test('a stream that breaks off is told so, after what it had given', async () => {
    const breaker = newBreaker();
    const client = newClient(grpcInterceptor(breaker));
    const seen: unknown[] = [];
    const stream = client.watch({ name: 'broken' });
    const reading = (async () => {
      for await (const amount of stream) seen.push(amount);
    })();
    expect((await rejection(reading)).code).toBe(status.UNAVAILABLE);
    expect(seen.length).toBeGreaterThan(0);
    expect(breaker.stats().calls).toMatchObject({ success: 1, failure: 0 });
  });

  test('a server that is gone trips it, and one that is back resets it by a probe', async () => {
    const breaker = newBreaker();
    const client = newClient(grpcInterceptor(breaker));
    await get(client, 'bolts');
    server.stop();
    try {
      for (let call = 0; call < 2; call += 1) {
        expect((await rejection(get(client, 'bolts'))).code).toBe(status.UNAVAILABLE);
      }
      expect(breaker.state).toBe('open');
      const error = await rejection(get(client, 'bolts'));
      expect(error).toMatchObject({ code: status.UNAVAILABLE, breaker: breaker.name });
      expect(error.details).toContain(`Breaker "${breaker.name}" is open`);
      expect(error.cause).toBeInstanceOf(BreakerOpenError);
      expect(error.metadata).toBeInstanceOf(Metadata);
    } finally {
      await server.restart();
    }
    await new Promise<void>((resolve, reject) =>
      client.waitForReady(Date.now() + 10_000, (error) => (error ? reject(error) : resolve())),
    );
    await clock.advance(COOLDOWN_MS);
    expect(await get(client, 'bolts')).toEqual({ count: 5 });
    expect(breaker.state).toBe('closed');
  });

  test('an open breaker ends streams of each kind, and lets their writers go on', async () => {
    const breaker = newBreaker();
    breaker.trip();
    const client = newClient(grpcInterceptor(breaker));
    const { received } = server;
    expect((await rejection(client.watch({ name: 'all' }).toArray())).cause).toBeInstanceOf(BreakerOpenError);
    let written: Promise<unknown> | undefined;
    const summing = new Promise((resolve) => {
      const call = client.sum((error) => resolve(error));
      written = new Promise((done) => call.write({ name: 'a' }, done));
    });
    expect(await summing).toMatchObject({ code: status.UNAVAILABLE, cause: expect.any(BreakerOpenError) });
    await written;
    const talk = client.talk();
    talk.write({ name: 'a' });
    expect((await rejection(talk.toArray())).code).toBe(status.UNAVAILABLE);
    expect(server.received).toBe(received);
  });

  test('a call that its caller gives up is cancelled, and so it is at the server', async () => {
    const breaker = newBreaker({ isFailure: () => true });
    const client = newClient(grpcInterceptor(breaker));
    const { received } = server;
    const given = new Promise((resolve) => {
      const call = client.get({ name: 'never, since cancelled' }, new Metadata(), {}, (error) => resolve(error));
      void waitUntil('the call at the server', () => server.received > received).then(() => call.cancel());
    });
    expect(await given).toMatchObject({ code: status.CANCELLED, details: 'Cancelled on client' });
    await waitUntil('its end at the server', () => server.cancelled.has('never, since cancelled'));
    expect(breaker.stats().calls).toMatchObject({ cancelled: 1, failure: 0 });
  });

  test('a deadline that has passed is a failure', async () => {
    const breaker = newBreaker();
    const client = newClient(grpcInterceptor(breaker));
    const error = await rejection(get(client, 'never', { deadline: Date.now() + 50 }));
    expect(error.code).toBe(status.DEADLINE_EXCEEDED);
    expect(error.cause).toBeUndefined();
    expect(breaker.stats().calls).toMatchObject({ failure: 1 });
  });

  test('a call past the breaker’s own timeout is given up at the server too', async () => {
    const breaker = newBreaker({ timeoutMs: 500 });
    const client = newClient(grpcInterceptor(breaker));
    const { received } = server;
    const late = rejection(get(client, 'never in time'));
    await waitUntil('the call at the server', () => server.received > received);
    await clock.advance(500);
    const error = await late;
    expect(error).toMatchObject({ code: status.DEADLINE_EXCEEDED, breaker: breaker.name });
    expect(error.cause).toBeInstanceOf(CallTimeoutError);
    await waitUntil('its end at the server', () => server.cancelled.has('never in time'));
    expect(breaker.stats().calls).toMatchObject({ timeout: 1 });
  });

  test('a probe that hangs is given up at the server at its own deadline', async () => {
    const breaker = newBreaker({ halfOpen: { probes: 1, probeTimeoutMs: 500, ramp: [] } });
    const client = newClient(grpcInterceptor(breaker));
    breaker.trip();
    await clock.advance(COOLDOWN_MS);
    const { received } = server;
    const probe = rejection(get(client, 'never, as a probe'));
    await waitUntil('the call at the server', () => server.received > received);
    await clock.advance(500);
    expect(await probe).toMatchObject({ code: status.DEADLINE_EXCEEDED });
    await waitUntil('its end at the server', () => server.cancelled.has('never, as a probe'));
    expect(breaker.state).toBe('open');
  });

  test('a full concurrency limit is another status', async () => {
    const breaker = newBreaker({ maxConcurrent: 1 });
    const client = newClient(grpcInterceptor(breaker));
    const held = client.get({ name: 'never' }, () => {});
    expect(await rejection(get(client, 'bolts'))).toMatchObject({
      code: status.RESOURCE_EXHAUSTED,
      breaker: breaker.name,
    });
    held.cancel();
  });

  test('a fallback wire answers a call of one response with a message', async () => {
    const inputs: unknown[] = [];
    const wire = fallbackWire(({ input }) => {
      inputs.push(input);
      return { count: -1 };
    });
    const breaker = newBreaker({ neutralWires: [wire] });
    const client = newClient(grpcInterceptor(breaker));
    await rejection(get(client, 'fails with 14'));
    // The call that trips it is answered too.
    expect(await get(client, 'fails with 14')).toEqual({ count: -1 });
    expect(breaker.state).toBe('open');
    expect(await get(client, 'bolts')).toEqual({ count: -1 });
    expect(inputs.at(-1)).toEqual({
      client: 'grpc',
      method: 'Get',
      origin: `grpc://${server.address}`,
      host: server.address,
      path: '/shop.Stock/Get',
      message: { name: 'bolts' } satisfies Item,
    });
    expect((await rejection(client.watch({ name: 'all' }).toArray())).cause).toBeInstanceOf(BreakerOpenError);
  });

  test('first in the list, it counts a call once that a later one tries again', async () => {
    const breaker = newBreaker();
    const tries: string[] = [];
    const again: Interceptor = (options, nextCall) =>
      new InterceptingCall(nextCall(options), {
        start: (metadata, _, next) => {
          tries.push(options.method_definition.path);
          next(metadata, {});
        },
      });
    const client = newClient(grpcInterceptor(breaker), again);
    await get(client, 'bolts');
    expect(tries).toEqual(['/shop.Stock/Get']);
    expect(breaker.stats().calls).toMatchObject({ success: 1 });
  });

  test('a breaker is chosen for each call, and none where it is to be left alone', async () => {
    const breaker = newBreaker();
    const calls: Pick<OutgoingCall, 'method' | 'path' | 'origin' | 'host' | 'client'>[] = [];
    const choose = ({ client, method, path, origin, host }: OutgoingCall) => {
      calls.push({ client, method, path, origin, host });
      return method === 'Get' ? breaker : undefined;
    };
    const client = newClient(grpcInterceptor(choose));
    expect(await get(client, 'bolts')).toEqual({ count: 5 });
    await client.watch({ name: 'all' }).toArray();
    await unguarded(() => get(client, 'bolts'));
    expect(calls).toEqual(
      ['Get', 'Watch'].map((method) => ({
        client: 'grpc',
        method,
        path: `/shop.Stock/${method}`,
        origin: `grpc://${server.address}`,
        host: server.address,
      })),
    );
    expect(breaker.stats().calls).toMatchObject({ success: 1 });
    breaker.trip();
    expect((await rejection(get(client, 'bolts'))).cause).toBeInstanceOf(BreakerOpenError);
  });
});
