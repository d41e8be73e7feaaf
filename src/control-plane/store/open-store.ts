import { dirname, resolve } from 'node:path';
import { SqliteStore } from './sqlite-store.ts';
import type { Store } from './store.ts';

/** Where a store lives, read from `SWITCHGEAR_STORE`. */
export interface StoreLocation {
  readonly kind: 'sqlite';
  /** An absolute path, or `:memory:`. */
  readonly file: string;
  /** The folder for what else the control plane keeps; null where nothing outlives the process. */
  readonly dataFolder: string | null;
}

/** Reads `sqlite:<path>` or `sqlite::memory:`; returns a rule, as the end of a sentence, where it is neither. */
export function parseStoreUrl(url: string): StoreLocation | { readonly rule: string } {
  if (/^postgres(ql)?:\/\//.test(url)) {
    return { rule: 'must be sqlite:<path> or sqlite::memory: (PostgreSQL is not supported yet)' };
  }
  const path = url.startsWith('sqlite:') ? url.slice('sqlite:'.length) : '';
  if (path === '' || path.includes('\0')) return { rule: 'must be sqlite:<path> or sqlite::memory:' };
  if (path === ':memory:') return { kind: 'sqlite', file: path, dataFolder: null };
  const file = resolve(path);
  return { kind: 'sqlite', file, dataFolder: dirname(file) };
}

/** @throws StoreError where the store cannot be used. */
export function openStore(location: StoreLocation, now: () => number): Store {
  return new SqliteStore({ file: location.file, now });
}
