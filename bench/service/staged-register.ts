import { rmSync } from 'node:fs';
import { mkdir, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { stage } from '../../scripts/stage/stage.ts';

const CACHE = join(import.meta.dirname, '../../.cache');

/**
 * `@switchgear/register` as users get it, as a URL for `--import`: its sources have their types stripped at each start, which
 * nobody has who installed it. It lies inside the repository, whose `node_modules` has what it depends on. This process' end deletes it.
 */
export async function stagedRegister(): Promise<string> {
  await mkdir(CACHE, { recursive: true });
  const folder = await mkdtemp(join(CACHE, 'staged-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const name = '@switchgear/register';
  const register = (await stage(join(folder, 'node_modules'))).find((staged) => staged.name === name);
  if (!register) throw new Error(`${name} is not staged`);
  return pathToFileURL(join(register.folder, 'index.js')).href;
}
