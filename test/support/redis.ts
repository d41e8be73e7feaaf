import { join } from 'node:path';
import { createClient } from 'redis';
import { type TemporaryFolder, temporaryFolder } from './folders.ts';
import { Child, freePort } from './processes.ts';
import { requireTool } from './tools.ts';

export const REDIS = { name: 'redis-server', debianPackage: 'redis-server' };

export type TestClient = Awaited<ReturnType<RedisServer['connect']>>;

/**
 * Debian's Redis as a plain process on a free loopback port, with a folder of its own. What it acknowledges is on disk, and it
 * is on the same port and the same folder again after a restart.
 */
export class RedisServer {
  readonly port: number;
  readonly url: string;
  #program: string;
  #folder: TemporaryFolder;
  #child: Child | undefined;
  #clients: { destroy(): void }[] = [];

  private constructor(program: string, port: number) {
    this.#program = program;
    this.port = port;
    this.url = `redis://127.0.0.1:${port}`;
    this.#folder = temporaryFolder('redis');
  }

  /** @throws Error where Redis is missing, or does not start, with what it printed */
  static async start(): Promise<RedisServer> {
    const program = requireTool('redis-server', 'redis-server');
    if (program === undefined) throw new Error('redis-server is not installed');
    const server = new RedisServer(program, await freePort());
    await server.restart();
    return server;
  }

  /** Starts it on what the last one left behind. */
  async restart(): Promise<void> {
    const settings = {
      bind: '127.0.0.1',
      port: String(this.port),
      dir: this.#folder.path,
      save: '',
      appendonly: 'yes',
      appendfsync: 'always',
      logfile: '',
      loglevel: 'notice',
    };
    const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
    this.#child = new Child(this.#program, args, { cwd: join(this.#folder.path) });
    try {
      await this.#child.waitForOutput(/Ready to accept connections/);
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** SIGKILL. */
  async crash(): Promise<void> {
    await this.#child?.crash();
  }

  /** SIGSTOP: it keeps its connections and answers nothing. */
  pause(): void {
    if (this.#child?.isRunning) process.kill(this.#child.pid, 'SIGSTOP');
  }

  resume(): void {
    if (this.#child?.isRunning) process.kill(this.#child.pid, 'SIGCONT');
  }

  /** A client that is connected, and ends with the server. */
  async connect() {
    const client = createClient({ url: this.url, socket: { reconnectStrategy: 50 } });
    // It tells of each attempt to connect while the server is away.
    client.on('error', () => {});
    this.#clients.push(client);
    return client.connect();
  }

  async stop(): Promise<void> {
    this.resume();
    for (const client of this.#clients) client.destroy();
    await this.#child?.end();
    this.#folder.remove();
  }
}
