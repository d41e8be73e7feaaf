import { join } from 'node:path';
import { waitUntil } from './deadline.ts';
import { type Child, ROOT, runNode } from './processes.ts';

/** How the callers inside the service fared so far. */
export interface Fared {
  /** Ids given out; each is one call of both breakers. */
  readonly asked: number;
  readonly answered: number;
  readonly receipts: number;
  readonly fallbacks: number;
  readonly errors: number;
  readonly payments: string;
  readonly inventory: string;
}

export interface GuardedServiceOptions {
  readonly name: string;
  readonly dependencyUrl: string;
  /** Laid over the environment: where telemetry and control go. */
  readonly env: Readonly<Record<string, string>>;
}

/** `guarded-service-main.ts` with the zero-code start of `@switchgear/register`. */
export class GuardedService {
  readonly child: Child;
  /** `host:port` of its own Prometheus endpoint. */
  readonly prometheusTarget: string;
  #url: string;

  private constructor(child: Child, prometheusTarget: string, url: string) {
    this.child = child;
    this.prometheusTarget = prometheusTarget;
    this.#url = url;
  }

  static async start({ name, dependencyUrl, env }: GuardedServiceOptions): Promise<GuardedService> {
    const child = runNode(join(ROOT, 'test/support/guarded-service-main.ts'), [], {
      env: {
        NODE_OPTIONS: `--import=${join(ROOT, 'src/register/index.ts')}`,
        DEPENDENCY_URL: dependencyUrl,
        // Its calls have breakers in the code.
        SWITCHGEAR_GUARDS: 'off',
        OTEL_SERVICE_NAME: name,
        OTEL_METRICS_EXPORTER: 'otlp,prometheus',
        OTEL_METRIC_EXPORT_INTERVAL: '500',
        OTEL_BLRP_SCHEDULE_DELAY: '200',
        OTEL_BSP_SCHEDULE_DELAY: '200',
        OTEL_EXPORTER_PROMETHEUS_HOST: '127.0.0.1',
        OTEL_EXPORTER_PROMETHEUS_PORT: '0',
        ...env,
      },
    });
    try {
      const [, target] = await child.waitForOutput(/Prometheus endpoint on http:\/\/(\S+?)\/metrics/);
      const [, url] = await child.waitForOutput(/guarded service on (\S+)/);
      return new GuardedService(child, target!, url!);
    } catch (error) {
      await child.end();
      throw error;
    }
  }

  async fared(): Promise<Fared> {
    const response = await fetch(this.#url, { signal: AbortSignal.timeout(2_000) });
    return (await response.json()) as Fared;
  }

  /** Waits until the callers have fared so; resolves with how. */
  async waitFor(what: string, holds: (fared: Fared) => boolean, deadlineMs = 20_000): Promise<Fared> {
    return waitUntil(
      what,
      async () => {
        const fared = await this.fared();
        if (holds(fared)) return fared;
        throw new Error(JSON.stringify(fared));
      },
      { deadlineMs },
    );
  }

  stop(): Promise<void> {
    return this.child.end(8_000);
  }
}
