import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readManifest } from '../support/architecture/project.ts';
import { type LockFile, lockAddressProblems, pinProblems, setProblems } from '../support/repository/one-set.ts';

const root = join(import.meta.dirname, '../..');

describe('OpenTelemetry is one exact set', () => {
  const locked = readFileSync(join(root, 'package-lock.json'), 'utf8');

  test('the lock file holds one copy of each package, of the pinned version', () => {
    expect(Object.keys((JSON.parse(locked) as LockFile).packages)).toContain('node_modules/@opentelemetry/sdk-node');
    expect(setProblems(JSON.parse(locked) as LockFile)).toEqual([]);
  });

  test('so does what is installed, at any depth', () => {
    const manifests = globSync('**/@opentelemetry/*/package.json', { cwd: join(root, 'node_modules') });
    const packages = manifests.map((path) => [
      join('node_modules', dirname(path)),
      readManifest(join(root, 'node_modules', dirname(path))),
    ]);
    expect(packages.length).toBeGreaterThan(10);
    expect(setProblems({ packages: Object.fromEntries(packages) })).toEqual([]);
  });

  test('a second copy, a skewed version and an unknown package of another line are found', () => {
    const packages = {
      'node_modules/@opentelemetry/api': { version: '1.9.0' },
      'node_modules/@opentelemetry/core': { version: '3.1.0' },
      'node_modules/a/node_modules/@opentelemetry/core': { version: '3.1.0' },
      'node_modules/@opentelemetry/sdk-node': { version: '0.300.0' },
      'node_modules/@opentelemetry/semantic-conventions': { version: '1.45.0' },
      'node_modules/@opentelemetry/instrumentation-pg': { version: '0.99.0' },
      'node_modules/left-pad': { version: '1.0.0' },
    };
    expect(setProblems({ packages })).toEqual([
      'node_modules/@opentelemetry/api is 1.9.0, the set has 1.10.0',
      '@opentelemetry/core is there twice: node_modules/@opentelemetry/core and node_modules/a/node_modules/@opentelemetry/core',
      'node_modules/@opentelemetry/sdk-node is 0.300.0, the set has 0.301.0',
      'node_modules/@opentelemetry/instrumentation-pg is 0.99.0, the set has 0.301.0',
    ]);
  });
});

describe('whoever installs gets what was tried, from where they choose', () => {
  const folders = ['.', ...(readManifest(root).workspaces ?? [])];

  test('every manifest pins exact versions', () => {
    expect(folders.flatMap((folder) => pinProblems(folder, readManifest(join(root, folder))))).toEqual([]);
  });

  test('a range in a manifest is found, a range of a peer is not', () => {
    const manifest = {
      name: 'a',
      dependencies: { b: '^1.0.0', '@opentelemetry/core': '3.0.0' },
      devDependencies: { c: 'latest' },
      peerDependencies: { d: '>=1 <2' },
    };
    expect(pinProblems('src/a', manifest)).toEqual([
      'src/a: b is no exact version: ^1.0.0',
      'src/a: @opentelemetry/core is 3.0.0, the set has 3.1.0',
      'src/a: c is no exact version: latest',
    ]);
  });

  test('the lock file names no registry and no address', () => {
    expect(lockAddressProblems(readFileSync(join(root, 'package-lock.json'), 'utf8'))).toEqual([]);
  });

  test('a planted address is found', () => {
    const packages = {
      'node_modules/a': { resolved: 'https://registry.example.org/a.tgz' },
      'src/b': { resolved: 'src/b' },
    };
    expect(lockAddressProblems(JSON.stringify({ packages }))).toEqual([
      'node_modules/a is resolved to https://registry.example.org/a.tgz',
      'names the registry //registry.example.org',
    ]);
  });
});
