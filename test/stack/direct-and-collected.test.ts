import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { AggregationTemporality, MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { breakerMetricProducer, createBreaker } from '@switchgear/breaker';
import { METRICS, type MetricSpec, SCOPE_NAME } from '@switchgear/conventions';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ManualClock } from '../../src/breaker/testing.ts';
import { PrometheusEndpoint } from '../../src/register/sdk/prometheus-endpoint.ts';
import { liveThroughEverything } from '../conformance/live-through-everything.ts';
import type { Living } from '../conformance/living.ts';
import { startReceiver } from '../register/otlp-receiver.ts';
import { buildCollector, Collector, describeWithGo } from '../support/collector.ts';
import { waitUntil } from '../support/deadline.ts';
import { type Family, readExposition } from '../support/exposition.ts';

const RESOURCE = {
  'service.name': 'shop',
  'service.namespace': 'trade',
  'service.instance.id': 'shop-1',
  'service.version': '1.2.3',
  'deployment.environment.name': 'test',
};

const TYPES: Readonly<Record<MetricSpec['instrument'], string>> = {
  counter: 'counter',
  upDownCounter: 'gauge',
  gauge: 'gauge',
  histogram: 'histogram',
};

/** All that has to be escaped in a label, and what looks like the end of one. */
const ODD_NAME = 'say "hi" to C:\\temp, {a="b"} 🔌 ünïcode';

/** Labels that say which process a sample came from: the collector puts them on each, Prometheus does so at a direct scrape. */
const TARGET_LABELS = ['job', 'instance'];

describeWithGo('the same breakers, scraped directly and through the real collector', () => {
  let receiver: Awaited<ReturnType<typeof startReceiver>>;
  let collector: Collector;
  let provider: MeterProvider;
  let living: readonly Living[] = [];
  let direct: ReadonlyMap<string, Family>;
  let collected: ReadonlyMap<string, Family>;

  beforeAll(async () => {
    const program = await buildCollector();
    receiver = await startReceiver();
    collector = await Collector.start(program, { controlPlaneUrl: receiver.url, agentToken: 'token' });
    const endpoint = new PrometheusEndpoint([breakerMetricProducer()]);
    const push = new PeriodicExportingMetricReader({
      exporter: new OTLPMetricExporter({
        url: `${collector.otlpUrl}/v1/metrics`,
        temporalityPreference: AggregationTemporality.CUMULATIVE,
      }),
      exportIntervalMillis: 3_600_000,
      metricProducers: [breakerMetricProducer()],
    });
    provider = new MeterProvider({ resource: resourceFromAttributes(RESOURCE), readers: [endpoint, push] });
    const url = await endpoint.listen('127.0.0.1', 0);
    // Its wall clock is the machine's: the collector lets go of what is old.
    const clock = new ManualClock(Date.now());
    living = [...(await liveThroughEverything(clock)), createBreaker(ODD_NAME, { clock })];
    await push.forceFlush();
    direct = readExposition(await scrape(url));
    await waitUntil('the metrics at the collector', async () => {
      collected = readExposition(await scrape(`http://${collector.prometheusTarget}/metrics`));
      return collected.size > 1;
    });
  });

  afterAll(async () => {
    for (const one of living) await one.close();
    await provider?.shutdown().catch(() => {});
    await collector?.stop();
    await receiver?.close();
  });

  const breakerFamilies = (families: ReadonlyMap<string, Family>) =>
    Object.fromEntries([...families].filter(([name]) => name.startsWith('breaker_')));

  test('both have the names and types of the conventions', () => {
    const expected = Object.values<MetricSpec>(METRICS).map((spec) => [spec.prometheus, TYPES[spec.instrument]]);
    for (const families of [direct, collected]) {
      const found = Object.values(breakerFamilies(families)).map(({ name, type }) => [name, type]);
      expect(found.sort()).toEqual(expected.sort());
    }
  });

  test('both say what each is in the words of the conventions', () => {
    const expected = Object.values<MetricSpec>(METRICS).map((spec) => [spec.prometheus, spec.description]);
    for (const families of [direct, collected]) {
      const found = Object.values(breakerFamilies(families)).map(({ name, help }) => [name, help]);
      expect(found.sort()).toEqual(expected.sort());
    }
  });

  test('both have the same series, with the same labels and the same numbers, from 0 on', () => {
    const samples = (families: ReadonlyMap<string, Family>) =>
      Object.values(breakerFamilies(families)).flatMap((family) =>
        family.samples.map(({ name, labels, value }) => `${name} ${inWords(labels)} ${value}`),
      );
    expect(samples(direct).length).toBeGreaterThan(1_000);
    expect(samples(collected).sort()).toEqual(samples(direct).sort());
    const names = Object.values(breakerFamilies(direct)).flatMap((family) =>
      family.samples.map(({ labels }) => labels),
    );
    expect(names.map((labels) => labels.breaker_name)).toContain(ODD_NAME);
    expect(samples(direct).every((sample) => sample.includes(`otel_scope_name=${SCOPE_NAME}`))).toBe(true);
  });

  test('the collector puts the process on each sample as job and instance, as Prometheus does at a scrape', () => {
    const targets = Object.values(breakerFamilies(collected)).flatMap(({ samples }) =>
      samples.map(({ labels }) => `${labels.job} ${labels.instance}`),
    );
    expect(new Set(targets)).toEqual(new Set(['trade/shop shop-1']));
  });

  test('both have the resource in target_info; the collector has made job and instance of the identity', () => {
    const [info, collectedInfo] = [direct, collected].map((families) =>
      families.get('target_info')?.samples.map(({ labels }) => labels),
    );
    const [version, environment] = [RESOURCE['service.version'], RESOURCE['deployment.environment.name']];
    expect(info).toEqual([
      {
        service_name: RESOURCE['service.name'],
        service_namespace: RESOURCE['service.namespace'],
        service_instance_id: RESOURCE['service.instance.id'],
        service_version: version,
        deployment_environment_name: environment,
      },
    ]);
    expect(collectedInfo).toEqual([
      { job: 'trade/shop', instance: 'shop-1', service_version: version, deployment_environment_name: environment },
    ]);
  });
});

async function scrape(url: string): Promise<string> {
  const response = await fetch(url);
  expect(response.status).toBe(200);
  return response.text();
}

function inWords(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .filter(([name]) => !TARGET_LABELS.includes(name))
    .map(([name, value]) => `${name}=${value}`)
    .sort()
    .join(' ');
}
