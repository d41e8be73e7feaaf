import { readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';

/** What a service's own `package.json` says of it. */
export interface OwnPackage {
  readonly name: string;
  readonly version: string | undefined;
}

/** Largest `package.json` that is read, in bytes. */
const MOST_BYTES = 1_048_576;
/** Longest name and version that are taken, in characters: what the control plane takes. */
const LONGEST = 255;

/**
 * The nearest `package.json` with a name, from the entry script upwards. A script in `node_modules` is mostly a tool that runs
 * the service, such as a framework's own start command: then from the working directory upwards, and where nothing is there, it
 * is a service that was installed as a package. It never throws.
 * @param entry the path of the entry script; undefined where there is none
 */
export function ownPackage(entry: string | undefined, workingDirectory: string): OwnPackage | undefined {
  if (entry === undefined) return undefined;
  const script = realPath(entry);
  const isInstalled = script.split(sep).includes('node_modules');
  return (isInstalled ? nearestPackage(workingDirectory) : undefined) ?? nearestPackage(script);
}

function nearestPackage(from: string): OwnPackage | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const found = readPackage(join(folder, 'package.json'));
    if (found || dirname(folder) === folder) return found;
  }
}

/** Undefined for one that says no name, such as `{ "type": "module" }` of built files, and for what is no `package.json`. */
function readPackage(path: string): OwnPackage | undefined {
  try {
    if (statSync(path).size > MOST_BYTES) return undefined;
    const { name, version } = JSON.parse(readFileSync(path, 'utf8'));
    return isWord(name) ? { name, version: isWord(version) ? version : undefined } : undefined;
  } catch {
    return undefined;
  }
}

function isWord(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= LONGEST;
}

/** Behind a link, such as those of `node_modules/.bin`. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
