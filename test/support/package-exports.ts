import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StagedPackage } from '../../scripts/stage/stage.ts';

export interface PackageExport {
  /** Such as `@switchgear/adapters/pg`. */
  readonly specifier: string;
  readonly isTyped: boolean;
}

/** All that can be imported from staged packages. */
export function exportsOf(packages: readonly StagedPackage[]): PackageExport[] {
  return packages.flatMap(({ name, folder }) => {
    const { exports = {} } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    return Object.entries<object | string>(exports).map(([path, target]) => ({
      specifier: `${name}${path.slice(1)}`,
      isTyped: typeof target === 'object' && 'types' in target,
    }));
  });
}
