import {
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
} from 'node:fs';
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { depthOf, EMPTY_LEDGER, endedOf, ledgerEntries, ledgerFrom } from './ledger.ts';
import { migrate, type Sqlite } from './sqlite-schema.ts';
import { SqliteTables } from './sqlite-tables.ts';
import { restoreInput, type StoredInput } from './stored-input.ts';

/**
 * Puts what can be read of a damaged file into a new one, and the damaged one aside. A crash in between leaves the one
 * or the other in its place, never neither. A million calls take some ten seconds and 100 MB of memory.
 */
export function salvage(sqlite: Sqlite, file: string, reason: string): void {
  const copy = `${file}.damaged-copy`;
  const rebuilt = `${file}.rebuilding`;
  for (const path of [copy, rebuilt]) remove(path);
  copyFileSync(file, copy, constants.COPYFILE_FICLONE);
  if (existsSync(`${file}-wal`)) copyFileSync(`${file}-wal`, `${copy}-wal`);
  const target = new sqlite.DatabaseSync(rebuilt);
  migrate(target, rebuilt);
  const source = openDamaged(sqlite, copy);
  try {
    bringOver(source, target, `${file} was damaged (${reason}); it is kept in ${asideName(file)}`);
  } finally {
    target.close();
    source?.close();
    remove(copy);
  }
  renameSync(rebuilt, swapName(file));
  finishSwap(file);
}

/** Ends a swap that a crash may have cut short: where the new file is whole, it takes the place of the damaged one. */
export function finishSwap(file: string): void {
  if (!existsSync(swapName(file))) return;
  const aside = asideName(file);
  if (existsSync(`${file}-wal`)) renameSync(`${file}-wal`, `${aside}-wal`);
  if (existsSync(file)) renameSync(file, aside);
  renameSync(swapName(file), file);
}

/** Keeps the log as it is, before SQLite writes over the part it does not read. Returns the name of the copy. */
export function copyLogAside(file: string): string {
  const aside = `${asideName(file)}-wal`;
  copyFileSync(`${file}-wal`, aside, constants.COPYFILE_EXCL);
  return aside;
}

function swapName(file: string): string {
  return `${file}.rebuilt`;
}

function asideName(file: string): string {
  for (let number = 1; ; number++) {
    const name = `${file}.damaged-${number}`;
    if (!existsSync(name) && !existsSync(`${name}-wal`)) return name;
  }
}

function remove(path: string): void {
  for (const part of [path, `${path}-wal`, `${path}-shm`, `${path}-journal`]) rmSync(part, { force: true });
}

function openDamaged({ DatabaseSync }: Sqlite, copy: string): DatabaseSync | undefined {
  let database: DatabaseSync | undefined;
  try {
    lengthen(copy);
    database = new DatabaseSync(copy);
    database.exec('PRAGMA locking_mode = EXCLUSIVE');
    database.prepare('SELECT count(*) FROM sqlite_schema').get();
    return database;
  } catch {
    if (database?.isOpen) database.close();
    return undefined;
  }
}

/** SQLite opens no file that is shorter than its header says. The pages that are missing are then empty ones. */
function lengthen(copy: string): void {
  const header = Buffer.alloc(32);
  const descriptor = openSync(copy, 'r');
  try {
    readSync(descriptor, header, 0, 32, 0);
  } finally {
    closeSync(descriptor);
  }
  const pageBytes = header.readUInt16BE(16) === 1 ? 65_536 : header.readUInt16BE(16);
  const { size } = statSync(copy);
  // A header that is damaged too may ask for any length.
  const length = Math.min(header.readUInt32BE(28) * pageBytes, 2 * size + 64 * 1024 * 1024);
  if (length > size) truncateSync(copy, length);
}

const CALL_COLUMNS = [
  'place',
  'id',
  'input',
  'key',
  'size_bytes',
  'attempts',
  'not_before',
  'expires_at',
  'diverted_at',
  'operation',
  'idempotency_key',
];
const DEAD_COLUMNS = [...CALL_COLUMNS.filter((column) => column !== 'not_before'), 'died_at', 'error'];

/** Fills the new file. Its counters hold for what it has: the calls that were lost are taken off those received. */
function bringOver(source: DatabaseSync | undefined, target: DatabaseSync, damage: string): void {
  const entries = (source && tryTo(() => new SqliteTables(source).entries())) ?? new Map<string, SQLInputValue>();
  const before = ledgerFrom(entries);
  const tables = new SqliteTables(target);
  tables.transaction(true, () => {
    if (source) {
      copyRows(source, target, { table: 'call', columns: CALL_COLUMNS, ways: CALL_WAYS });
      copyRows(source, target, { table: 'dead_letter', columns: DEAD_COLUMNS, ways: TABLE_WAYS });
    }
    const [held, heldBytes] = Object.values(
      target.prepare('SELECT count(*), coalesce(sum(size_bytes), 0) FROM call').get()!,
    ).map(Number) as [number, number];
    const ended = before ?? EMPTY_LEDGER;
    const ledger = { ...ended, received: endedOf(ended) + held, heldBytes };
    for (const [name, value] of ledgerEntries(ledger)) tables.saveEntry(name, value);
    // Whose it is; undefined where that is lost.
    for (const name of ['breaker', 'wire']) tables.saveEntry(name, (entries.get(name) as string | undefined) ?? null);
    // Its counters are damaged where they say less than there is.
    const lost = before && hasEntries(entries) ? depthOf(before) - held : -1;
    const count = lost >= 0 ? `${lost} of ${lost + held} calls are lost` : 'how many calls are lost is not known';
    tables.saveEntry('damage', `${damage}: ${count}, ${held} are held`);
    tables.saveEntry('lostCalls', lost >= 0 ? lost : null);
  });
}

function hasEntries(entries: ReadonlyMap<string, unknown>): boolean {
  return entries.has('received');
}

interface Copied {
  readonly table: string;
  readonly columns: readonly string[];
  readonly ways: readonly string[];
}

const TABLE_WAYS = ['NOT INDEXED ORDER BY place', 'NOT INDEXED ORDER BY place DESC'];
const CALL_WAYS = [
  ...TABLE_WAYS,
  'INDEXED BY call_by_id ORDER BY id',
  'INDEXED BY call_by_id ORDER BY id DESC',
  'INDEXED BY call_by_expiry ORDER BY expires_at',
  'INDEXED BY call_by_expiry ORDER BY expires_at DESC',
];

/**
 * Copies each row that can be read. Where the way through the table breaks off, the rows behind the break are found
 * from its other end and through its indexes.
 */
function copyRows(source: DatabaseSync, target: DatabaseSync, { table, columns, ways }: Copied): void {
  const places = new Set<number>();
  for (const way of ways) {
    tryTo(() => {
      for (const { place } of source.prepare(`SELECT place FROM ${table} ${way}`).iterate())
        places.add(place as number);
    });
  }
  const read = source.prepare(`SELECT ${columns.join(', ')} FROM ${table} NOT INDEXED WHERE place = ?`);
  const insert = target.prepare(
    `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')}) ON CONFLICT DO NOTHING`,
  );
  for (const place of [...places].sort((a, b) => a - b)) {
    tryTo(() => {
      const row = read.get(place);
      if (!row) return;
      restoreInput(row.input as StoredInput);
      insert.run(...(Object.values(row) as SQLInputValue[]));
    });
  }
}

/** Undefined where it throws: it is damaged, and that is known. */
function tryTo<Result>(read: () => Result): Result | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
