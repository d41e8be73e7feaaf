import type { OutgoingCall } from '@switchgear/adapters/outgoing';
import { allBreakers, type Breaker, createBreaker, findBreaker } from '@switchgear/breaker';
import type { ServiceConfig } from '@switchgear/service-config';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { GuardedBreakers } from '../../../src/register/guards/guarded-breakers.ts';

let told: string[];
let guarded: GuardedBreakers;

beforeEach(() => {
  told = [];
  guarded = new GuardedBreakers({ tell: (line) => told.push(line), ownOrigins: new Set(['http://collector:4318']) });
});

afterEach(async () => {
  for (const breaker of allBreakers()) await breaker.close();
});

describe('without a configuration', () => {
  test('each host has a breaker that only looks on', async () => {
    guarded.apply({});
    const stock = chosen('http://stock:8080');
    expect(stock.name).toBe('stock:8080');
    expect(stock.state).toBe('shadow');
    expect(chosen('http://stock:8080')).toBe(stock);
    expect(chosen('https://api.example.com').name).toBe('api.example.com');
    for (let call = 0; call < 50; call++) await fail(stock);
    expect(await stock.execute(() => 'let through')).toBe('let through');
  });

  test('a database beside a web server has a breaker of its own', () => {
    guarded.apply({});
    const database = { client: 'pg', method: 'SELECT', origin: 'postgres://stock/shop', host: 'stock', path: '' };
    expect(guarded.choose(database)?.name).toBe('postgres://stock/shop');
    expect(chosen('http://stock').name).toBe('stock');
  });

  test('there are at most fifty, which is told once', () => {
    guarded.apply({});
    for (let host = 0; host < 60; host++) guarded.choose(call(`http://host-${host}`));
    expect(allBreakers()).toHaveLength(50);
    expect(told).toEqual([
      'There are breakers for 50 hosts; calls to "host-50" and further ones have none (unmatched.maxOrigins)',
    ]);
  });

  test('the telemetry of the service has none', () => {
    guarded.apply({});
    expect(guarded.choose(call('http://collector:4318'))).toBeUndefined();
  });
});

describe('a configuration', () => {
  const config: ServiceConfig = {
    breakers: { payments: { trip: { consecutive: 2 }, failures: { statuses: [503] } } },
    rules: [
      { match: { host: 'pay.example.com' }, breaker: 'payments' },
      { match: { host: 'metadata' }, breaker: 'none' },
    ],
    unmatched: 'none',
  };

  test('gives its calls to its breakers, and leaves the rest alone', async () => {
    guarded.apply(config);
    const payments = chosen('https://pay.example.com');
    expect(payments).toBe(findBreaker('payments'));
    expect(payments.state).toBe('closed');
    expect(guarded.choose(call('http://metadata'))).toBeUndefined();
    expect(guarded.choose(call('http://other'))).toBeUndefined();
    await payments.execute(() => ({ status: 500 }));
    await payments.execute(() => ({ status: 503 }));
    await payments.execute(() => ({ status: 503 }));
    expect(payments.state).toBe('open');
  });

  test('that changes keeps state, counts and window, and takes the new rules, settings and outcomes', async () => {
    guarded.apply(config);
    const payments = chosen('https://pay.example.com');
    await payments.execute(() => ({ status: 503 }));
    guarded.apply({
      breakers: { payments: { trip: { consecutive: 3 }, failures: { statuses: [500] } } },
      rules: [{ match: { host: '*.example.com' }, breaker: 'payments' }],
      unmatched: 'none',
    });
    expect(chosen('https://other.example.com')).toBe(payments);
    expect(payments.settings.trip.consecutive).toBe(3);
    await payments.execute(() => ({ status: 500 }));
    await payments.execute(() => ({ status: 503 }));
    expect(payments.stats().calls).toMatchObject({ failure: 2, success: 1 });
    expect(told).toEqual([]);
  });

  test('that leaves out what it said goes back to the defaults', () => {
    guarded.apply(config);
    guarded.apply({ ...config, breakers: { payments: {} } });
    expect(findBreaker('payments')!.settings.trip.consecutive).toBeNull();
  });

  test('without a breaker it had lets its calls through, and has the breaker again with it', async () => {
    guarded.apply(config);
    const payments = chosen('https://pay.example.com');
    await fail(payments);
    guarded.apply({ unmatched: 'none' });
    expect(guarded.choose(call('https://pay.example.com'))).toBeUndefined();
    expect(payments.state).toBe('disabled');
    guarded.apply({ unmatched: 'none' });
    expect(told).toEqual(['Breaker "payments" is not in the file any more; it lets all calls through']);
    guarded.apply(config);
    expect(chosen('https://pay.example.com')).toBe(payments);
    expect(payments.state).toBe('closed');
    expect(payments.stats().calls.failure).toBe(1);
  });

  test('whose wires change says that they wait for the next start', () => {
    guarded.apply(config);
    const wires = [{ kind: 'answer' as const, status: 503 }];
    guarded.apply({ ...config, breakers: { payments: { trip: { consecutive: 5 }, wires } } });
    expect(told).toEqual(['The wires or spans of breaker "payments" changed; they take effect at the next start']);
    expect(findBreaker('payments')!.settings.trip.consecutive).toBe(5);
  });

  test('has its mode for all that do not say, and presets under its own settings', () => {
    guarded.apply({
      mode: 'shadow',
      breakers: { looks: { preset: 'http', trip: { minimumCalls: 7 } }, guards: { mode: 'auto' } },
    });
    expect(findBreaker('looks')!.state).toBe('shadow');
    expect(findBreaker('looks')!.settings).toMatchObject({
      timeoutMs: 10_000,
      trip: { minimumCalls: 7, slowMs: 2_000 },
    });
    expect(findBreaker('guards')!.state).toBe('closed');
  });

  test('cannot take the name of a breaker of the service; the rest of it is done', () => {
    createBreaker('payments');
    guarded.apply({ ...config, breakers: { payments: {}, stock: {} } });
    expect(told[0]).toMatch(/^Breaker "payments": .*unique/);
    expect(findBreaker('stock')).toBeDefined();
    expect(guarded.choose(call('https://pay.example.com'))).toBeUndefined();
  });

  test('can make the breakers of unmatched calls guard', async () => {
    guarded.apply({ unmatched: { mode: 'auto', trip: { consecutive: 1 } } });
    const stock = chosen('http://stock');
    await fail(stock);
    expect(stock.state).toBe('open');
    guarded.apply({ unmatched: 'none' });
    expect(stock.state).toBe('disabled');
  });
});

function call(origin: string): OutgoingCall {
  return { client: 'fetch', method: 'GET', origin, host: new URL(origin).host, path: '/' };
}

function chosen(origin: string): Breaker {
  const breaker = guarded.choose(call(origin));
  if (!breaker) throw new Error(`no breaker for ${origin}`);
  return breaker;
}

async function fail(breaker: Breaker): Promise<void> {
  const error = Object.assign(new Error('down'), { code: 'ECONNREFUSED' });
  await breaker.execute(() => Promise.reject(error)).catch(() => {});
}
