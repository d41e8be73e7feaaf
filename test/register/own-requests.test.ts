import { request } from 'node:http';
import { context, logs, metrics, trace } from '@opentelemetry/api';
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-proto';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { BatchLogRecordProcessor, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { BatchSpanProcessor, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { installFetchGuard } from '@switchgear/adapters/fetch';
import { installHttpGuard } from '@switchgear/adapters/http';
import type { OutgoingCall } from '@switchgear/adapters/outgoing';
import { connectControlPlane } from '@switchgear/breaker';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { waitUntil } from '../support/deadline.ts';
import { startReceiver } from './otlp-receiver.ts';

/** Calls that were offered to a breaker. */
let offered: OutgoingCall[];
let receiver: Awaited<ReturnType<typeof startReceiver>>;
let takeOff: (() => void)[];

beforeEach(async () => {
  offered = [];
  receiver = await startReceiver();
  // Its context manager alone.
  new NodeSDK({ autoDetectResources: false, metricReaders: [], spanProcessors: [], logRecordProcessors: [] }).start();
  const choose = (call: OutgoingCall) => {
    offered.push(call);
    return undefined;
  };
  takeOff = [installHttpGuard(choose), installFetchGuard(choose)];
});

afterEach(async () => {
  for (const off of takeOff) off();
  for (const api of [context, trace, metrics, logs]) api.disable();
  await receiver.close();
});

test('the link to the control plane is offered to no breaker, and stands in no trace', async () => {
  const link = connectControlPlane({ url: receiver.url, token: 'token', service: { name: 'shop', instanceId: '1' } });
  await waitUntil('a request of the link', () => receiver.at('/v1/opamp').length > 0);
  await link.close();
  expect(offered).toEqual([]);
});

test("exporters of a service's own SDK are offered to no breaker, wherever they send to", async () => {
  const to = (signal: string) => ({ url: `${receiver.url}/v1/${signal}` });
  const traces = new TracerProvider({
    spanProcessors: [BatchSpanProcessor, SimpleSpanProcessor].map(
      (Processor) => new Processor({ exporter: new OTLPTraceExporter(to('traces')) }),
    ),
  });
  const records = new LoggerProvider({
    processors: [BatchLogRecordProcessor, SimpleLogRecordProcessor].map(
      (Processor) => new Processor({ exporter: new OTLPLogExporter(to('logs')) }),
    ),
  });
  const numbers = new MeterProvider({
    readers: [new PeriodicExportingMetricReader({ exporter: new OTLPMetricExporter(to('metrics')) })],
  });
  traces.getTracer('test').startSpan('work').end();
  records.getLogger('test').emit({ body: 'a word' });
  numbers.getMeter('test').createCounter('count').add(1);
  for (const provider of [traces, records, numbers]) {
    await provider.forceFlush();
    await provider.shutdown();
  }
  await waitUntil('two exports of traces and logs, one of metrics', () =>
    [receiver.at('/v1/traces'), receiver.at('/v1/logs')].every(({ length }) => length === 2),
  );
  expect(receiver.at('/v1/metrics').length).toBeGreaterThan(0);
  expect(offered).toEqual([]);
});

test('any other request is offered', async () => {
  await new Promise((resolve) => request(receiver.url, (response) => response.resume().on('end', resolve)).end());
  await fetch(receiver.url);
  expect(offered.map(({ client }) => client)).toEqual(['http', 'fetch']);
});
