import { existsSync, type FSWatcher, readFileSync, watch } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { readConfig, type ServiceConfig } from '@switchgear/service-config';

/** Looked for in the working directory where `SWITCHGEAR_CONFIG` names none. */
const USUAL_NAMES = ['switchgear.yaml', 'switchgear.yml'];
/** Editors write a file in several steps; changes within this many ms are one. */
const SETTLE_MS = 100;

/** Where the configuration is: the file that was named, or the usual one; null where there is none. */
export function findConfigFile(named: string | undefined, folder = process.cwd()): string | null {
  if (named !== undefined) return resolve(folder, named);
  const usual = USUAL_NAMES.map((name) => resolve(folder, name)).find((path) => existsSync(path));
  return usual ?? null;
}

/**
 * A configuration file that is read again at each change and at SIGHUP. A bad one is told, with line and column, and the last
 * good one stays in force.
 */
export class ConfigSource {
  readonly #path: string;
  readonly #tell: (line: string) => void;
  #text: string | undefined;
  /** The last reading was bad, which was told. */
  #isBad = false;
  #wasGood = false;
  #watcher: FSWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(path: string, tell: (line: string) => void) {
    this.#path = path;
    this.#tell = tell;
  }

  /** The configuration now; undefined where it cannot be read, or is bad, or is the same as before. */
  read(): ServiceConfig | undefined {
    const name = basename(this.#path);
    let text: string;
    try {
      text = readFileSync(this.#path, 'utf8');
    } catch (error) {
      this.#tell(`${name} cannot be read (${(error as NodeJS.ErrnoException).code}); ${this.#whatStays()}`);
      return undefined;
    }
    if (text === this.#text) return undefined;
    this.#text = text;
    const { config, problems } = readConfig(text);
    for (const { line, column, message } of problems) this.#tell(`${name}:${line}:${column} ${message}`);
    if (problems.length > 0) this.#tell(`${name} is not in force; ${this.#whatStays()}`);
    else if (this.#isBad) this.#tell(`${name} is in order and in force again`);
    this.#isBad = problems.length > 0;
    this.#wasGood ||= config !== undefined;
    return config;
  }

  #whatStays(): string {
    return this.#wasGood ? 'what was in force stays' : 'until it is, breakers only look on';
  }

  /** Calls `listener` with each good configuration from now on. Keeps no process alive. */
  follow(listener: (config: ServiceConfig) => void): void {
    const look = () => {
      const config = this.read();
      if (config) listener(config);
    };
    process.on('SIGHUP', look);
    const soon = () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(look, SETTLE_MS).unref();
    };
    try {
      // The folder, and any name in it: editors replace the file, and Kubernetes a link that the file is behind.
      this.#watcher = watch(dirname(this.#path), { persistent: false }, soon);
      this.#watcher.on('error', (error) => this.#tell(`Changes of ${this.#path} are not seen: ${error.message}`));
    } catch (error) {
      this.#tell(`Changes of ${this.#path} are not seen, SIGHUP reads it: ${(error as Error).message}`);
    }
    this.close = () => {
      process.off('SIGHUP', look);
      clearTimeout(this.#timer);
      this.#watcher?.close();
    };
  }

  /** Follows no more changes. */
  close: () => void = () => {};
}
