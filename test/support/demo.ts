import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TemporaryFolder, temporaryFolder } from './folders.ts';
import { type Child, ROOT, runNode } from './processes.ts';

export const DEMO_SERVICES = ['shop', 'payments', 'inventory'] as const;
export type DemoService = (typeof DEMO_SERVICES)[number];

/** What the demo writes with `--json`: the first part at its start, the summary at its end. */
export interface DemoReport {
  readonly urls: { readonly controlPlane: string; readonly prometheus: Readonly<Record<DemoService, string>> };
  readonly pids: Readonly<Record<DemoService | 'demo', number>> & { readonly controlPlane: number };
  readonly tokens: { readonly operator: string; readonly agent: string };
  readonly breakers: readonly { readonly service: string; readonly breaker: string }[];
  readonly summary?: {
    readonly trips: number;
    readonly resets: number;
    readonly diverted: number;
    readonly replayed: number;
    readonly lost: number;
  };
  readonly reasons?: readonly string[];
}

/** `npm run demo` on free ports, told to end by itself. */
export class Demo {
  readonly child: Child;
  #folder: TemporaryFolder;
  #file: string;

  private constructor(child: Child, folder: TemporaryFolder, file: string) {
    this.child = child;
    this.#folder = folder;
    this.#file = file;
  }

  /** @param moreFlags such as `--no-control-plane`, in place of its own one on a free port */
  static async start(
    seconds: number,
    moreFlags: readonly string[] = [],
    env: Readonly<Record<string, string>> = {},
  ): Promise<Demo> {
    const folder = temporaryFolder('demo');
    const file = join(folder.path, 'report.json');
    const flags = ['--for', String(seconds), '--port', '0', '--metrics-ports', '0,0,0', '--json', file, ...moreFlags];
    const child = runNode(join(ROOT, 'src/demo/main.ts'), flags, { env: { NO_COLOR: '1', ...env } });
    const demo = new Demo(child, folder, file);
    try {
      await child.waitUntil('the report of the demo', () => demo.report(), { deadlineMs: 60_000 });
    } catch (error) {
      await demo.stop();
      throw error;
    }
    return demo;
  }

  /** @throws Error where it has not been written yet */
  report(): DemoReport {
    return JSON.parse(readFileSync(this.#file, 'utf8')) as DemoReport;
  }

  /** GET of the control plane's API as the operator; the answer's JSON. */
  async api<Body>(path: string): Promise<Body> {
    const { urls, tokens } = this.report();
    const headers = { authorization: `Bearer ${tokens.operator}` };
    const response = await fetch(`${urls.controlPlane}/api/v1/${path}`, {
      headers,
      signal: AbortSignal.timeout(5_000),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as Body;
  }

  async stop(): Promise<void> {
    await this.child.end(20_000);
    this.#folder.remove();
  }
}
