import type { Manifest } from '../architecture/project.ts';

/** The one set of OpenTelemetry that is tried together: each package has the version of its line. */
export const OPENTELEMETRY_SET = { api: '1.10.0', stable: '3.1.0', experimental: '0.301.0' } as const;

/** Released on their own rhythm: constants without a peer, and an instrumentation of the contrib line. */
const OWN_RHYTHM = new Set(['@opentelemetry/semantic-conventions', '@opentelemetry/instrumentation-undici']);

const STABLE = new Set(
  [
    'context-async-hooks',
    'core',
    'exporter-zipkin',
    'propagator-b3',
    'resources',
    'sdk-logs',
    'sdk-metrics',
    'sdk-trace',
  ].map((name) => `@opentelemetry/${name}`),
);

/** A package of an npm lock file, by its path such as `node_modules/a/node_modules/b`. */
export interface LockedPackage {
  readonly version?: string;
  readonly resolved?: string;
  readonly link?: boolean;
  readonly license?: string;
}

export interface LockFile {
  readonly packages: Readonly<Record<string, LockedPackage>>;
}

/** Copies beyond the first and versions outside the set, in a lock file or in what is installed. */
export function setProblems({ packages }: LockFile): string[] {
  const problems: string[] = [];
  const seen = new Map<string, string>();
  for (const [path, { version }] of Object.entries(packages)) {
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
    if (!path.includes('node_modules/') || !name.startsWith('@opentelemetry/')) continue;
    const first = seen.get(name);
    if (first !== undefined) problems.push(`${name} is there twice: ${first} and ${path}`);
    seen.set(name, path);
    const pinned = pinnedVersion(name);
    if (pinned !== undefined && version !== pinned) problems.push(`${path} is ${version}, the set has ${pinned}`);
  }
  return problems;
}

/** Dependencies that are no exact version, and OpenTelemetry's that are not the set's. Peers may be ranges. */
export function pinProblems(folder: string, manifest: Manifest): string[] {
  const groups = [manifest.dependencies, manifest.devDependencies, manifest.optionalDependencies];
  return groups.flatMap((group) =>
    Object.entries(group ?? {}).flatMap(([name, version]) => {
      if (!/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/.test(version))
        return [`${folder}: ${name} is no exact version: ${version}`];
      const pinned = name.startsWith('@opentelemetry/') ? pinnedVersion(name) : undefined;
      return pinned === undefined || version === pinned
        ? []
        : [`${folder}: ${name} is ${version}, the set has ${pinned}`];
    }),
  );
}

/** Addresses that a lock file must not hold: whoever installs chooses the registry. */
export function lockAddressProblems(text: string): string[] {
  const { packages } = JSON.parse(text) as LockFile;
  const resolved = Object.entries(packages)
    .filter(([, entry]) => /^(git\+)?(https?|ssh|git):/.test(entry.resolved ?? ''))
    .map(([path, entry]) => `${path} is resolved to ${entry.resolved}`);
  const hosts = text.match(/\/\/[^"/\s]*(registry|npmjs|yarnpkg)[^"/\s]*/gi) ?? [];
  return [...resolved, ...hosts.map((host) => `names the registry ${host}`)];
}

function pinnedVersion(name: string): string | undefined {
  if (OWN_RHYTHM.has(name)) return undefined;
  if (name === '@opentelemetry/api') return OPENTELEMETRY_SET.api;
  return STABLE.has(name) ? OPENTELEMETRY_SET.stable : OPENTELEMETRY_SET.experimental;
}
