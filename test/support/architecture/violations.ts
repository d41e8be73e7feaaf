import { posix } from 'node:path';
import { findCycles } from './cycles.ts';
import { declaredPackages, type Project } from './project.ts';
import { ARROWS, CLOCK_FILE, CLOSED_ROOMS, NODE_MODULES, WALLS } from './rooms.ts';
import type { Finding, ParsedSource } from './source.ts';

/** Every breach of the rooms' rules, as `file:line what is wrong`. */
export function findViolations(project: Project): string[] {
  return [
    ...project.sources.flatMap((source) => [
      ...source.imports.flatMap((imported) =>
        report(source, imported, importProblems(project, source.path, imported.name)),
      ),
      ...clockProblems(source),
      ...source.banned.flatMap((found) => report(source, found, bannedProblems(source.path, found.name))),
    ]),
    ...cycleProblems(project),
  ];
}

function report(source: ParsedSource, { line }: Finding, problems: readonly string[]): string[] {
  return problems.map((problem) => `${source.path}:${line} ${problem}`);
}

function importProblems(project: Project, path: string, name: string): string[] {
  if (name.startsWith('/') || name.startsWith('data:') || name.startsWith('virtual:')) return [];
  const target = name.startsWith('.') ? posix.join(posix.dirname(path), name) : name;
  return [
    ...(name.startsWith('.') ? relativeProblems(path, target) : packageProblems(project, path, name)),
    ...CLOSED_ROOMS.flatMap(({ folder, mayImport }) =>
      within(path, folder) && ![folder, ...mayImport].some((room) => within(target, room))
        ? [`${folder} must not import ${target}; it may know: ${mayImport.join(', ')}`]
        : [],
    ),
    ...WALLS.flatMap(({ folder, mustNotImport }) =>
      within(path, folder) && mustNotImport.some((room) => within(target, room))
        ? [`${folder} must not import ${target}`]
        : [],
    ),
  ];
}

/** A relative import stays within its workspace: another one is reached by its package name, through its ledger. */
function relativeProblems(path: string, target: string): string[] {
  const from = workspaceOf(path);
  if (from === undefined || within(target, `src/${from}`)) return [];
  return [`reaches out of its workspace to ${target}; other workspaces are imported by package name`];
}

function packageProblems(project: Project, path: string, name: string): string[] {
  const workspace = workspaceOf(path);
  if (name.startsWith('node:')) return workspace === undefined ? [] : nodeProblems(workspace, path, name);
  const imported = packageOf(name);
  const own = workspace === undefined ? undefined : project.workspaces.get(`src/${workspace}`);
  if (workspace === undefined) return declaredAnywhere(project, imported);
  if (own === undefined) return [`src/${workspace} is not a workspace of the root package.json`];
  const problems: string[] = [];
  if (imported !== own.name && !declaredPackages(own).has(imported)) {
    problems.push(`imports ${imported}, which src/${workspace}/package.json does not declare`);
  }
  const room = imported.startsWith('@switchgear/') ? imported.slice('@switchgear/'.length) : undefined;
  if (room !== undefined && room !== workspace && !(ARROWS[workspace] ?? []).includes(room)) {
    problems.push(`${workspace} must not know ${room}`);
  }
  return [...problems, ...ledgerProblems(project, name, imported)];
}

/** Tests see the whole repository, so whatever one of its manifests declares is there; what none declares is luck. */
function declaredAnywhere({ root, workspaces }: Project, imported: string): string[] {
  const declared =
    imported.startsWith('@switchgear/') ||
    Object.hasOwn(root.devDependencies ?? {}, imported) ||
    [...workspaces.values()].some(
      (manifest) => declaredPackages(manifest).has(imported) || Object.hasOwn(manifest.devDependencies ?? {}, imported),
    );
  return declared ? [] : [`imports ${imported}, which no package.json of the repository declares`];
}

function nodeProblems(workspace: string, path: string, name: string): string[] {
  const allowed = NODE_MODULES[workspace];
  if (allowed === undefined || allowed.some(({ module, files }) => module === name && files.test(path))) return [];
  return [`${workspace} must not import ${name} here`];
}

/** A workspace is entered through its `exports`. */
function ledgerProblems({ workspaces }: Project, name: string, imported: string): string[] {
  const manifest = [...workspaces.values()].find((candidate) => candidate.name === imported);
  if (manifest === undefined) return [];
  const entry = name === imported ? '.' : `.${name.slice(imported.length)}`;
  return Object.hasOwn(manifest.exports ?? {}, entry) ? [] : [`imports ${name}, which ${imported} does not export`];
}

function clockProblems(source: ParsedSource): string[] {
  const pure = CLOSED_ROOMS.some(({ folder }) => within(source.path, folder));
  const clocks = within(source.path, 'src/breaker') && source.path !== CLOCK_FILE ? source.clocks : [];
  return [
    ...clocks.flatMap((found) => report(source, found, [`reads ${found.name}; only ${CLOCK_FILE} may`])),
    ...(pure ? source.timers : []).flatMap((found) => report(source, found, [`uses ${found.name} in a pure room`])),
  ];
}

function bannedProblems(path: string, name: string): string[] {
  if (name === 'default export' && (!path.startsWith('src/') || path.endsWith('.config.ts'))) return [];
  return [`has ${/^[aeiou]/.test(name) ? 'an' : 'a'} ${name}`];
}

function cycleProblems({ sources }: Project): string[] {
  const paths = new Set(sources.map(({ path }) => path));
  const graph = new Map(
    sources
      .filter(({ path }) => path.startsWith('src/'))
      .map(({ path, imports }) => [
        path,
        imports
          .filter(({ name }) => name.startsWith('.'))
          .map(({ name }) => posix.join(posix.dirname(path), name))
          .filter((target) => paths.has(target)),
      ]),
  );
  return findCycles(graph).map((cycle) => `import cycle: ${cycle.join(' -> ')}`);
}

function workspaceOf(path: string): string | undefined {
  return /^src\/([^/]+)\//.exec(path)?.[1];
}

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

function within(target: string, room: string): boolean {
  return target === room || target.startsWith(`${room}/`);
}
