import { gzipSync } from 'node:zlib';
import { ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
import { describe, expect, it } from 'vitest';
import { NOW, startOtlpServer } from './otlp-server.ts';
import { collectMetrics } from './sdk-telemetry.ts';

const attribute = (key: string, stringValue: string) => ({ key, value: { stringValue } });
const RESOURCE = { attributes: [attribute('service.name', 'shop'), attribute('service.instance.id', 'a')] };
const POINT = { attributes: [attribute('breaker.name', 'payments')], asDouble: 0.5 };

function request(point: object, resource: object = RESOURCE) {
  const metrics = [{ name: 'other' }, { name: 'breaker.failure.ratio', gauge: { dataPoints: [POINT, point] } }];
  return { resourceMetrics: [{ resource, scopeMetrics: [{ metrics }] }] };
}

describe('malformed JSON gets 400 with the path of the field', () => {
  const base = 'resourceMetrics[0].scopeMetrics[0].metrics[1].gauge.dataPoints[1]';
  it.each([
    [{ ...POINT, asInt: 'many' }, `${base}.asInt`],
    [{ ...POINT, asInt: 1.5 }, `${base}.asInt`],
    [{ ...POINT, asDouble: {} }, `${base}.asDouble`],
    [{ ...POINT, timeUnixNano: '-1' }, `${base}.timeUnixNano`],
    [{ ...POINT, attributes: {} }, `${base}.attributes`],
    [{ ...POINT, attributes: [{ key: 1 }] }, `${base}.attributes[0].key`],
    [{ ...POINT, attributes: [{ key: 'k', value: { stringValue: 1 } }] }, `${base}.attributes[0].value.stringValue`],
  ])('%j', async (point, field) => {
    await using server = await startOtlpServer();
    const { status, headers, text } = await server.post('metrics', request(point));
    expect(status).toBe(400);
    expect(headers.get('content-type')).toContain('application/problem+json');
    expect(JSON.parse(text).errors).toMatchObject([{ field }]);
    expect(server.observations).toEqual([]);
    expect(server.batches).toEqual(['metrics refused 0']);
  });

  it.each(['', '{', '[]', 'null', '"x"', '\xff'])('%j', async (body) => {
    await using server = await startOtlpServer();
    for (const path of ['metrics', 'logs', 'traces']) {
      const { status, text } = await server.post(path, Buffer.from(body, 'latin1'));
      expect([path, status, JSON.parse(text).errors[0].field]).toEqual([path, 400, 'body']);
    }
  });
});

describe('what is read', () => {
  it('ignores unknown fields, takes integers as strings or numbers, and gives a point without time the present', async () => {
    await using server = await startOtlpServer();
    const point = { ...POINT, asDouble: null, asInt: '1', unheardOf: { a: [1] }, timeUnixNano: '1767225600123400000' };
    const { status, text } = await server.post('metrics', { ...request(point), more: 1 });
    expect([status, text]).toEqual([200, '{}']);
    expect(server.observations).toMatchObject([
      { value: 0.5, at: NOW },
      { value: 1, at: 1767225600123 },
    ]);
  });

  it('skips a point that records no value, as a series ends', async () => {
    await using server = await startOtlpServer();
    const { text } = await server.post('metrics', request({ ...POINT, asDouble: null, flags: 1 }));
    expect(text).toBe('{}');
    expect(server.observations).toHaveLength(1);
  });

  it('keeps hex trace ids of events, and leaves out ids that are none', async () => {
    await using server = await startOtlpServer();
    const ids = (traceId: string, spanId: string) => ({
      eventName: 'breaker.trip',
      observedTimeUnixNano: 5_000_000,
      attributes: [attribute('breaker.name', 'payments'), { key: 'n', value: { intValue: '7' } }],
      traceId,
      spanId,
    });
    const logRecords = [ids('0AF7651916CD43DD8448EB211C80319C', 'b7ad6b7169203331'), ids('zz', '0000000000000000')];
    await server.post('logs', { resourceLogs: [{ resource: RESOURCE, scopeLogs: [{ logRecords }] }] });
    expect(server.observations).toMatchObject([
      { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', at: 5, attributes: { n: 7 } },
      { event: 'trip' },
    ]);
    expect(server.observations[1]).not.toHaveProperty('traceId');
    expect(server.observations[1]).not.toHaveProperty('spanId');
  });

  const keptOf = async (attributes: readonly object[]) => {
    await using server = await startOtlpServer();
    const named = [attribute('breaker.name', 'payments'), ...attributes];
    const logRecords = [{ eventName: 'breaker.call.exception', attributes: named }];
    await server.post('logs', { resourceLogs: [{ resource: RESOURCE, scopeLogs: [{ logRecords }] }] });
    const [event] = server.observations;
    return event?.attributes ?? {};
  };

  it('keeps the first frames of a stack trace, and cuts other long texts of events', async () => {
    const stack = `Error: down\n    at first (file.js:1:1)\n${'    at deeper (file.js:2:2)\n'.repeat(2_000)}`;
    const kept = await keptOf([
      attribute('exception.stacktrace', stack),
      attribute('exception.message', 'x'.repeat(50_000)),
    ]);
    expect(String(kept['exception.stacktrace'])).toBe(`${stack.slice(0, 999)}…`);
    expect(kept['exception.message']).toBe(`${'x'.repeat(4_095)}…`);
  });

  it('keeps at most 8,192 characters of an event, the first that fit', async () => {
    const long = Array.from({ length: 10 }, (_, index) => attribute(`k${index}`, 'x'.repeat(2_000)));
    const kept = await keptOf([...long, attribute('last', 'short')]);
    expect(Object.keys(kept)).toEqual(['k0', 'k1', 'k2', 'k3', 'last']);
    expect(kept.last).toBe('short');
  });
});

describe('what cannot be used is turned away with a reason, and the rest is taken', () => {
  const reason = async (point: object, resource?: object) => {
    await using server = await startOtlpServer();
    const { status, text } = await server.post('metrics', request(point, resource));
    return { status, taken: server.observations.length, partial: JSON.parse(text).partialSuccess };
  };

  it('a point without a breaker, or without a finite value', async () => {
    const nameless = await reason({ asDouble: 1 });
    expect(nameless).toMatchObject({ status: 200, taken: 1, partial: { rejectedDataPoints: '1' } });
    expect(nameless.partial.errorMessage).toContain('breaker.failure.ratio must have a breaker.name');
    expect((await reason({ ...POINT, asDouble: 'NaN' })).partial.errorMessage).toContain('must have a finite value');
    const long = { asDouble: 1, attributes: [attribute('breaker.name', 'x'.repeat(121))] };
    expect((await reason(long)).partial.rejectedDataPoints).toBe('1');
  });

  it('a state that is none', async () => {
    await using server = await startOtlpServer();
    const attributes = [attribute('breaker.name', 'payments'), attribute('breaker.state', '__proto__')];
    const sum = { aggregationTemporality: 2, dataPoints: [{ attributes, asInt: 1 }] };
    const scopeMetrics = [{ metrics: [{ name: 'breaker.status', sum }] }];
    const { text } = await server.post('metrics', { resourceMetrics: [{ resource: RESOURCE, scopeMetrics }] });
    expect(JSON.parse(text).partialSuccess.errorMessage).toContain('breaker.state that is one of closed, open');
    expect(server.observations).toEqual([]);
  });

  it('a process that cannot be told from another', async () => {
    const { status, taken, partial } = await reason(POINT, { attributes: [attribute('service.name', 'shop')] });
    expect([status, taken, partial.rejectedDataPoints]).toEqual([200, 0, '2']);
    expect(partial.errorMessage).toContain('service shop has no service.instance.id');
  });
});

it('a process without service.name and service.instance.id goes by its host and process', async () => {
  await using server = await startOtlpServer();
  const pid = { key: 'process.pid', value: { intValue: '42' } };
  await server.post('metrics', request(POINT, { attributes: [attribute('host.name', 'node-7'), pid] }));
  expect(server.observations[0]?.agent).toEqual({ service: 'unknown_service', instance: 'node-7/42' });
});

describe('bodies', () => {
  it('of another type or encoding get 415', async () => {
    await using server = await startOtlpServer();
    const text = await server.post('metrics', '{}', { 'content-type': 'text/plain' });
    const brotli = await server.post('metrics', '{}', { 'content-encoding': 'br' });
    expect([text.status, brotli.status]).toEqual([415, 415]);
    expect(JSON.parse(text.text).errors[0]).toEqual({
      field: 'Content-Type',
      detail: '`Content-Type` must be application/x-protobuf or application/json, got "text/plain"',
    });
    expect(JSON.parse(brotli.text).errors[0].field).toBe('Content-Encoding');
  });

  it('over the bound get 413, declared or not, and so does a small body that inflates past it', async () => {
    await using server = await startOtlpServer();
    const limit = 4 * 1024 * 1024;
    const exact = await server.post('metrics', `{}${' '.repeat(limit - 2)}`);
    expect(exact.status).toBe(200);
    const declared = await server.post('metrics', ' '.repeat(limit + 1)).catch(() => undefined);
    // The server may close the connection before a client has written all of it.
    expect([413, undefined]).toContain(declared?.status);
    const bomb = gzipSync(Buffer.alloc(200 * 1024 * 1024));
    expect(bomb.length).toBeLessThan(limit);
    const refused = await server.post('metrics', bomb, { 'content-encoding': 'gzip' });
    expect(refused.status).toBe(413);
    expect(JSON.parse(refused.text).detail).toContain(`must not inflate to more than ${limit} bytes`);
  });

  it('of unknown length are bounded as they arrive', async () => {
    await using server = await startOtlpServer({ maxBytes: 1_000 });
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(`{}${' '.repeat(5_000)}`));
        controller.close();
      },
    });
    const headers = { 'content-type': 'application/json' };
    const init = { method: 'POST', body, headers, duplex: 'half' } as RequestInit;
    const response = await fetch(`${server.url}/metrics`, init);
    expect(response.status).toBe(413);
    await response.body?.cancel();
  });

  it('that are not what their encoding says get 400', async () => {
    await using server = await startOtlpServer();
    const { status, text } = await server.post('metrics', '{}', { 'content-encoding': 'gzip' });
    expect([status, JSON.parse(text).errors[0].field]).toEqual([400, 'body']);
    const cut = gzipSync('{}').subarray(0, 12);
    expect((await server.post('metrics', cut, { 'content-encoding': 'gzip' })).status).toBe(400);
  });
});

