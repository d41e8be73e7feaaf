import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Attributes, Meter, ObservableResult } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  type MetricProducer,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { ATTR, METRICS, type MetricSpec, SCHEMA_URL, SCOPE_NAME } from '@switchgear/conventions';
import { afterEach, describe, expect, test } from 'vitest';
import { breakerMetricProducer } from '../../../src/breaker/telemetry/metric-producer.ts';
import { otelObserver } from '../../../src/breaker/telemetry/otel-observer.ts';
import { version } from '../../../src/breaker/version.ts';
import { PrometheusEndpoint } from '../../../src/register/sdk/prometheus-endpoint.ts';
import { HandmadeReadings, HandmadeWire } from '../../breaker/telemetry/readings.ts';

const SPECS = Object.values<MetricSpec>(METRICS);
const TYPES: Record<MetricSpec['instrument'], string> = {
  counter: 'counter',
  upDownCounter: 'gauge',
  gauge: 'gauge',
  histogram: 'histogram',
};

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

describe('the Prometheus endpoint', () => {
  test('serves every breaker metric under its name and type of the conventions', async () => {
    const { url, meter } = await start();
    for (const spec of SPECS) record(meter, spec);
    const { text, families } = await scrape(url);
    for (const spec of SPECS) {
      expect(families.get(spec.prometheus), spec.name).toBe(TYPES[spec.instrument]);
      const sample = spec.instrument === 'histogram' ? `${spec.prometheus}_count` : spec.prometheus;
      expect(text).toMatch(new RegExp(`^${sample}\\{[^}]*breaker_name="payments"`, 'm'));
    }
    const breakerFamilies = [...families.keys()].filter((name) => name.startsWith('breaker_'));
    expect(breakerFamilies.sort()).toEqual(SPECS.map((spec) => spec.prometheus).sort());
  });

  test("serves what a breaker's own numbers hold under the same names, histograms from 0 on", async () => {
    const breaker = new HandmadeReadings('payments', [new HandmadeWire('held')]);
    otelObserver().added(breaker);
    closers.push(async () => otelObserver().removed(breaker));
    const { url } = await start({ metricProducers: [breakerMetricProducer()] });
    const before = await scrape(url);
    expect(Object.fromEntries(before.families)).toEqual({
      target_info: 'gauge',
      ...Object.fromEntries(SPECS.map((spec) => [spec.prometheus, TYPES[spec.instrument]])),
    });
    expect(before.text).toMatch(/^target_info\{service_name="shop",host_id="late"\} 1$/m);
    breaker.durationSeconds.set('success', [0.004, 0.2, 60]);
    const { text } = await scrape(url);
    const scope = `otel_scope_name="${SCOPE_NAME}",otel_scope_schema_url="${SCHEMA_URL}",otel_scope_version="${version}"`;
    const { prometheus, bounds } = METRICS.callDuration;
    const rowsOf = (scraped: string, outcome: string) =>
      scraped
        .split('\n')
        .filter((row) => row.startsWith(prometheus) && row.includes(`breaker_call_outcome="${outcome}"`));
    const expected = (outcome: string, count: number, sum: number, buckets: number[]) => {
      const labels = `breaker_name="payments",breaker_call_outcome="${outcome}",${scope}`;
      return [
        `${prometheus}_count{${labels}} ${count}`,
        `${prometheus}_sum{${labels}} ${sum}`,
        ...[...bounds, '+Inf'].map((le, index) => `${prometheus}_bucket{${labels},le="${le}"} ${buckets[index]}`),
      ];
    };
    expect(rowsOf(before.text, 'success')).toEqual(expected('success', 0, 0, new Array(15).fill(0)));
    expect(rowsOf(text, 'success')).toEqual(
      expected('success', 3, 60.204, [1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3]),
    );
    expect(rowsOf(text, 'timeout')).toEqual(expected('timeout', 0, 0, new Array(15).fill(0)));
  });

  test("leaves other scopes' metrics and the other readers' names alone", async () => {
    const memory = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const push = new PeriodicExportingMetricReader({ exporter: memory, exportIntervalMillis: 3_600_000 });
    const { url, meter, provider } = await start({ more: [push] });
    record(meter, METRICS.callDuration);
    provider.getMeter('app').createCounter('app.requests').add(1);
    const { families } = await scrape(url);
    expect(families.get('app_requests_total')).toBe('counter');
    await push.forceFlush();
    const pushed = memory.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics));
    expect(pushed.map(({ descriptor }) => descriptor.name).sort()).toEqual(['app.requests', METRICS.callDuration.name]);
  });

  test('scraped twice it serves the same names', async () => {
    const { url, meter } = await start();
    for (const spec of SPECS) record(meter, spec);
    const first = await scrape(url);
    const second = await scrape(url);
    expect([...second.families]).toEqual([...first.families]);
  });

  test('port 0 takes a free one and tells it', async () => {
    const first = await start();
    const second = await start();
    expect(new URL(first.url).port).not.toBe('0');
    expect(new URL(second.url).port).not.toBe(new URL(first.url).port);
  });

  test('a port that is taken is one sentence that says what to do', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    closers.push(() => new Promise((resolve) => other.close(() => resolve())));
    const { port } = other.address() as AddressInfo;
    const endpoint = new PrometheusEndpoint();
    await expect(endpoint.listen('127.0.0.1', port)).rejects.toThrow(
      `No Prometheus endpoint on 127.0.0.1:${port}: the port is taken; OTEL_EXPORTER_PROMETHEUS_PORT=0 takes a free port`,
    );
  });

  test('other paths are 404, other methods 405', async () => {
    const { url } = await start();
    expect((await fetch(new URL('/', url))).status).toBe(404);
    expect((await fetch(url, { method: 'POST', body: 'x' })).status).toBe(405);
    expect((await fetch(`${url}?name[]=x`)).status).toBe(200);
  });

  test('after shutdown the port is free again', async () => {
    const { url, provider } = await start();
    await (await fetch(url)).text();
    await provider.shutdown();
    await expect(fetch(url)).rejects.toThrow();
  });
});

