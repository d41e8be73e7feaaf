import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

export const ROOT = join(import.meta.dirname, '../..');

/** A service of docker-compose.yml, as far as the tests judge it. */
export interface ComposeService {
  readonly image?: string;
  readonly build?: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string | null>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly 'x-no-healthcheck'?: string;
}

export interface ComposeFile {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly volumes: Readonly<Record<string, null>>;
}

export function composeFile(): ComposeFile {
  return readYaml('docker-compose.yml') as ComposeFile;
}

export function readYaml(path: string): unknown {
  return parse(readText(path));
}

export function readText(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** The names that a collector configuration reads from the environment. */
export function environmentOf(path: string): readonly string[] {
  const names = [...readText(path).matchAll(/\$\{env:([A-Z0-9_]+)(?::-[^}]*)?\}/g)].map(([, name]) => name!);
  return [...new Set(names)];
}