it('a sink that fails makes the sender try again', async () => {
  const errors: unknown[] = [];
  const failure = new Error('disk full');
  await using server = await startOtlpServer({
    sink: () => Promise.reject(failure),
    onSinkError: (error) => errors.push(error),
  });
  const bytes = ProtobufMetricsSerializer.serializeRequest(await collectMetrics())!;
  const { status, headers, text } = await server.post('metrics', bytes, { 'content-type': 'application/x-protobuf' });
  expect([status, headers.get('retry-after')]).toEqual([503, '5']);
  expect(text).not.toContain('disk full');
  expect(errors).toEqual([failure]);
  expect(server.batches).toEqual(['metrics refused 17']);
});

it('spans are checked, counted and let go', async () => {
  await using server = await startOtlpServer();
  const good = {
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: 'b7ad6b7169203331',
    name: 'breaker.trip payments',
  };
  const spans = [good, { ...good, spanId: 'short' }];
  const { status, text } = await server.post('traces', { resourceSpans: [{ scopeSpans: [{ spans }] }] });
  expect(status).toBe(200);
  expect(JSON.parse(text).partialSuccess).toMatchObject({ rejectedSpans: '1' });
  expect(server.batches).toEqual(['traces accepted 1', 'traces refused 1']);
  expect(server.observations).toEqual([]);
});
