import { lookup } from 'node:dns/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import type { CollectionResult, MetricProducer, ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { METRICS, type MetricSpec } from '@switchgear/conventions';

/** From a breaker metric's name to the one that the collector and Prometheus' own OTLP receiver give it. */
const PROMETHEUS_NAMES: ReadonlyMap<string, string> = new Map(
  Object.values<MetricSpec>(METRICS).map((spec) => [spec.name, spec.prometheus]),
);

/** A metric reader with an HTTP endpoint for Prometheus, on a server of its own that keeps no process alive. */
export class PrometheusEndpoint extends PrometheusExporter {
  #http: Server | undefined;
  #port: number | undefined;
  #hasYielded = false;

  /** @param metricProducers what it serves beside the metrics of the SDK */
  constructor(metricProducers: MetricProducer[] = []) {
    super({ preventServerStart: true, metricProducers });
  }

  /**
   * Listens; port 0 takes a free one.
   * @returns the address to scrape
   * @throws Error, in one sentence, where the address cannot be had
   */
  async listen(host: string, port: number): Promise<string> {
    this.#port = port;
    // Before it listens, so that the port is free as soon as it makes way.
    const address = await addressOf(host, port);
    const yielded = new Error(
      `No Prometheus endpoint of register on ${host}:${port}: the service's own SDK has one there`,
    );
    if (this.#hasYielded) throw yielded;
    const server = createServer((request, response) => {
      if (request.url?.split('?', 1)[0] !== '/metrics') {
        response.writeHead(404, { 'content-type': 'text/plain' }).end('Metrics are at /metrics\n');
      } else if (request.method !== 'GET' && request.method !== 'HEAD') {
        response.writeHead(405, { allow: 'GET, HEAD' }).end();
      } else {
        this.getMetricsRequestHandler(request, response);
      }
    });
    server.unref();
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(new Error(cannotListen(error, host, port))));
      server.once('close', () => reject(yielded));
      server.listen({ host: address, port }, resolve);
      this.#http = server;
    });
    const { family, port: taken } = (server.address() as AddressInfo | null) ?? { family: '', port };
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${taken}/metrics`;
  }

  /** Leaves its port to the endpoint of the service's own SDK, at once, if that is the port it has. */
  yieldPort(port: number): void {
    if (port !== this.#port) return;
    this.#hasYielded = true;
    this.#http?.close();
    this.#http?.closeAllConnections();
    this.#http = undefined;
  }

  /**
   * The exporter adds `_total` but no unit, so a breaker metric is handed to it under the whole name. Readers share
   * what is collected, hence the copies.
   */
  override async collect(options?: Parameters<PrometheusExporter['collect']>[0]): Promise<CollectionResult> {
    const { resourceMetrics, errors } = await super.collect(options);
    await resourceMetrics.resource.waitForAsyncAttributes?.();
    return { resourceMetrics: withPrometheusNames(resourceMetrics), errors };
  }

  override async onShutdown(): Promise<void> {
    const server = this.#http;
    this.#http = undefined;
    if (!server) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeIdleConnections();
    await closed;
  }
}

function withPrometheusNames(collected: ResourceMetrics): ResourceMetrics {
  /** One metric of several instrumentations has one description, which the exporter would warn of otherwise. */
  const descriptions = new Map<string, string>();
  return {
    ...collected,
    scopeMetrics: collected.scopeMetrics.map((scope) => ({
      ...scope,
      metrics: scope.metrics.map((metric) => {
        const name = PROMETHEUS_NAMES.get(metric.descriptor.name) ?? metric.descriptor.name;
        const description = descriptions.get(name) ?? metric.descriptor.description;
        descriptions.set(name, description);
        return { ...metric, descriptor: { ...metric.descriptor, name, description } };
      }),
    })),
  };
}

async function addressOf(host: string, port: number): Promise<string> {
  try {
    return (await lookup(host)).address;
  } catch (error) {
    throw new Error(cannotListen(error as NodeJS.ErrnoException, host, port));
  }
}

function cannotListen(error: NodeJS.ErrnoException, host: string, port: number): string {
  const taken = 'the port is taken; OTEL_EXPORTER_PROMETHEUS_PORT=0 takes a free port';
  return `No Prometheus endpoint on ${host}:${port}: ${error.code === 'EADDRINUSE' ? taken : error.message}`;
}
