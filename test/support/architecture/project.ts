import { globSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { type ParsedSource, parseSource, type Source } from './source.ts';

/** The fields of a package.json that the rules look at. */
export interface Manifest {
  readonly name: string;
  readonly version?: string;
  readonly license?: string;
  readonly private?: boolean;
  readonly workspaces?: readonly string[];
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** All the rules need to know: real files, or a virtual tree in a test. */
export interface Project {
  readonly root: Manifest;
  /** By folder, such as `src/breaker`. */
  readonly workspaces: ReadonlyMap<string, Manifest>;
  readonly sources: readonly ParsedSource[];
}

/** Puts a project together from its manifests and the text of its files. */
export function makeProject(root: Manifest, workspaces: Record<string, Manifest>, sources: readonly Source[]): Project {
  return { root, workspaces: new Map(Object.entries(workspaces)), sources: sources.map(parseSource) };
}

/** Reads the project in a folder: every workspace, `test/`, `bench/` and `scripts/`. */
export function readProject(folder: string): Project {
  const root = readManifest(folder);
  const workspaces = Object.fromEntries(
    (root.workspaces ?? []).map((path) => [path, readManifest(join(folder, path))]),
  );
  const paths = globSync(
    ['src/**/*.{ts,tsx,mts,js,mjs}', 'test/**/*.{ts,mts,js,mjs}', 'bench/**/*.{ts,mts,js,mjs}', 'scripts/**/*.ts'],
    {
      cwd: folder,
      exclude: (path) => path.split(sep).some((part) => part === 'node_modules' || part === 'dist'),
    },
  );
  const sources = paths.sort().map((path) => ({
    path: path.split(sep).join('/'),
    text: readFileSync(join(folder, path), 'utf8'),
  }));
  return makeProject(root, workspaces, sources);
}

/** Every package a manifest lets its files import. */
export function declaredPackages(manifest: Manifest): ReadonlySet<string> {
  return new Set(
    [manifest.dependencies, manifest.peerDependencies, manifest.optionalDependencies].flatMap((group) =>
      Object.keys(group ?? {}),
    ),
  );
}

export function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
}
