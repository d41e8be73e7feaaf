import { context, diag, logs, metrics, propagation, trace } from '@opentelemetry/api';
import type { Instrumentation } from '@opentelemetry/instrumentation';
import type { Resource } from '@opentelemetry/resources';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { NodeSDK } from '@opentelemetry/sdk-node';
import type { Environment } from '../environment.ts';
import { createInstrumentations, modulesOf } from '../instrumentation/instrumentations.ts';
import type { PrometheusEndpoint } from '../prometheus-endpoint.ts';
import { createPipelines, type Pipelines } from '../telemetry-pipelines.ts';
import {
  forgetRegistered,
  isSdkRegistered,
  registeredGlobals,
  WATCHED_MODULE,
  watchServiceSdk,
} from './service-sdk.ts';

export interface OwnSdkOptions {
  readonly environment: Environment;
  readonly resource: Resource;
  /** Short names of OpenTelemetry's own instrumentations. */
  readonly instrumentations: readonly string[];
  readonly version: string;
  /** Sets the logger of `diag` again, which goes with all else that was registered. */
  readonly restoreDiag: () => void;
}

/**
 * The SDK that register starts. Where the service registers one of its own, before or after, this one makes way: spans and events
 * go by the service's, and metrics too as far as it has a place for them; else they go on from here, in private.
 */
export class OwnSdk {
  readonly #options: OwnSdkOptions;
  #sdk: NodeSDK | undefined;
  #instrumentations: Instrumentation[] = [];
  #pipelines: Pipelines | undefined;
  #privateMetrics: MeterProvider | undefined;
  #ending: Promise<void> = Promise.resolve();
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
    return this.#sdk ? [...modulesOf(this.#instrumentations), WATCHED_MODULE] : [];
  }

  start(): void {
    const { resource, instrumentations, environment, version } = this.#options;
    if (isSdkRegistered()) {
      this.#keepMetrics();
      return;
    }
    const { metricReaders, prometheus, logRecordProcessors, spanProcessors } = this.#createPipelines();
    this.#instrumentations = createInstrumentations(instrumentations);
    this.#sdk = new NodeSDK({
      resource,
      autoDetectResources: false,
      metricReaders,
      instrumentations: this.#instrumentations,
      ...(logRecordProcessors && { logRecordProcessors }),
      ...(spanProcessors && { spanProcessors }),
    });
    this.#sdk.start();
    this.#prometheusUrl = listen(environment, prometheus);
    watchServiceSdk(version, (apiVersion) => this.#makeWay(apiVersion));
  }

  async shutdown(): Promise<void> {
    await this.#ending;
    await this.#prometheusUrl;
    await Promise.all([this.#sdk?.shutdown(), this.#privateMetrics?.shutdown()]);
  }

  /** The metrics that nobody but this process's own readers has; a no-op where they are the registered SDK's. */
  async flush(): Promise<void> {
    await this.#privateMetrics?.forceFlush();
  }

  #createPipelines(): Pipelines {
    this.#pipelines = createPipelines(this.#options.environment);
    return this.#pipelines;
  }

  /** The service is about to register its own SDK. */
  #makeWay(apiVersion: string | undefined): void {
    const sdk = this.#sdk;
    if (!sdk) {
      // It registers one signal after the other: metrics may have a place now.
      setImmediate(() => this.#settleMetrics());
      return;
    }
    this.#sdk = undefined;
    for (const instrumentation of this.#instrumentations) instrumentation.disable();
    for (const api of [trace, metrics, logs, context, propagation]) api.disable();
    if (apiVersion !== undefined && apiVersion !== registeredGlobals().version) forgetRegistered();
    this.#ending = sdk.shutdown().catch((error: Error) => diag.warn(`At the end of register's SDK: ${error.message}`));
    this.#pipelines?.release();
    void this.#ending.then(() => this.#settleMetrics());
  }

  /** Once the service's SDK is there: metrics go by it, or by a reader that nobody else sees. */
  #settleMetrics(): void {
    if (registeredGlobals().diag === undefined) this.#options.restoreDiag();
    if (metrics.getMeterProvider() === registeredGlobals().metrics) {
      const before = this.#privateMetrics;
      this.#privateMetrics = undefined;
      this.#pipelines?.release();
      if (before) this.#ending = before.shutdown().catch(() => {});
    } else if (!this.#privateMetrics) {
      this.#keepMetrics();
    }
  }

  #keepMetrics(): void {
    const { environment, resource } = this.#options;
    if (metrics.getMeterProvider() === registeredGlobals().metrics) return;
    const { metricReaders, prometheus } = this.#createPipelines();
    this.#privateMetrics = new MeterProvider({ resource, readers: metricReaders });
    this.#prometheusUrl = listen(environment, prometheus);
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
