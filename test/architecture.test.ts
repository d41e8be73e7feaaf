import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findCycles } from './support/architecture/cycles.ts';
import { makeProject, readProject } from './support/architecture/project.ts';
import { ARROWS } from './support/architecture/rooms.ts';
import { findViolations } from './support/architecture/violations.ts';

const root = join(import.meta.dirname, '..');

describe('the rooms of the repository', () => {
  const project = readProject(root);

  test('each room imports only what it declares and may know', () => {
    expect(project.sources.length).toBeGreaterThan(20);
    expect(findViolations(project)).toEqual([]);
  });

  test('each workspace has its arrows', () => {
    for (const folder of project.workspaces.keys()) expect(Object.keys(ARROWS)).toContain(folder.replace('src/', ''));
  });
});

describe('the checker', () => {
  test('a clean tree has no violation', () => {
    expect(
      check({
        'src/conventions/index.ts': "export const WORD = 'any enum Date.now()'; // import 'express'",
        'src/breaker/index.ts':
          "export { step } from './machine/step.ts'; import type { A } from '@opentelemetry/api';",
        'src/breaker/machine/step.ts': "import { WORD } from '@switchgear/conventions';\nimport '../window/window.ts';",
        'src/breaker/window/window.ts': 'export const at = (nowMs: number): Date => new Date(nowMs);',
        'src/breaker/clock.ts': 'export const clock = () => performance.now() + Date.now();',
        'src/breaker/neutral/sqlite-spool.ts': "import { DatabaseSync } from 'node:sqlite';",
        'test/breaker/step.test.ts':
          "import { test } from 'vitest'; import 'express'; import '../../src/breaker/index.ts';",
      }),
    ).toEqual([]);
  });

  test.each([
    ['a package that its manifest does not declare', 'src/conventions/a.ts', "import x from 'left-pad';", 'left-pad'],
    ['a subpath of such a package', 'src/breaker/a.ts', "export * from '@scope/thing/deep';", 'imports @scope/thing,'],
    ['a dynamic import of it', 'src/breaker/a.ts', "const a = await import('left-pad');", 'left-pad'],
    ['an import type of it', 'src/breaker/a.ts', "let a: import('left-pad').A;", 'left-pad'],
    ['a require of it', 'src/breaker/a.ts', "const a = require('left-pad');", 'left-pad'],
    ['a package that no manifest declares, in a test', 'test/a.test.ts', "import 'left-pad';", 'left-pad'],
    [
      'a workspace it must not know',
      'src/control-plane/a.ts',
      "import '@switchgear/breaker';",
      'must not know breaker',
    ],
    ['a way around the package name', 'src/breaker/a.ts', "import '../control-plane/a.ts';", 'reaches out'],
    ['a file past the ledger', 'src/breaker/a.ts', "import '@switchgear/conventions/words.ts';", 'does not export'],
    ['a module of Node in the conventions', 'src/conventions/a.ts', "import 'node:fs';", 'must not import node:fs'],
    ['a module of Node that is not listed', 'src/breaker/a.ts', "import 'node:fs';", 'must not import node:fs'],
    ['SQLite outside a spool', 'src/breaker/a.ts', "import 'node:sqlite';", 'must not import node:sqlite'],
    [
      'telemetry in the machine',
      'src/breaker/machine/a.ts',
      "import '../telemetry/b.ts';",
      'src/breaker/machine must not',
    ],
    ['the machine in a window', 'src/breaker/window/a.ts', "import '../machine/b.ts';", 'src/breaker/window must not'],
    [
      'a package in the machine',
      'src/breaker/machine/a.ts',
      "import '@opentelemetry/api';",
      'src/breaker/machine must not',
    ],
    ['a timer in the machine', 'src/breaker/machine/a.ts', 'setTimeout(() => {}, 5);', 'uses setTimeout'],
    [
      'a timer handed on in a window',
      'src/breaker/window/a.ts',
      'const later = globalThis.setTimeout;',
      'uses setTimeout',
    ],
    [
      'a raw clock in the machine',
      'src/breaker/machine/a.ts',
      'export const a = performance.now();',
      'reads performance.now',
    ],
    ['a raw clock handed on', 'src/breaker/breaker.ts', 'const now = Date.now;', 'reads Date.now'],
    ['a date of now', 'src/breaker/breaker.ts', '\n\nconst now = new Date();', 'breaker.ts:3 reads new Date()'],
    ['express in the fleet', 'src/control-plane/fleet/a.ts', "import 'express';", 'fleet must not import express'],
    ['the store in the fleet', 'src/control-plane/fleet/a.ts', "import '../store/b.ts';", 'fleet must not'],
    ['the store in ingest', 'src/control-plane/ingest/a.ts', "import '../store/b.ts';", 'ingest must not'],
    ['the fleet in the store', 'src/control-plane/store/a.ts', "import '../fleet/b.ts';", 'store must not'],
    ['an enum', 'src/breaker/a.ts', 'enum A { B }', 'has an enum'],
    ['a namespace', 'src/breaker/a.ts', 'namespace A { export const b = 1; }', 'has a namespace'],
    ['a default export', 'src/breaker/a.ts', 'export default 1;', 'has a default export'],
  ])('finds %s', (_, path, text, problem) => {
    const found = check({ [path]: text });
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(`${path}:`);
    expect(found[0]).toContain(problem);
  });

  test('finds a cycle, through types too, and names its files', () => {
    expect(
      check({
        'src/breaker/a.ts': "import './b.ts';",
        'src/breaker/b.ts': "import type { C } from './deep/c.ts';",
        'src/breaker/deep/c.ts': "import '../a.ts';",
        'src/breaker/d.ts': "import './a.ts';",
      }),
    ).toEqual(['import cycle: src/breaker/a.ts -> src/breaker/b.ts -> src/breaker/deep/c.ts']);
  });

  test('tells two cycles apart and leaves a diamond alone', () => {
    const graph = { a: ['b', 'c'], b: ['d'], c: ['d'], d: [], e: ['f'], f: ['e'], g: ['g', 'e'] };
    expect(findCycles(new Map(Object.entries(graph)))).toEqual([['e', 'f'], ['g']]);
  });
});

function check(files: Record<string, string>): string[] {
  const manifest = (name: string, dependencies: string[], peers: string[] = []) => ({
    name: `@switchgear/${name}`,
    exports: { '.': './index.ts' },
    dependencies: Object.fromEntries(dependencies.map((dependency) => [dependency, '1.0.0'])),
    peerDependencies: Object.fromEntries(peers.map((peer) => [peer, '1.0.0'])),
  });
  const project = makeProject(
    { name: 'switchgear', devDependencies: { vitest: '5.1.1' } },
    {
      'src/conventions': manifest('conventions', []),
      'src/breaker': manifest('breaker', ['@switchgear/conventions'], ['@opentelemetry/api']),
      'src/control-plane': manifest('control-plane', ['@switchgear/conventions', '@switchgear/breaker', 'express']),
    },
    Object.entries(files).map(([path, text]) => ({ path, text })),
  );
  return findViolations(project);
}
