import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { cacheFolder } from '../../test/support/cache-folder.ts';

const PACKAGE = '@opentelemetry/auto-instrumentations-node';
const VERSION = '0.82.0';

/**
 * The peer of the register cases, as a URL for `--import`. It brings fifty packages of another line of OpenTelemetry, so it is no
 * dependency of the repository: it is installed once into a cache folder.
 */
export async function autoInstrumentations(): Promise<string> {
  const folder = join(cacheFolder(), `auto-instrumentations-node-${VERSION}`);
  const entry = join(folder, 'node_modules', PACKAGE, 'dist/register.mjs');
  if (!existsSync(entry)) {
    process.stderr.write(`installing ${PACKAGE} ${VERSION} once, for the comparison\n`);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true }));
    const what = [`${PACKAGE}@${VERSION}`, '@opentelemetry/api@1.10.0'];
    await promisify(execFile)('npm', ['install', '--no-audit', '--no-fund', ...what], { cwd: folder });
  }
  return pathToFileURL(entry).href;
}
