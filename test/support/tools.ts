import { accessSync, constants, globSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, test } from 'vitest';

/**
 * The full path of a program on the `PATH`, or undefined where it is missing.
 * With `CI=true` a missing program is an error: a run that shall prove something must not skip it.
 */
export function requireTool(name: string, debianPackage: string): string | undefined {
  const path = findTool(name);
  if (path === undefined && process.env.CI === 'true') throw new Error(howToGet(name, debianPackage));
  return path;
}

/**
 * A suite that needs a program. Where it is missing the suite skips under a name that says how to get it, and with
 * `CI=true` it fails instead. `suite` receives the program's full path.
 */
export function describeWithTool(
  title: string,
  tool: { name: string; debianPackage: string },
  suite: (path: string) => void,
): void {
  const path = findTool(tool.name);
  if (path !== undefined) {
    describe(title, () => suite(path));
    return;
  }
  describeWithout(tool.name, title, new Error(howToGet(tool.name, tool.debianPackage)));
}

/** In the place of a suite whose need is missing: skipped under a name that says why, and failed with `CI=true`. */
export function describeWithout(need: string, title: string, why: Error): void {
  if (process.env.CI === 'true') {
    describe(title, () => {
      test(`has ${need}`, () => {
        throw why;
      });
    });
    return;
  }
  describe.skip(`${title} (skipped: ${why.message.split('\n')[0]})`, () => {
    test(`needs ${need}`, () => {});
  });
}

/** The full path of an executable file on the `PATH`, or where Debian keeps the servers of PostgreSQL, which are not on it. */
export function findTool(name: string, path: string = searchPath()): string | undefined {
  for (const folder of path.split(delimiter)) {
    if (folder === '') continue;
    const candidate = join(folder, name);
    try {
      accessSync(candidate, constants.X_OK);
      if (statSync(candidate).isFile()) return candidate;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}

function searchPath(): string {
  const newestFirst = globSync('/usr/lib/postgresql/*/bin').sort((a, b) => b.localeCompare(a, 'en', { numeric: true }));
  return [process.env.PATH ?? '', ...newestFirst].join(delimiter);
}

function howToGet(name: string, debianPackage: string): string {
  return `${name} is not installed: apt-get install ${debianPackage}`;
}
