import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe } from 'vitest';
import { cacheFolder } from './cache-folder.ts';
import { temporaryFolder } from './folders.ts';
import { Child, freePorts, ROOT } from './processes.ts';
import { findTool } from './tools.ts';

const MANIFEST = join(ROOT, 'test/stack/collector-builder.yaml');

/** The full path of `go`: on the `PATH`, or where its archive unpacks to. */
export function findGo(): string | undefined {
  return findTool('go') ?? findTool('go', '/usr/local/go/bin');
}

/** A suite that needs the collector. It skips by name where Go is missing; with `CI=true` it runs, and fails on that. */
export function describeWithGo(title: string, suite: () => void): void {
  if (findGo() !== undefined || process.env.CI === 'true') describe(title, suite);
  else describe.skip(`${title} (skipped: needs Go >= 1.24, see https://go.dev/dl)`, suite);
}

/**
 * Builds the collector that `collector-builder.yaml` describes, once: the program is kept outside the checkout under the
 * hash of the manifest. The first build takes minutes. Resolves with the program's path.
 * @throws Error where Go is missing or a build step fails, with what it printed.
 */
export async function buildCollector(say: (line: string) => void = console.log): Promise<string> {
  const manifest = readFileSync(MANIFEST, 'utf8');
  const version = distributionField(manifest, 'version');
  const folder = join(
    cacheFolder(),
    `otelcol-${version}-${createHash('sha256').update(manifest).digest('hex').slice(0, 12)}`,
  );
  const program = join(folder, 'otelcol');
  if (existsSync(program)) return program;

  const go = findGo();
  if (go === undefined) throw new Error('no Go: the collector is built with Go >= 1.24, see https://go.dev/dl');
  mkdirSync(folder, { recursive: true });
  // Two runs at once build apart; the rename at the end makes a program complete or absent.
  const work = join(folder, `build-${process.pid}`);
  mkdirSync(work, { recursive: true });
  try {
    const env = {
      GOBIN: join(work, 'bin'),
      GOFLAGS: '-modcacherw',
      CGO_ENABLED: '0',
      PATH: `${join(go, '..')}:${process.env.PATH}`,
    };
    say(`collector: installing its builder ${version}`);
    await finish(
      new Child(go, ['install', `go.opentelemetry.io/collector/cmd/builder@v${version}`], { cwd: work, env }),
    );
    const local = join(work, 'manifest.yaml');
    writeFileSync(local, manifest.replace(/^(\s*output_path:).*$/m, `$1 ${join(work, 'out')}`));
    say(`collector: building ${program}; the first time takes minutes`);
    const build = new Child(join(work, 'bin/builder'), [`--config=${local}`], { cwd: work, env });
    const progress = setInterval(() => say(`collector: ${lastLine(build.output)}`), 15_000);
    await finish(build).finally(() => clearInterval(progress));
    renameSync(join(work, 'out', distributionField(manifest, 'name')), program);
    say('collector: built');
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return program;
}

export interface CollectorOptions {
  /** Where the control plane is. */
  readonly controlPlaneUrl: string;
  readonly agentToken: string;
}

/** The real collector with the repository's own `otel-collector.yaml`, on free loopback ports. */
export class Collector {
  /** Base address for OTLP over HTTP. */
  readonly otlpUrl: string;
  /** `host:port` of the endpoint that Prometheus scrapes. */
  readonly prometheusTarget: string;
  readonly child: Child;
  #removeFolder: () => void;

  private constructor(child: Child, otlpUrl: string, prometheusTarget: string, removeFolder: () => void) {
    this.child = child;
    this.otlpUrl = otlpUrl;
    this.prometheusTarget = prometheusTarget;
    this.#removeFolder = removeFolder;
  }

  static async start(program: string, { controlPlaneUrl, agentToken }: CollectorOptions): Promise<Collector> {
    const [grpc, http, metrics, health, own] = await freePorts(5);
    const folder = temporaryFolder('otelcol');
    const child = new Child(program, ['--config', join(ROOT, 'otel-collector.yaml')], {
      env: {
        OTELCOL_GRPC_ENDPOINT: `127.0.0.1:${grpc}`,
        OTELCOL_HTTP_ENDPOINT: `127.0.0.1:${http}`,
        OTELCOL_PROMETHEUS_ENDPOINT: `127.0.0.1:${metrics}`,
        OTELCOL_HEALTH_ENDPOINT: `127.0.0.1:${health}`,
        OTELCOL_TELEMETRY_HOST: '127.0.0.1',
        OTELCOL_TELEMETRY_PORT: String(own),
        OTELCOL_STORAGE_DIR: join(folder.path, 'queue'),
        SWITCHGEAR_URL: controlPlaneUrl,
        SWITCHGEAR_AGENT_TOKEN: agentToken,
      },
    });
    const collector = new Collector(child, `http://127.0.0.1:${http}`, `127.0.0.1:${metrics}`, folder.remove);
    try {
      await child.waitForHttp(`http://127.0.0.1:${health}/`);
    } catch (error) {
      await collector.stop();
      throw error;
    }
    return collector;
  }

  async stop(): Promise<void> {
    await this.child.end(10_000);
    this.#removeFolder();
  }
}

/** A field of the manifest's `dist` section, which is flat. */
function distributionField(manifest: string, field: string): string {
  const found = new RegExp(`^dist:\\n(?:[ \\t]+.*\\n|#.*\\n)*?[ \\t]+${field}:[ \\t]*["']?([^\\s"'#]+)`, 'm').exec(
    manifest,
  );
  if (!found) throw new Error(`${MANIFEST} has no dist.${field}`);
  return found[1]!;
}

async function finish(child: Child): Promise<void> {
  const code = await child.ended;
  if (code !== 0) throw new Error(`${child.title} ended with ${code}\n${child.output.slice(-4_000)}`);
}

function lastLine(output: string): string {
  return output.trimEnd().split('\n').at(-1) ?? '';
}
