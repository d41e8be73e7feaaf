import { DiagLogLevel, diag, logs, metrics, trace } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import { connectControlPlane, type ServiceIdentity } from '@switchgear/breaker';
import { closeBreakers } from './close-breakers.ts';
import { type Environment, readEnvironment } from './environment.ts';
import { ServiceGuards } from './guards/service-guards.ts';
import { hookImports } from './instrumentation/import-hook.ts';
import { QuietDiagnostics } from './quiet-diagnostics.ts';
import { OwnSdk } from './sdk/own-sdk.ts';
import { serviceResource } from './sdk/service-resource.ts';
import { version } from './version.ts';

export interface StartOptions {
  /**
   * Milliseconds that `shutdown()` waits for a last export, 0 to 60,000; default 5,000, or 1,000 where no address is named and exports
   * go to where a collector might be.
   */
  readonly shutdownTimeoutMs?: number;
}

export interface Switchgear {
  /** `service.instance.id`: in the telemetry and to the control plane alike. */
  readonly serviceInstanceId: string;
  /** The address Prometheus scrapes; `null` where there is none, because it was not asked for or cannot be had. */
  readonly prometheusUrl: Promise<string | null>;
  /** Whether the control plane has answered lately; false where none is named. */
  readonly connected: boolean;
  /** Sends what has been collected so far. */
  flush(): Promise<void>;
  /**
   * Closes all breakers of the process, their buffers with `SWITCHGEAR_DRAIN_MS` to empty themselves; then says goodbye to the
   * control plane, sends what is left and ends the telemetry. It never rejects.
   */
  shutdown(): Promise<void>;
}

/** What is left for the goodbye to the control plane in any case. */
const GOODBYE_MS = 500;

let running: Switchgear | undefined;

/**
 * Starts OpenTelemetry and the link to the control plane from the environment (see `environment.ts`). A second call
 * gives the first one's handle. It never throws: what is wrong or cannot be reached is told once through OpenTelemetry's
 * `diag`, and the service goes on.
 */
export function startSwitchgear(options: StartOptions = {}): Switchgear {
  running ??= start(options.shutdownTimeoutMs);
  return running;
}

function start(givenTimeoutMs: number | undefined): Switchgear {
  const { environment, problems } = readEnvironment(process.env);
  const shutdownTimeoutMs = givenTimeoutMs ?? (environment.hasAddress ? 5_000 : 1_000);
  let sdk: OwnSdk | null = null;
  if (!environment.logLevelGiven) {
    const isHandled = (message: string) => sdk?.hearRefusal(message) ?? false;
    diag.setLogger(new QuietDiagnostics(undefined, isHandled), {
      logLevel: DiagLogLevel.WARN,
      suppressOverrideMessage: true,
    });
  }
  for (const problem of problems) diag.warn(problem);
  const { resource, identity } = serviceResource();
  // Not by way of `diag`, which tells a line once: the same mistake may be made again.
  const guards = new ServiceGuards(environment, (line) => process.stderr.write(`switchgear: ${line}\n`));
  sdk = environment.disabled ? null : startSdk(environment, resource, guards.instrumentations);
  const link = startLink(environment, identity);
  guards.start();
  hookImports([...(sdk?.modules ?? []), ...guards.modules]);
  const shutDown = async () => {
    guards.close();
    let endsAt = Number.POSITIVE_INFINITY;
    await closeBreakers(environment.drainMs, () => {
      endsAt = performance.now() + shutdownTimeoutMs;
      return withinMs(shutdownTimeoutMs, flushProviders());
    });
    // One time for both: a collector that hangs is not waited for twice.
    const leftMs = Math.max(GOODBYE_MS, Math.min(shutdownTimeoutMs, endsAt - performance.now()));
    await withinMs(leftMs, Promise.all([link?.close(), sdk?.shutdown()]));
  };
  let ended: Promise<void> | undefined;
  return {
    serviceInstanceId: identity.instanceId,
    get prometheusUrl() {
      return sdk?.prometheusUrl ?? Promise.resolve(null);
    },
    get connected() {
      return link?.connected ?? false;
    },
    flush: () => withinMs(shutdownTimeoutMs, flushProviders()),
    shutdown() {
      ended ??= shutDown();
      return ended;
    },
  };
}

function startSdk(environment: Environment, resource: Resource, instrumentations: readonly string[]): OwnSdk | null {
  try {
    const sdk = new OwnSdk({ environment, resource, instrumentations, version });
    sdk.start();
    return sdk;
  } catch (error) {
    diag.error(`OpenTelemetry did not start: ${(error as Error).message}`);
    return null;
  }
}

function startLink({ controlPlane }: Environment, service: ServiceIdentity) {
  if (controlPlane === null) return null;
  try {
    return connectControlPlane({
      url: controlPlane.url,
      ...(controlPlane.token !== undefined && { token: controlPlane.token }),
      service,
      onProblem: (message) => diag.warn(message),
    });
  } catch (error) {
    diag.error(`No link to the control plane: ${(error as Error).message}`);
    return null;
  }
}

async function flushProviders(): Promise<void> {
  await Promise.all(
    [metrics.getMeterProvider(), logs.getLoggerProvider(), trace.getTracerProvider()].map(async (registered) => {
      const provider = delegateOf(registered);
      if (hasFlush(provider)) await provider.forceFlush();
    }),
  );
}

/** The API hands out proxies, which cannot flush. */
function delegateOf(provider: object): unknown {
  return 'getDelegate' in provider && typeof provider.getDelegate === 'function' ? provider.getDelegate() : provider;
}

function hasFlush(provider: unknown): provider is { forceFlush(): Promise<void> } {
  return typeof provider === 'object' && provider !== null && 'forceFlush' in provider;
}

/** Waits for `work`, but not for ever and not for its success. */
async function withinMs(timeoutMs: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  await Promise.race([work.catch((error: unknown) => diag.warn('At shutdown:', error)), late]);
  clearTimeout(timer);
}
