import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { compile } from './compile.ts';
import { type Manifest, stagedManifest } from './manifest.ts';
import { readmeOf } from './readme.ts';

const ROOT = join(import.meta.dirname, '../..');

export interface StagedPackage {
  readonly name: string;
  readonly version: string;
  /** `<out>/<name>`, such as `dist/@switchgear/breaker`. */
  readonly folder: string;
}

/**
 * Writes each workspace that is not private as it is published: JavaScript and declarations in place of TypeScript, which Node.js
 * does not run inside `node_modules`, and a manifest that leads to them. What stood in the folder of a package before is gone.
 * @param out the folder that gets `@switchgear/<workspace>`; where it is a `node_modules`, the packages can be imported from beside it
 * @throws Error where the sources do not parse
 */
export async function stage(out: string): Promise<StagedPackage[]> {
  const published = (await readWorkspaces()).filter(({ manifest }) => !manifest.private);
  const manifests = published.map(({ manifest }) => manifest);
  const compiled = await mkdtemp(join(tmpdir(), 'switchgear-stage-'));
  try {
    await compile(compiled);
    return await Promise.all(
      published.map(async ({ source, manifest }) => {
        const folder = join(out, manifest.name);
        await rm(folder, { recursive: true, force: true });
        await mkdir(folder, { recursive: true });
        await cp(join(compiled, basename(source)), folder, { recursive: true });
        await cp(source, folder, { recursive: true, filter: isReadAtRunTime });
        await cp(join(ROOT, 'LICENSE'), join(folder, 'LICENSE'));
        await writeFile(join(folder, 'package.json'), `${JSON.stringify(stagedManifest(manifest), null, 2)}\n`);
        await writeFile(join(folder, 'README.md'), readmeOf(manifest, manifests));
        return { name: manifest.name, version: manifest.version, folder };
      }),
    );
  } finally {
    await rm(compiled, { recursive: true });
  }
}

interface Workspace {
  readonly source: string;
  readonly manifest: Manifest;
}

async function readWorkspaces(): Promise<Workspace[]> {
  const { workspaces } = await readJson<{ readonly workspaces: readonly string[] }>(join(ROOT, 'package.json'));
  return Promise.all(
    workspaces.map(async (folder) => {
      const source = join(ROOT, folder);
      return { source, manifest: await readJson<Manifest>(join(source, 'package.json')) };
    }),
  );
}

/** What is no code, such as the console's pages: all but the sources and what tools read. */
function isReadAtRunTime(path: string): boolean {
  return !path.endsWith('.ts') && !['node_modules', 'tsconfig.json', 'package.json'].includes(basename(path));
}

async function readJson<Content>(path: string): Promise<Content> {
  return JSON.parse(await readFile(path, 'utf8')) as Content;
}
