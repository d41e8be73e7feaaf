import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from './folders.ts';
import { type Child, runNode } from './processes.ts';

/** What the demo writes with `--json`, as far as tests read it. */
export interface DemoReport {
  readonly urls: { readonly controlPlane: string; readonly shop: string; readonly prometheus: Record<string, string> };
  readonly pids: Readonly<Record<'demo' | 'controlPlane' | 'shop' | 'payments' | 'inventory', number>>;
  readonly tokens: { readonly operator: string; readonly agent: string };
  readonly breakers: readonly { readonly service: string; readonly breaker: string }[];
  readonly summary?: Readonly<Record<'calls' | 'trips' | 'resets' | 'diverted' | 'replayed' | 'lost', number>> & {
    readonly orders: Readonly<Record<'sent' | 'accepted' | 'charged' | 'receipts' | 'missing', number>>;
  };
  readonly reasons?: readonly string[];
}

export const DEMO_SERVICES = ['shop', 'payments', 'inventory'] as const;

/** The demo as a user starts it, on free ports. */
export class DemoRun {
  readonly child: Child;
  readonly jsonFile: string;

  /** @param env laid over the environment, such as the address of a collector */
  constructor(args: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
    this.jsonFile = join(temporaryFolder('demo-report').path, 'demo.json');
    const ports = ['--port', '0', '--metrics-ports', '0,0,0', '--json', this.jsonFile];
    this.child = runNode('src/demo/main.ts', [...ports, ...args], {
      // What the machine's own environment names is not for this run.
      env: {
        SWITCHGEAR_TOKEN: undefined,
        SWITCHGEAR_AGENT_TOKEN: undefined,
        OTEL_EXPORTER_OTLP_ENDPOINT: undefined,
        ...env,
      },
    });
  }

  report(): DemoReport {
    return JSON.parse(readFileSync(this.jsonFile, 'utf8')) as DemoReport;
  }

  /** Waits until traffic flows. */
  async started(): Promise<DemoReport> {
    return this.child.waitUntil('the report of the demo', () => this.report(), { deadlineMs: 60_000 });
  }

  async api<Body>(path: string, init: { method?: string; body?: unknown } = {}): Promise<Body> {
    const { urls, tokens } = this.report();
    const response = await fetch(`${urls.controlPlane}/api/v1/${path}`, {
      method: init.method ?? 'GET',
      headers: { authorization: `Bearer ${tokens.operator}`, 'content-type': 'application/json' },
      ...(init.body !== undefined && { body: JSON.stringify(init.body) }),
      signal: AbortSignal.timeout(5_000),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${response.status} ${text}`);
    return JSON.parse(text) as Body;
  }
}

/** Whether a process still runs; one that has ended and was not waited for does not count. */
export function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3) !== 'Z';
  } catch {
    return false;
  }
}
