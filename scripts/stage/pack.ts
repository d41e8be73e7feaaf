import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { delimiter, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { StagedPackage } from './stage.ts';

/**
 * Packs staged packages as `npm publish` would.
 * @returns the paths of the tarballs, in the order of the packages
 */
export async function pack(packages: readonly StagedPackage[], out: string): Promise<string[]> {
  await mkdir(out, { recursive: true });
  const folders = packages.map(({ folder }) => resolve(folder));
  await promisify(execFile)('npm', ['pack', '--ignore-scripts', ...folders], {
    cwd: out,
    env: { ...process.env, PATH: [dirname(process.execPath), process.env.PATH].join(delimiter) },
  });
  return packages.map(({ name, version }) => join(out, `${name.slice(1).replace('/', '-')}-${version}.tgz`));
}
