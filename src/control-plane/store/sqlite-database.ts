import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { migrate } from './sqlite-migrations.ts';
import { StoreError } from './store.ts';

/**
 * Opens a database file, or `:memory:`, and brings it to the newest version. Where they are missing, its folder is made
 * with mode 0700 and the file with mode 0600; a file that is there keeps the mode its owner gave it.
 * @throws StoreError where the file is corrupt, from a newer version, in use by another process, or not accessible.
 */
export function openDatabase(file: string): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    if (file !== ':memory:') makeFile(file);
    database = new DatabaseSync(file, { enableForeignKeyConstraints: true, timeout: 2_000 });
    // FULL syncs the log at every commit: what was acknowledged survives a power cut, not only the end of the process.
    // EXCLUSIVE keeps a second control plane off the file, whose read model and revisions would drift apart from ours.
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
    const damage = database.prepare('PRAGMA quick_check(1)').get()?.quick_check;
    if (damage !== 'ok') throw new StoreError(corrupt(file, String(damage)));
    migrate(database, file);
    return database;
  } catch (error) {
    if (database?.isOpen) database.close();
    if (error instanceof StoreError) throw error;
    throw new StoreError(explain(file, error as Error), { cause: error });
  }
}

/** SQLite gives the log beside the file the file's own mode, so that is right before a byte is written. */
function makeFile(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  closeSync(openSync(file, 'a', 0o600));
}

const SQLITE_BUSY = 5;
const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;

function explain(file: string, error: Error): string {
  const code = 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : undefined;
  if (code === SQLITE_CORRUPT || code === SQLITE_NOTADB) return corrupt(file, error.message);
  if (code === SQLITE_BUSY)
    return `${file} is in use by another process: stop that one, or name another file in SWITCHGEAR_STORE`;
  return `${file} cannot be opened (${error.message}): name a file in a folder that can be written in SWITCHGEAR_STORE`;
}

function corrupt(file: string, detail: string): string {
  return `${file} is corrupt or no SQLite database (${detail}): restore it from a backup, or move it away to start empty`;
}
