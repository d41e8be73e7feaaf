import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describeExit } from './service-process.ts';

export interface ControlPlaneStart {
  readonly port: number;
  readonly dataFolder: string;
  /** Whether the folder is of no use once the demo is gone. */
  readonly isTemporary: boolean;
  readonly operatorToken: string;
  readonly agentToken: string;
  /** It ended without having been asked to. */
  readonly onDeath: (how: string) => void;
}

const READY_WITHIN_MS = 30_000;
const STOP_WITHIN_MS = 15_000;
const KEPT_LINES = 20;

/** The control plane in a process of its own, just as `npm start` runs it. */
export class ControlPlaneProcess {
  readonly url: string;
  readonly #child: ChildProcess;
  #stopping = false;

  private constructor(url: string, child: ChildProcess, onDeath: (how: string) => void) {
    this.url = url;
    this.#child = child;
    child.once('exit', (code, signal) => {
      if (!this.#stopping) onDeath(describeExit(code, signal));
    });
  }

  /** @throws Error, in one sentence, where it does not come up */
  static async start(start: ControlPlaneStart): Promise<ControlPlaneProcess> {
    await requireFree(start.port);
    const main = fileURLToPath(new URL('../control-plane/main.ts', import.meta.url));
    const guard = new URL('./end-with-parent.ts', import.meta.url).href;
    const child = spawn(process.execPath, ['--import', guard, main], {
      env: {
        ...process.env,
        SWITCHGEAR_HOST: '127.0.0.1',
        SWITCHGEAR_PORT: String(start.port),
        SWITCHGEAR_STORE: `sqlite:${join(start.dataFolder, 'switchgear.db')}`,
        SWITCHGEAR_TOKEN: start.operatorToken,
        SWITCHGEAR_AGENT_TOKEN: start.agentToken,
        DEMO_TEMPORARY_FOLDER: start.isTemporary ? start.dataFolder : '',
        SWITCHGEAR_LOG_LEVEL: process.env.SWITCHGEAR_LOG_LEVEL ?? 'warn',
      },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      detached: true,
    });
    try {
      return new ControlPlaneProcess(await listeningUrl(child), child, start.onDeath);
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    }
  }

  get pid(): number {
    return this.#child.pid!;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()));
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_WITHIN_MS);
    await ended;
    clearTimeout(timer);
  }
}

/** Asked beforehand, so that the answer can speak of the demo's own option. */
async function requireFree(port: number): Promise<void> {
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', resolve);
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') {
      throw new Error(
        `The control plane cannot listen on port ${port}: ${(error as Error).message}; choose another with --port`,
      );
    }
    throw new Error(
      `Port ${port} is taken, perhaps by another control plane or demo: stop that one, or start this with --port 0 for a free port`,
    );
  } finally {
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }
}

function listeningUrl(child: ChildProcess): Promise<string> {
  const lines: string[] = [];
  return new Promise((resolve, reject) => {
    const fail = (why: string) => reject(new Error(['The control plane did not start:', why, ...lines].join('\n  ')));
    const timer = setTimeout(() => fail(`no word of it in ${READY_WITHIN_MS} ms`), READY_WITHIN_MS);
    const read = (line: string) => {
      const url = /listening on (http:\S+)/.exec(line)?.[1];
      if (url !== undefined) {
        clearTimeout(timer);
        resolve(url);
      }
      lines.push(line);
      if (lines.length > KEPT_LINES) lines.shift();
    };
    for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream! }).on('line', read);
    child.once('error', (error) => fail(error.message));
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      fail(describeExit(code, signal));
    });
  });
}
