import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TemporaryFolder, temporaryFolder } from './folders.ts';
import { Child, freePort, ROOT } from './processes.ts';

export const THIRD_PARTIES = ['http-server', 'local-web-server'] as const;
export type ThirdParty = (typeof THIRD_PARTIES)[number];

/** Services of others, from npm as they are: how each is started to serve `site` and to pass `/api/…` on to an upstream. */
const PROGRAMS: Readonly<
  Record<ThirdParty, (port: number, upstream: string) => readonly [program: string, ...args: string[]]>
> = {
  /** CommonJS. */
  'http-server': (port, upstream) => [
    'node_modules/http-server/bin/http-server',
    ...['site', '-p', String(port), '-a', '127.0.0.1'],
    ...['--proxy', upstream],
  ],
  /** ESM. */
  'local-web-server': (port, upstream) => [
    'node_modules/local-web-server/bin/cli.js',
    ...['--port', String(port), '--hostname', '127.0.0.1'],
    ...['--directory', 'site', '--rewrite', `/api/(.*) -> ${upstream}/api/$1`],
  ],
};

export interface ThirdPartyOptions {
  readonly upstreamUrl: string;
  /** Its `switchgear.yaml`. */
  readonly config: object;
  /** Laid over the environment: where telemetry and control go. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A service whose code knows nothing of Switchgear, under `node --import @switchgear/register`. */
export class ThirdPartyService {
  readonly child: Child;
  readonly url: string;
  /** `host:port` of its own Prometheus endpoint. */
  readonly prometheusTarget: string;
  readonly #folder: TemporaryFolder;

  private constructor(child: Child, url: string, prometheusTarget: string, folder: TemporaryFolder) {
    this.child = child;
    this.url = url;
    this.prometheusTarget = prometheusTarget;
    this.#folder = folder;
  }

  static async start(name: ThirdParty, { upstreamUrl, config, env }: ThirdPartyOptions): Promise<ThirdPartyService> {
    const folder = temporaryFolder(name);
    mkdirSync(join(folder.path, 'site'));
    writeFileSync(join(folder.path, 'site/index.html'), 'the site');
    // Behind a link, as in a container: a change of the file's text is no change of the folder that is watched.
    mkdirSync(join(folder.path, 'behind'));
    writeFileSync(join(folder.path, 'behind/switchgear.yaml'), JSON.stringify(config));
    symlinkSync('behind/switchgear.yaml', join(folder.path, 'switchgear.yaml'));
    const port = await freePort();
    const [program, ...args] = PROGRAMS[name](port, upstreamUrl);
    const register = join(ROOT, 'src/register/index.ts');
    const child = new Child(process.execPath, ['--import', register, join(ROOT, program), ...args], {
      cwd: folder.path,
      env: {
        SWITCHGEAR_DRAIN_MS: '500',
        OTEL_SERVICE_NAME: name,
        OTEL_METRICS_EXPORTER: 'prometheus',
        OTEL_TRACES_EXPORTER: 'none',
        OTEL_LOGS_EXPORTER: 'none',
        OTEL_EXPORTER_PROMETHEUS_HOST: '127.0.0.1',
        OTEL_EXPORTER_PROMETHEUS_PORT: '0',
        ...env,
      },
    });
    const url = `http://127.0.0.1:${port}`;
    try {
      const [, target] = await child.waitForOutput(/Prometheus endpoint on http:\/\/(\S+?)\/metrics/);
      await child.waitForHttp(`${url}/index.html`);
      return new ThirdPartyService(child, url, target!, folder);
    } catch (error) {
      await child.end();
      folder.remove();
      throw error;
    }
  }

  /** A request to it, as `status body`. */
  async ask(path: string, init: RequestInit = {}): Promise<string> {
    const response = await fetch(this.url + path, { signal: AbortSignal.timeout(10_000), ...init });
    return `${response.status} ${await response.text()}`;
  }

  /** Writes its configuration. Seen at once where the link is made anew as well, else at SIGHUP. */
  writeConfig(text: string): void {
    writeFileSync(join(this.#folder.path, 'behind/switchgear.yaml'), text);
  }

  /** A change in the folder that it watches. */
  touchFolder(): void {
    writeFileSync(join(this.#folder.path, 'another-file'), '');
  }

  async stop(): Promise<void> {
    await this.child.end();
    this.#folder.remove();
  }
}
