import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type WaitOptions, waitUntil } from './deadline.ts';

/** The root of the checkout. */
export const ROOT = join(import.meta.dirname, '../..');

export interface RunOptions {
  readonly cwd?: string;
  /** Laid over this process' environment; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** The most output kept of a child, in characters; the oldest goes first. */
const OUTPUT_LIMIT = 1_000_000;

/** How much of it an error shows. */
const TAIL = 2_000;

/** Ended by `process.on('exit')` at the latest: a test run leaves nothing behind. */
const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** A child process with its output captured. Ended by its id alone. */
export class Child {
  readonly title: string;
  readonly pid: number;
  /** Resolves once it has ended, with its exit code, or null where a signal ended it. */
  readonly ended: Promise<number | null>;
  #child: ChildProcess;
  #output = '';
  #exit: { code: number | null; signal: string | null } | undefined;

  constructor(command: string, args: readonly string[], { cwd = ROOT, env = {} }: RunOptions = {}) {
    this.title = [command.split('/').at(-1), ...args].join(' ').slice(0, 120);
    this.#child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(this.#child);
    const keep = (chunk: string) => {
      this.#output = (this.#output + chunk).slice(-OUTPUT_LIMIT);
    };
    this.#child.stdout?.setEncoding('utf8').on('data', keep);
    this.#child.stderr?.setEncoding('utf8').on('data', keep);
    this.pid = this.#child.pid ?? -1;
    this.ended = new Promise((resolve) => {
      this.#child.once('error', (error) => {
        keep(`${error.message}\n`);
        this.#exit ??= { code: null, signal: error.message };
        running.delete(this.#child);
        resolve(null);
      });
      this.#child.once('close', (code, signal) => {
        this.#exit ??= { code, signal };
        running.delete(this.#child);
        resolve(code);
      });
    });
  }

  /** Everything it has printed, both streams as they came. */
  get output(): string {
    return this.#output;
  }

  get isRunning(): boolean {
    return this.#exit === undefined;
  }

  /** Waits for output that matches; resolves with the match. Fails at once if the child ends without it. */
  waitForOutput(pattern: RegExp, options: WaitOptions = {}): Promise<RegExpExecArray> {
    return this.waitUntil(`output of ${this.title} that matches ${pattern}`, () => pattern.exec(this.#output), options);
  }

  /** Waits until GET of an address answers 200; resolves with the body. */
  waitForHttp(url: string, options: WaitOptions = {}): Promise<string> {
    const look = async () => {
      const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
      const body = await response.text();
      if (response.status !== 200) throw new Error(`${response.status} ${body.slice(0, 200)}`);
      return { body };
    };
    return this.waitUntil(`200 from ${url}`, look, options).then(({ body }) => body);
  }

  /** `waitUntil` that gives up as soon as this child has ended. */
  async waitUntil<T>(
    what: string,
    look: () => Promise<T | undefined | null | false> | T | undefined | null | false,
    options: WaitOptions = {},
  ): Promise<T> {
    try {
      return await waitUntil(what, look, { failure: () => this.#death(), ...options });
    } catch (error) {
      throw new Error(`${(error as Error).message}\n--- ${this.title} printed\n${this.#output.slice(-TAIL)}`, {
        cause: error,
      });
    }
  }

  /** Sends it a signal. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Asks it to end with SIGTERM, and makes it with SIGKILL where it has not after `graceMs`. Resolves once it is gone. */
  async end(graceMs = 5_000): Promise<void> {
    if (!this.isRunning) return;
    this.#child.kill('SIGTERM');
    const force = setTimeout(() => this.#child.kill('SIGKILL'), graceMs);
    await this.ended;
    clearTimeout(force);
  }

  /** Ends it as a crash would: SIGKILL, without a chance to tidy up. */
  async crash(): Promise<void> {
    if (!this.isRunning) return;
    this.#child.kill('SIGKILL');
    await this.ended;
  }

  #death(): Error | undefined {
    return this.#exit && new Error(`${this.title} ended with ${this.#exit.signal ?? this.#exit.code}`);
  }
}

/** A child that runs one of the repository's programs on this Node.js. */
export function runNode(script: string, args: readonly string[] = [], options: RunOptions = {}): Child {
  return new Child(process.execPath, [script, ...args], options);
}

/** Ports that were free a moment ago, all different, for programs that cannot be given port 0. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, listenAnywhere));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  return ports;
}

export async function freePort(): Promise<number> {
  return (await freePorts(1))[0]!;
}

function listenAnywhere(): Promise<ReturnType<typeof createServer>> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve(server));
  });
}
