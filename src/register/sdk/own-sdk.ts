import { diag, type LoggerProvider, logs, ProxyTracerProvider, type TracerProvider, trace } from '@opentelemetry/api';
import type { Instrumentation } from '@opentelemetry/instrumentation';
import type { Resource } from '@opentelemetry/resources';
import { NodeSDK } from '@opentelemetry/sdk-node';
import type { Environment } from '../environment.ts';
import { createInstrumentations, modulesOf } from '../instrumentation/instrumentations.ts';
import { makeWay } from '../instrumentation/make-way.ts';
import type { PrometheusEndpoint } from '../prometheus-endpoint.ts';
import { createPipelines, type Pipelines } from '../telemetry-pipelines.ts';
import {
  ENTRIES,
  type Entry,
  laterVersion,
  putGlobal,
  registerApart,
  registeredGlobals,
  removeGlobal,
  speakVersion,
} from './registered-globals.ts';
import { WATCHED_EXPORTER, watchServiceExporter } from './service-exporter.ts';
import { WATCHED_MODULE, watchServiceSdk } from './service-sdk.ts';
import { YieldingLoggerProvider, YieldingTracerProvider } from './yielding-providers.ts';

export interface OwnSdkOptions {
  readonly environment: Environment;
  readonly resource: Resource;
  /** Short names of OpenTelemetry's own instrumentations. */
  readonly instrumentations: readonly string[];
  readonly version: string;
}

/** What has been registered, and how it ends. */
interface Registered {
  readonly value: unknown;
  readonly end: () => Promise<void>;
}

/**
 * The SDK that register starts, for whatever of OpenTelemetry the service has not registered. Where the service registers something
 * of its own later, register's makes way for it: the service's SDK is as it would be without register, and breakers report there.
 */
export class OwnSdk {
  readonly #options: OwnSdkOptions;
  readonly #registered = new Map<Entry, Registered>();
  readonly #ending: Promise<unknown>[] = [];
  #apiVersion = '';
  #instrumentations: Instrumentation[] = [];
  #pipelines: Pipelines | undefined;
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
    this.#pipelines = pipelines;
    const made = this.#startApart({
      ...pipelines,
      ...(!isFree('trace') && { spanProcessors: [] }),
      ...(!isFree('logs') && { logRecordProcessors: [] }),
    });
    this.#apiVersion = made.version ?? '';
    speakVersion(laterVersion(registeredGlobals().version ?? this.#apiVersion, this.#apiVersion));
    for (const entry of ENTRIES) {
      if (made[entry] !== undefined && isFree(entry)) this.#register(entry, made[entry]);
    }
    this.#registered.set('diag', { value: registeredGlobals().diag, end: async () => {} });
    this.#prometheusUrl = listen(environment, pipelines.prometheus);
    watchServiceExporter(version, (port) => pipelines.prometheus?.yieldPort(port));
    watchServiceSdk(version, {
      before: (entry, apiVersion = this.#apiVersion) => this.#makeWay(entry, apiVersion),
      after: (entry, apiVersion = this.#apiVersion) => this.#settle(entry, apiVersion),
    });
  }

  async shutdown(): Promise<void> {
    await this.#prometheusUrl;
    await Promise.all([...this.#ending, ...[...this.#registered.values()].map(({ end }) => end())]);
  }

  #startApart({ metricReaders, logRecordProcessors, spanProcessors }: Pipelines) {
    return registerApart(() => {
      // The API keeps a proxy for each, which would lead what the service has registered to this one.
      for (const api of [trace, logs]) api.disable();
      new NodeSDK({
        resource: this.#options.resource,
        autoDetectResources: false,
        metricReaders,
        instrumentations: this.#instrumentations,
        ...(logRecordProcessors && { logRecordProcessors }),
        ...(spanProcessors && { spanProcessors }),
      }).start();
    });
  }

  #register(entry: Entry, made: unknown): void {
    const value = yielding(entry, made);
    putGlobal(entry, value, this.#apiVersion);
    this.#registered.set(entry, { value, end: () => endOf(entry, made) });
  }

  /** The service is about to register something of its own. */
  #makeWay(entry: Entry, apiVersion: string): void {
    const own = this.#registered.get(entry);
    if (own && registeredGlobals()[entry] === own.value) {
      removeGlobal(entry);
      if (entry === 'trace') makeWay(this.#instrumentations);
      const end = own.end();
      this.#ending.push(
        end.catch((error: Error) => diag.debug(`The end of register's own ${entry}: ${error.message}`)),
      );
    }
    speakVersion(apiVersion);
  }

  /** The service has registered it, or has not been able to. */
  #settle(entry: Entry, apiVersion: string): void {
    speakVersion(laterVersion(apiVersion, this.#apiVersion));
    const own = this.#registered.get(entry);
    const now = registeredGlobals()[entry];
    if (!own || now === undefined || now === own.value) return;
    this.#registered.delete(entry);
    if (own.value instanceof YieldingTracerProvider) own.value.setDelegate(now as TracerProvider);
    if (own.value instanceof YieldingLoggerProvider) own.value.setDelegate(now as LoggerProvider);
    if (entry === 'metrics') this.#pipelines?.release();
  }
}

function yielding(entry: Entry, made: unknown): unknown {
  if (entry === 'trace') return new YieldingTracerProvider(delegateOf(made) as TracerProvider);
  if (entry === 'logs') return new YieldingLoggerProvider(made as LoggerProvider);
  return made;
}

/** A context manager goes on without an end: exports that are under way are marked by it. */
async function endOf(entry: Entry, made: unknown): Promise<void> {
  if (entry === 'trace' || entry === 'metrics' || entry === 'logs') {
    await (delegateOf(made) as { shutdown(): Promise<void> }).shutdown();
  }
}

/** The API registers a proxy of the tracer provider. */
function delegateOf(made: unknown): unknown {
  return made instanceof ProxyTracerProvider ? made.getDelegate() : made;
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
