import { chownSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { type TemporaryFolder, temporaryFolder } from './folders.ts';
import { Child, freePort } from './processes.ts';
import { requireTool } from './tools.ts';

export const POSTGRES = { name: 'postgres', debianPackage: 'postgresql' };

const USER = 'postgres';
const PASSWORD = 'switchgear';

/**
 * Debian's PostgreSQL as a plain process on a free loopback port, with a cluster of its own in a temporary folder. Where the tests run as
 * root, it runs as the user `postgres`, which the package made: PostgreSQL refuses to be root's.
 */
export class PostgresServer {
  readonly port: number;
  readonly url: string;
  readonly #program: string;
  readonly #folder: TemporaryFolder;
  readonly #settings: Readonly<Record<string, string>>;
  #child: Child | undefined;

  private constructor(program: string, port: number, settings: Readonly<Record<string, string>>) {
    this.#program = program;
    this.port = port;
    this.url = `postgres://${USER}:${PASSWORD}@127.0.0.1:${port}/postgres`;
    this.#folder = temporaryFolder('postgres');
    this.#settings = settings;
  }

  /**
   * @param settings of `postgresql.conf`, over those for a quick server of 20 connections
   * @throws Error where PostgreSQL is missing, or does not start, with what it printed
   */
  static async start(settings: Readonly<Record<string, string>> = {}): Promise<PostgresServer> {
    const program = requireTool(POSTGRES.name, POSTGRES.debianPackage);
    const initdb = requireTool('initdb', POSTGRES.debianPackage);
    if (program === undefined || initdb === undefined) throw new Error('PostgreSQL is not installed');
    const server = new PostgresServer(program, await freePort(), settings);
    try {
      await server.#makeCluster(initdb);
      await server.restart();
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  /** Starts it on what the last one left behind. */
  async restart(): Promise<void> {
    const settings = {
      listen_addresses: '127.0.0.1',
      port: String(this.port),
      unix_socket_directories: '',
      max_connections: '20',
      superuser_reserved_connections: '0',
      shared_buffers: '16MB',
      max_wal_senders: '0',
      wal_level: 'minimal',
      fsync: 'off',
      log_destination: 'stderr',
      logging_collector: 'off',
      ...this.#settings,
    };
    const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    this.#child = this.#run(this.#program, ['-D', join(this.#folder.path, 'data'), ...args]);
    await this.#child.waitForOutput(/ready to accept connections/);
  }

  /** Ends it at once, with all its connections. */
  async down(): Promise<void> {
    this.resume();
    if (this.#child?.isRunning) process.kill(this.#child.pid, 'SIGQUIT');
    await this.#child?.ended;
  }

  /** SIGSTOP to it and to the processes of its connections: they stay and answer nothing. */
  pause(): void {
    for (const pid of this.#processes()) signal(pid, 'SIGSTOP');
  }

  resume(): void {
    for (const pid of this.#processes()) signal(pid, 'SIGCONT');
  }

  /** Runs one query on a connection of its own. */
  async ask<Row extends pg.QueryResultRow>(text: string): Promise<Row[]> {
    const client = new pg.Client({ connectionString: this.url });
    await client.connect();
    try {
      return (await client.query<Row>(text)).rows;
    } finally {
      await client.end();
    }
  }

  async stop(): Promise<void> {
    await this.down();
    this.#folder.remove();
  }

  async #makeCluster(initdb: string): Promise<void> {
    const passwordFile = join(this.#folder.path, 'password');
    writeFileSync(passwordFile, PASSWORD);
    const owner = ownerOfCluster();
    if (owner) for (const path of [this.#folder.path, passwordFile]) chownSync(path, owner.uid, owner.gid);
    const data = ['-D', join(this.#folder.path, 'data'), '-U', USER, '--encoding=UTF8', '--locale=C'];
    const access = ['--auth=scram-sha-256', `--pwfile=${passwordFile}`];
    const child = this.#run(initdb, [...data, ...access, '--no-sync', '--no-instructions']);
    if ((await child.ended) !== 0) throw new Error(`initdb failed\n${child.output}`);
  }

  #run(program: string, args: readonly string[]): Child {
    const options = { cwd: this.#folder.path, env: { LC_ALL: 'C' } };
    const owner = ownerOfCluster();
    if (!owner) return new Child(program, args, options);
    // It becomes the program, so its process is the server's.
    const asOwner = [`--reuid=${owner.uid}`, `--regid=${owner.gid}`, '--clear-groups'];
    return new Child('setpriv', [...asOwner, program, ...args], options);
  }

  #processes(): number[] {
    if (!this.#child?.isRunning) return [];
    const { pid } = this.#child;
    return [pid, ...childrenOf(pid)];
  }
}

/** Undefined where the tests run as somebody whom PostgreSQL serves. */
function ownerOfCluster(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith(`${USER}:`));
  if (line === undefined) throw new Error(`There is no user ${USER}: apt-get install ${POSTGRES.debianPackage}`);
  const [, , uid, gid] = line.split(':');
  return { uid: Number(uid), gid: Number(gid) };
}

/** A connection's process may have ended since it was found. */
function signal(pid: number, name: 'SIGSTOP' | 'SIGCONT'): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && parentOf(name) === pid)
    .map(Number);
}

function parentOf(name: string): number | undefined {
  try {
    // After the name of the program, which may have blanks, come its state and its parent.
    return Number(readFileSync(`/proc/${name}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[1]);
  } catch {
    return undefined;
  }
}
