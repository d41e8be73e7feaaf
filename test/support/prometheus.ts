import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type WaitOptions, waitUntil } from './deadline.ts';
import { temporaryFolder } from './folders.ts';
import { Child, freePort } from './processes.ts';
import { requireTool } from './tools.ts';

/** The part of Prometheus' configuration that the tests use; see its documentation. */
export interface PrometheusConfig {
  /** Default: scrape and evaluate every second. */
  readonly global?: Readonly<Record<string, string>>;
  readonly scrape_configs: readonly ScrapeConfig[];
  /** Absolute paths. */
  readonly rule_files?: readonly string[];
  /** `host:port` of the Alertmanagers it sends to. */
  readonly alertmanagers?: readonly string[];
}

export interface ScrapeConfig {
  readonly job_name: string;
  readonly honor_labels?: boolean;
  readonly metrics_path?: string;
  readonly static_configs: readonly { targets: readonly string[]; labels?: Readonly<Record<string, string>> }[];
}

export type Labels = Readonly<Record<string, string>>;

export interface Sample {
  readonly metric: Labels;
  readonly value: number;
}

export interface RangeRow {
  readonly metric: Labels;
  readonly values: readonly number[];
}

export interface ActiveAlert {
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly state: 'pending' | 'firing';
}

export interface Target {
  readonly scrapePool: string;
  readonly scrapeUrl: string;
  readonly health: 'up' | 'down' | 'unknown';
  readonly lastError: string;
}

const QUICK = { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' };

/** Debian's Prometheus as a plain process on a free loopback port, with a data folder of its own. */
export class Prometheus {
  readonly url: string;
  readonly child: Child;
  #removeFolder: () => void;

  private constructor(child: Child, url: string, removeFolder: () => void) {
    this.child = child;
    this.url = url;
    this.#removeFolder = removeFolder;
  }

  /**
   * Starts it and waits until it is ready.
   * @throws Error where Prometheus is missing, or refuses the configuration, with what it printed.
   */
  static async start(config: PrometheusConfig): Promise<Prometheus> {
    const program = requireTool('prometheus', 'prometheus');
    if (program === undefined) throw new Error('prometheus is not installed');
    const folder = temporaryFolder('prometheus');
    const configPath = join(folder.path, 'prometheus.yaml');
    writeFileSync(configPath, toYaml(config));
    const port = await freePort();
    const child = new Child(program, [
      `--config.file=${configPath}`,
      `--storage.tsdb.path=${join(folder.path, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      // An alert that resolves is sent again this soon after Alertmanager or a rule was late.
      '--rules.alert.resend-delay=1s',
      '--log.level=warn',
    ]);
    const prometheus = new Prometheus(child, `http://127.0.0.1:${port}`, folder.remove);
    try {
      await child.waitForHttp(`${prometheus.url}/-/ready`);
    } catch (error) {
      await prometheus.stop();
      throw error;
    }
    return prometheus;
  }

  async stop(): Promise<void> {
    await this.child.end();
    this.#removeFolder();
  }

  /** An instant query. A scalar comes back as one sample without labels. */
  async query(promql: string): Promise<Sample[]> {
    const data = await this.#get<{ resultType: string; result: unknown }>('query', { query: promql });
    if (data.resultType === 'scalar') return [{ metric: {}, value: Number((data.result as [number, string])[1]) }];
    const rows = data.result as { metric: Labels; value: [number, string] }[];
    return rows.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
  }

  /** A range query by whole steps, times in seconds: every value of every row, oldest first. */
  async queryRange(promql: string, range: { start: number; end: number; step: number }): Promise<RangeRow[]> {
    const parameters = { query: promql, start: `${range.start}`, end: `${range.end}`, step: `${range.step}` };
    const data = await this.#get<{ result: { metric: Labels; values: [number, string][] }[] }>(
      'query_range',
      parameters,
    );
    return data.result.map(({ metric, values }) => ({ metric, values: values.map(([, value]) => Number(value)) }));
  }

  /** The value of a query that has exactly one row; undefined where it has none. */
  async value(promql: string): Promise<number | undefined> {
    const rows = await this.query(promql);
    if (rows.length > 1) throw new Error(`${promql} has ${rows.length} rows, expected one`);
    return rows[0]?.value;
  }

  /** The label sets of every series that matches, `__name__` among them. */
  series(selector: string): Promise<Labels[]> {
    return this.#get('series', { 'match[]': selector });
  }

  async alerts(): Promise<ActiveAlert[]> {
    return (await this.#get<{ alerts: ActiveAlert[] }>('alerts')).alerts;
  }

  async targets(): Promise<Target[]> {
    return (await this.#get<{ activeTargets: Target[] }>('targets')).activeTargets;
  }

  /** Waits until every target has been scraped well. */
  async waitForTargets(options: WaitOptions = {}): Promise<void> {
    await this.child.waitUntil(
      'every target up',
      async () => {
        const sick = (await this.targets()).filter(({ health }) => health !== 'up');
        if (sick.length > 0)
          throw new Error(JSON.stringify(sick.map((target) => [target.scrapeUrl, target.lastError])));
        return true;
      },
      options,
    );
  }

  /** Waits until a query has rows that satisfy; resolves with them. */
  waitForQuery(
    promql: string,
    satisfies: (rows: readonly Sample[]) => boolean = (rows) => rows.length > 0,
    options: WaitOptions = {},
  ): Promise<Sample[]> {
    const look = async () => {
      const rows = await this.query(promql);
      if (satisfies(rows)) return rows;
      throw new Error(JSON.stringify(rows).slice(0, 500));
    };
    return waitUntil(promql, look, { everyMs: 250, ...options });
  }

  async #get<T>(path: string, parameters: Readonly<Record<string, string>> = {}): Promise<T> {
    const url = `${this.url}/api/v1/${path}?${new URLSearchParams(parameters)}`;
    const response = await fetch(url, { signal: AbortSignal.timeout(10_000) });
    const answer = (await response.json()) as { status: string; error?: string; data: T };
    if (answer.status !== 'success') throw new Error(`${path} ${JSON.stringify(parameters)}: ${answer.error}`);
    return answer.data;
  }
}

/** JSON is YAML. */
function toYaml({ global = {}, alertmanagers = [], ...rest }: PrometheusConfig): string {
  const alerting = { alertmanagers: [{ static_configs: [{ targets: alertmanagers }] }] };
  return JSON.stringify({ global: { ...QUICK, ...global }, ...(alertmanagers.length > 0 && { alerting }), ...rest });
}
