import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './processes.ts';

/** A package as npm is asked for it, with the version that stands in the lock file: `axios@1.21.1`. */
export function withLockedVersion(name: string): string {
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'));
  const found = lock.packages[`node_modules/${name}`] ?? lock.packages[`src/adapters/node_modules/${name}`];
  return `${name}@${found.version}`;
}
