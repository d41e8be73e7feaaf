import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe } from 'vitest';
import { cacheFolder } from './cache-folder.ts';
import { Child, ROOT } from './processes.ts';
import { describeWithout } from './tools.ts';

/** Milliseconds that npm may take to bring one. */
const DEADLINE_MS = 100_000;

/** The package brings the program by a script, which some have turned off. */
const INSTALL = [
  ...['install', '--no-audit', '--no-fund', '--ignore-scripts=false'],
  ...['--fetch-retries=1', '--fetch-retry-mintimeout=1000', '--fetch-retry-maxtimeout=1000'],
];

/** The oldest Node.js that the packages say they run on, as `22.18.0`. */
export function oldestNodeVersion(): string {
  const { engines } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const [, major, minor, patch = '0'] = /^>=(\d+)\.(\d+)(?:\.(\d+))?$/.exec(engines.node) ?? [];
  if (minor === undefined) throw new Error(`\`engines.node\` must be >=<major>.<minor>, got "${engines.node}"`);
  return `${major}.${minor}.${patch}`;
}

/**
 * A suite that needs a Node.js other than the one it runs on. Where npm cannot bring that, the suite skips under a name that says so,
 * and with `CI=true` it fails instead. `suite` receives the program's full path.
 */
export async function describeWithNode(version: string, title: string, suite: (path: string) => void): Promise<void> {
  const found = await findNode(version).catch((error: Error) => error);
  if (found instanceof Error) describeWithout(`Node.js ${version}`, title, found);
  else describe(title, () => suite(found));
}

/**
 * The program of one version of Node.js, from the npm package `node`. It is fetched once, and kept outside the checkout.
 * @throws Error where npm does not bring it, or where it does not run on this machine
 */
async function findNode(version: string): Promise<string> {
  const folder = join(cacheFolder(), `node-${version}`);
  const program = join(folder, 'node_modules/node/bin/node');
  if (existsSync(program)) return program;
  // Two runs at once fetch apart; the rename at the end makes it complete or absent.
  const work = `${folder}-${process.pid}`;
  mkdirSync(work, { recursive: true });
  try {
    writeFileSync(join(work, 'package.json'), JSON.stringify({ private: true, allowScripts: { node: true } }));
    const npm = new Child('npm', [...INSTALL, `node@${version}`], { cwd: work });
    const late = setTimeout(() => void npm.end(), DEADLINE_MS);
    await npm.ended.finally(() => clearTimeout(late));
    const told = new Child(join(work, 'node_modules/node/bin/node'), ['--version']);
    await told.ended;
    if (told.output !== `v${version}\n`) {
      throw new Error(
        `no Node.js ${version}: "npm install node@${version}" must bring it to ${folder}\n${npm.output}${told.output}`,
      );
    }
    if (!existsSync(program)) renameSync(work, folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return program;
}
