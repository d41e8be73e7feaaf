import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ControlPlaneProcess } from './control-plane-process.ts';
import type { Tone } from './narrator.ts';

/** The control plane that the demo talks to. */
export interface ControlPlaneHandle {
  readonly url: string;
  /** May read; what the console is opened with. */
  readonly operatorToken: string;
  readonly agentToken: string;
  /** `null` where it is not the demo's own. */
  readonly pid: number | null;
  stop(): Promise<void>;
}

export interface KeeperOptions {
  readonly port: number;
  /** `null` takes a new folder that is removed at the end. */
  readonly dataFolder: string | null;
  readonly tell: (text: string, tone: Tone) => void;
  /** It runs again, as another process. */
  readonly onRestart: () => void;
}

const RESTART_AFTER_MS = 2_000;
/** A control plane that dies this often in one run is broken, and the demo goes on without it. */
const MAX_RESTARTS = 10;

/** Runs the control plane, and starts it anew on the same port and data where it dies. */
export class ControlPlaneKeeper implements ControlPlaneHandle {
  readonly operatorToken = process.env.SWITCHGEAR_TOKEN || randomBytes(24).toString('base64url');
  readonly agentToken = process.env.SWITCHGEAR_AGENT_TOKEN || randomBytes(24).toString('base64url');
  readonly #options: KeeperOptions;
  readonly #dataFolder: string;
  #process: ControlPlaneProcess | undefined;
  #url = '';
  #restarts = 0;
  #restart: Promise<void> | undefined;
  #stopping = false;

  private constructor(options: KeeperOptions) {
    this.#options = options;
    // npm runs scripts in the root of the repository, wherever the user stands.
    this.#dataFolder =
      options.dataFolder === null
        ? mkdtempSync(join(tmpdir(), 'switchgear-demo-'))
        : resolve(process.env.INIT_CWD ?? '.', options.dataFolder);
    mkdirSync(this.#dataFolder, { recursive: true, mode: 0o700 });
  }

  /** @throws Error, in one sentence, where it does not come up */
  static async start(options: KeeperOptions): Promise<ControlPlaneKeeper> {
    const keeper = new ControlPlaneKeeper(options);
    try {
      await keeper.#start(options.port);
    } catch (error) {
      await keeper.stop();
      throw error;
    }
    return keeper;
  }

  get url(): string {
    return this.#url;
  }

  get pid(): number | null {
    return this.#process?.pid ?? null;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#restart;
    await this.#process?.stop();
    if (this.#options.dataFolder === null) rmSync(this.#dataFolder, { recursive: true, force: true });
  }

  async #start(port: number): Promise<void> {
    this.#process = await ControlPlaneProcess.start({
      port,
      dataFolder: this.#dataFolder,
      isTemporary: this.#options.dataFolder === null,
      operatorToken: this.operatorToken,
      agentToken: this.agentToken,
      onDeath: (how) => {
        this.#process = undefined;
        this.#restart = this.#startAgain(how);
      },
    });
    this.#url = this.#process.url;
  }

  async #startAgain(how: string): Promise<void> {
    const { tell, onRestart } = this.#options;
    if (this.#restarts++ >= MAX_RESTARTS) return tell(`CONTROL PLANE ${how} once too often; the services go on`, 'bad');
    tell(`CONTROL PLANE ${how}; the services go on without it, it comes back in ${RESTART_AFTER_MS / 1_000} s`, 'bad');
    await new Promise((done) => setTimeout(done, RESTART_AFTER_MS));
    if (this.#stopping) return;
    try {
      await this.#start(Number(new URL(this.#url).port));
    } catch (error) {
      return tell(`CONTROL PLANE did not come back: ${(error as Error).message}`, 'bad');
    }
    tell(`CONTROL PLANE is back on the same data, process ${this.pid}`, 'good');
    onRestart();
  }
}
