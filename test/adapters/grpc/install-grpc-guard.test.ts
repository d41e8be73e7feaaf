import { createRequire } from 'node:module';
import * as imported from '@grpc/grpc-js';
import {
  credentials,
  type Interceptor,
  Metadata,
  makeGenericClientConstructor,
  type ServiceError,
} from '@grpc/grpc-js';
import { type Breaker, BreakerOpenError, createBreaker } from '@switchgear/breaker';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { grpcInterceptor, installGrpcGuard } from '../../../src/adapters/grpc/index.ts';
import type { OutgoingCall } from '../../../src/adapters/outgoing/outgoing-call.ts';
import { type Amount, StockClient, StockServer } from './stock-server.ts';

const required = createRequire(import.meta.url)('@grpc/grpc-js') as typeof imported;

describe('the guard of every client of gRPC', () => {
  let server: StockServer;
  let breaker: Breaker;
  let takeOff: (() => void) | undefined;
  const clients: imported.Client[] = [];

  beforeAll(async () => {
    server = await StockServer.start();
  });
  afterAll(() => server.stop());
  beforeEach(() => {
    breaker = createBreaker('stock', { telemetry: 'off' }) as Breaker;
  });
  afterEach(async () => {
    takeOff?.();
    for (const client of clients.splice(0)) client.close();
    await breaker.close();
  });

  function newClient(options: imported.ClientOptions = {}): StockClient {
    const client = new StockClient(server.address, credentials.createInsecure(), options);
    clients.push(client);
    return client;
  }

  function get(client: StockClient, options: imported.CallOptions = {}): Promise<Amount> {
    return new Promise((resolve, reject) => {
      client.get({ name: 'bolts' }, new Metadata(), options, (error, amount) =>
        error ? reject(error) : resolve(amount!),
      );
    });
  }

  function tagging(tag: string, log: string[]): Interceptor {
    return (options, nextCall) => {
      log.push(tag);
      return new imported.InterceptingCall(nextCall(options));
    };
  }

  test.each([
    ['imported', imported],
    ['required', required],
  ])('the module %s is guarded, for clients that were there before too', async (_, given) => {
    const before = newClient();
    takeOff = installGrpcGuard(given, breaker);
    expect(await get(before)).toEqual({ count: 5 });
    expect(await get(newClient())).toEqual({ count: 5 });
    await newClient().watch({ name: 'all' }).toArray();
    const sum = await new Promise((resolve) => {
      const call = newClient().sum((_, amount) => resolve(amount));
      call.end({ name: 'a' });
    });
    expect(sum).toEqual({ count: 1 });
    const talk = newClient().talk();
    talk.end();
    await talk.toArray();
    expect(breaker.stats().calls).toMatchObject({ success: 5 });
    breaker.trip();
    const error: ServiceError & { cause?: unknown } = await get(before).then(
      () => expect.unreachable('it should have failed'),
      (failed) => failed,
    );
    expect(error.cause).toBeInstanceOf(BreakerOpenError);
  });

  test('a client of a service that was put together by hand is guarded', async () => {
    takeOff = installGrpcGuard(imported, breaker);
    const bytes = { requestSerialize: (value: Buffer) => value, responseDeserialize: (value: Buffer) => value };
    const unused = { responseSerialize: (value: Buffer) => value, requestDeserialize: (value: Buffer) => value };
    const method = { path: '/shop.Stock/Get', requestStream: false, responseStream: false, ...bytes, ...unused };
    const Generic = makeGenericClientConstructor({ get: method }, 'shop.Stock');
    const client = new Generic(server.address, credentials.createInsecure());
    clients.push(client);
    const answer = await new Promise((resolve) => {
      client.get!(Buffer.from('\n\x05bolts'), (error: unknown, amount: Buffer) => resolve(error ?? amount));
    });
    expect(answer).toBeInstanceOf(Buffer);
    expect(breaker.stats().calls).toMatchObject({ success: 1 });
  });

  test('interceptors of a client and of a call come after it, and stand in for each other as before', async () => {
    const log: string[] = [];
    takeOff = installGrpcGuard(imported, () => {
      log.push('guard');
      return breaker;
    });
    const client = newClient({ interceptors: [tagging('client', log)] });
    await get(client);
    await get(client, { interceptors: [tagging('call', log)] });
    await get(client, { interceptor_providers: [() => tagging('provided for the call', log)] });
    await get(newClient({ interceptor_providers: [() => tagging('provided', log)] }));
    expect(log).toEqual(['guard', 'client', 'guard', 'call', 'guard', 'provided for the call', 'guard', 'provided']);
    expect(breaker.stats().calls).toMatchObject({ success: 4 });
  });

  test('a client with a guard of its own has no second one', async () => {
    const own = createBreaker('own', { telemetry: 'off' });
    takeOff = installGrpcGuard(imported, breaker);
    await get(newClient({ interceptors: [grpcInterceptor(own as Breaker)] }));
    expect(own.stats().calls.success).toBe(1);
    expect(breaker.stats().calls.success).toBe(0);
    await own.close();
  });

  test('a breaker is chosen by where the client goes', async () => {
    const calls: OutgoingCall[] = [];
    takeOff = installGrpcGuard(imported, (call) => {
      calls.push(call);
      return undefined;
    });
    await get(newClient());
    const { client, method, origin, host, path } = calls[0]!;
    expect({ client, method, origin, host, path }).toEqual({
      client: 'grpc',
      method: 'Get',
      origin: `grpc://${server.address}`,
      host: server.address,
      path: '/shop.Stock/Get',
    });
  });

  test('taken off, it guards nothing more; a second time it changes nothing', async () => {
    takeOff = installGrpcGuard(imported, breaker);
    expect(installGrpcGuard(required, () => undefined)).toBe(takeOff);
    const client = newClient();
    await get(client);
    takeOff();
    takeOff();
    breaker.trip();
    await get(client);
    expect(breaker.stats().calls).toMatchObject({ success: 1, rejected: 0 });
  });

  test('another module is refused', () => {
    expect(() => installGrpcGuard({}, breaker)).toThrow(TypeError);
  });
});
