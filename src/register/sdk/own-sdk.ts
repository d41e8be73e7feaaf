import { diag, logs, ProxyTracerProvider, trace } from '@opentelemetry/api';
import type { Instrumentation } from '@opentelemetry/instrumentation';
import type { Resource } from '@opentelemetry/resources';
import { NodeSDK } from '@opentelemetry/sdk-node';
import type { Environment } from '../environment.ts';
import { createInstrumentations, modulesOf } from '../instrumentation/instrumentations.ts';
import { makeWay } from '../instrumentation/make-way.ts';
import { OwnRegistrations } from './own-registrations.ts';
import type { PrometheusEndpoint } from './prometheus-endpoint.ts';
import { type Entry, registerApart, registeredGlobals } from './registered-globals.ts';
import { WATCHED_EXPORTER, watchServiceExporter } from './service-exporter.ts';
import { WATCHED_MODULE, watchServiceSdk } from './service-sdk.ts';
import { createPipelines, type Pipelines } from './telemetry-pipelines.ts';

export interface OwnSdkOptions {
  readonly environment: Environment;
  readonly resource: Resource;
  /** Short names of OpenTelemetry's own instrumentations. */
  readonly instrumentations: readonly string[];
  readonly version: string;
}

/**
 * The SDK that register starts, for whatever of OpenTelemetry the service has not registered. Where the service registers something
 * of its own later, register's makes way for it: the service's SDK is as it would be without register, and breakers report there.
 */
export class OwnSdk {
  readonly #options: OwnSdkOptions;
  #registrations: OwnRegistrations | undefined;
  #instrumentations: Instrumentation[] = [];
  #prometheusUrl: Promise<string | null> = Promise.resolve(null);

  constructor(options: OwnSdkOptions) {
    this.#options = options;
  }

  /** The address Prometheus scrapes; `null` where there is none. */
  get prometheusUrl(): Promise<string | null> {
    return this.#prometheusUrl;
  }

  /** Modules that must be seen as the service loads them. */
  get modules(): readonly string[] {
    return [...modulesOf(this.#instrumentations), WATCHED_MODULE, WATCHED_EXPORTER];
  }

  start(): void {
    const { version, environment } = this.#options;
    const isFree = (entry: Entry) => registeredGlobals()[entry] === undefined;
    // Spans of the service's own instrumentations and of register's would be there twice.
    if (isFree('trace')) this.#instrumentations = createInstrumentations(this.#options.instrumentations);
    const pipelines = createPipelines({ ...environment, ...(!isFree('metrics') && { metricsExporters: [] }) });
    const made = this.#startApart({
      ...pipelines,
      ...(!isFree('trace') && { spanProcessors: [] }),
      ...(!isFree('logs') && { logRecordProcessors: [] }),
    });
    const registrations = new OwnRegistrations(made.version ?? '', (entry) => {
      if (entry === 'trace') makeWay(this.#instrumentations);
      if (entry === 'metrics') pipelines.release();
    });
    registrations.put(made);
    this.#registrations = registrations;
    this.#prometheusUrl = listen(environment, pipelines.prometheus);
    watchServiceExporter(version, (port) => pipelines.prometheus?.yieldPort(port));
    watchServiceSdk(version, registrations);
  }

  /** Hears what the API says of a registration that it refuses. Returns whether it has been dealt with. */
  hearRefusal(message: string): boolean {
    return this.#registrations?.hearRefusal(message) ?? false;
  }

  async shutdown(): Promise<void> {
    await this.#prometheusUrl;
    await this.#registrations?.end();
  }

  #startApart({ metricReaders, logRecordProcessors, spanProcessors }: Pipelines): ReturnType<typeof registeredGlobals> {
    // The API keeps a proxy for each, which would lead what the service registers to this one, or the other way round.
    const takeNewProxies = () => {
      for (const api of [trace, logs]) api.disable();
    };
    return registerApart(() => {
      takeNewProxies();
      new NodeSDK({
        resource: this.#options.resource,
        autoDetectResources: false,
        metricReaders,
        instrumentations: this.#instrumentations,
        ...(logRecordProcessors && { logRecordProcessors }),
        ...(spanProcessors && { spanProcessors }),
      }).start();
      const made = { ...registeredGlobals() };
      if (made.trace instanceof ProxyTracerProvider) made.trace = made.trace.getDelegate();
      takeNewProxies();
      return made;
    });
  }
}

async function listen(environment: Environment, endpoint: PrometheusEndpoint | undefined): Promise<string | null> {
  if (!endpoint) return null;
  const { host, port } = environment.prometheus;
  try {
    const url = await endpoint.listen(host, port);
    // Nobody can know a port that was picked just now.
    if (port === 0) process.stderr.write(`switchgear: Prometheus endpoint on ${url}\n`);
    return url;
  } catch (error) {
    diag.error((error as Error).message);
    return null;
  }
}