interface Started {
  readonly metricProducers?: MetricProducer[];
  readonly more?: PeriodicExportingMetricReader[];
}

async function start({ metricProducers = [], more = [] }: Started = {}) {
  const endpoint = new PrometheusEndpoint(metricProducers);
  const provider = new MeterProvider({
    resource: resourceFromAttributes({ 'service.name': 'shop', 'host.id': Promise.resolve('late') }),
    readers: [endpoint, ...more],
  });
  const url = await endpoint.listen('127.0.0.1', 0);
  closers.push(() => provider.shutdown().catch(() => {}));
  return { url, provider, meter: provider.getMeter(SCOPE_NAME) };
}

/** Emits a metric the way the breaker library does, with every attribute the conventions list for it. */
function record(meter: Meter, spec: MetricSpec): void {
  const options = { unit: spec.unit, description: spec.description };
  const attributes: Attributes = { [ATTR.name]: 'payments' };
  for (const key of spec.attributes) attributes[key] = spec.values?.[key]?.[0] ?? 'some';
  const observe = (result: ObservableResult) => result.observe(1, attributes);
  if (spec.instrument === 'counter') meter.createObservableCounter(spec.name, options).addCallback(observe);
  if (spec.instrument === 'upDownCounter') meter.createObservableUpDownCounter(spec.name, options).addCallback(observe);
  if (spec.instrument === 'gauge') meter.createObservableGauge(spec.name, options).addCallback(observe);
  if (spec.instrument === 'histogram') meter.createHistogram(spec.name, options).record(0.2, attributes);
}

async function scrape(url: string): Promise<{ text: string; families: Map<string, string> }> {
  const response = await fetch(url);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toContain('text/plain');
  const text = await response.text();
  const families = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name!, type!]));
  return { text, families };
}
