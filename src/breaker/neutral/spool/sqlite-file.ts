import { closeSync, existsSync, mkdirSync, openSync, readSync, realpathSync, rmSync, statSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { depthOf, type Ledger, ledgerFrom } from './ledger.ts';
import { SpoolError, type SpoolOpening } from './spool.ts';
import { isCutOff } from './sqlite-log.ts';
import { copyLogAside, finishSwap, salvage } from './sqlite-salvage.ts';
import { APPLICATION_ID, migrate, type Sqlite } from './sqlite-schema.ts';
import { SqliteTables } from './sqlite-tables.ts';

export interface OpenSpoolFile {
  readonly tables: SqliteTables;
  readonly ledger: Ledger;
  readonly damage: SpoolOpening['damage'];
  /** Lets go of the file. */
  close(): void;
}

export interface SpoolFileOptions {
  readonly maxFileBytes: number | undefined;
  readonly owner: { readonly breaker: string; readonly wire: string };
}

/** Bytes up to which a file is checked as a whole at its opening: a tenth of a second. */
const WHOLE_CHECK_BYTES = 64 * 1024 * 1024;
/** Of a bigger one, calls at each end that are read. */
const SAMPLE = 1_000;
/** Memory for the pages of the file. */
const CACHE_KIB = 16 * 1024;
/** Of 4 KiB each, after which the log is brought over to the file: a page that many commits change is brought over once. */
const LOG_PAGES = 4_000;

/**
 * Opens a spool's file, which is made where it is missing, for this process alone. What is damaged is put aside, and what
 * can be read of it goes on in a new file.
 * @throws SpoolError where another process or spool has it, where a newer version or something else wrote it (it is left as
 * it is then), where it holds the calls of another wire, or where it cannot be opened
 */
export function openSpoolFile(sqlite: Sqlite, file: string, options: SpoolFileOptions): OpenSpoolFile {
  try {
    makeFolder(file);
    const { lock, wasLockedBefore } = takeLock(sqlite, file);
    try {
      const opened = openLocked(sqlite, file, options, wasLockedBefore);
      return {
        ...opened,
        close() {
          opened.database.close();
          lock.close();
        },
      };
    } catch (error) {
      lock.close();
      throw error;
    }
  } catch (error) {
    throw error instanceof SpoolError ? error : explain(file, error as Error);
  }
}

function makeFolder(file: string): void {
  const end = file.lastIndexOf('/');
  if (end > 0) mkdirSync(file.slice(0, end), { recursive: true, mode: 0o700 });
}

/**
 * The lock is a file of its own, of which nothing is ever written: it holds while the spool itself is replaced, and the
 * operating system takes it off a process that dies. It also tells a damaged spool from a file of something else.
 */
function takeLock({ DatabaseSync }: Sqlite, file: string) {
  const path = lockOf(file);
  const wasLockedBefore = existsSync(path);
  makeFile(path);
  const lock = new DatabaseSync(path);
  try {
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    return { lock, wasLockedBefore };
  } catch (error) {
    lock.close();
    throw error;
  }
}

function lockOf(file: string): string {
  return `${existsSync(file) ? realpathSync(file) : file}.lock`;
}

/** With mode 0600, which SQLite gives the log beside it too. One that is there is not opened: to close it again would take
 * the locks off it that another spool of this process has. */
function makeFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

function openLocked(sqlite: Sqlite, file: string, options: SpoolFileOptions, wasLockedBefore: boolean) {
  finishSwap(file);
  const header = readHeader(file);
  if (header === 'other' || (header === 'unreadable' && !wasLockedBefore)) {
    // Or the next opening would take it for a spool that is damaged.
    if (!wasLockedBefore) rmSync(lockOf(file));
    throw new SpoolError('SPOOL_FAILED', `${file} is not a spool: it was left as it is, name another file`);
  }
  if (header === 'missing') makeFile(file);
  const log = `${file}-wal`;
  const logCopy = isCutOff(log) ? copyLogAside(file) : undefined;
  if (header === 'unreadable') salvage(sqlite, file, 'it does not begin as a spool does');
  let database = openOrReason(sqlite, file, options);
  if (typeof database === 'string') {
    salvage(sqlite, file, database);
    database = openOrReason(sqlite, file, options);
    if (typeof database === 'string') throw new SpoolError('SPOOL_FAILED', `${file} is damaged anew: ${database}`);
  }
  try {
    return { database, ...settle(database, file, options, header === 'emptied' && wasLockedBefore, logCopy) };
  } catch (error) {
    database.close();
    throw error;
  }
}

const MAGIC = 'SQLite format 3\0';

function readHeader(file: string): 'missing' | 'emptied' | 'unreadable' | 'other' | 'spool' {
  if (!existsSync(file)) return 'missing';
  if (statSync(file).size === 0) return 'emptied';
  const header = Buffer.alloc(100);
  const descriptor = openSync(file, 'r');
  try {
    readSync(descriptor, header, 0, 100, 0);
  } finally {
    closeSync(descriptor);
  }
  if (header.toString('latin1', 0, 16) !== MAGIC) return 'unreadable';
  return header.readUInt32BE(68) === APPLICATION_ID ? 'spool' : 'other';
}

/** The database, or why it must be salvaged. */
function openOrReason({ DatabaseSync }: Sqlite, file: string, { maxFileBytes }: SpoolFileOptions) {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file, { enableForeignKeyConstraints: false });
    database.exec('PRAGMA locking_mode = EXCLUSIVE');
    // Before the log is in use, so that the file itself bears the mark of a spool from its first moment.
    migrate(database, file);
    // FULL syncs the log at the commit of what is taken in: it survives a power cut, not only the end of the process.
    database.exec(
      `PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -${CACHE_KIB}; PRAGMA wal_autocheckpoint = ${LOG_PAGES}`,
    );
    const reason = findDamage(database, file);
    if (reason === undefined) {
      if (maxFileBytes !== undefined) limit(database, maxFileBytes);
      return database;
    }
    database.close();
    return reason;
  } catch (error) {
    if (database?.isOpen) database.close();
    if (isDamage(error)) return (error as Error).message;
    throw error;
  }
}

function limit(database: DatabaseSync, maxFileBytes: number): void {
  const pageBytes = Number(database.prepare('PRAGMA page_size').get()!.page_size);
  database.exec(`PRAGMA max_page_count = ${Math.floor(maxFileBytes / pageBytes)}`);
}

/**
 * What is wrong with the file; undefined where nothing is found. The time it takes is bounded: a small file is checked
 * as a whole; of a big one its length, its number of calls and the calls at both ends.
 */
function findDamage(database: DatabaseSync, file: string): string | undefined {
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  const tables = new SqliteTables(database);
  const entries = tables.entries();
  const pages = Number(database.prepare('PRAGMA page_count').get()!.page_count);
  const bytes = pages * Number(database.prepare('PRAGMA page_size').get()!.page_size);
  if (bytes <= WHOLE_CHECK_BYTES || entries.get(SUSPECT) === 1) {
    const found = database.prepare('PRAGMA quick_check(1)').get()!.quick_check;
    if (found !== 'ok') return String(found);
  } else {
    tables.peek(SAMPLE);
    tables.after(tables.lastPlace() - SAMPLE, SAMPLE);
  }
  // Not where the last pages are still in the log, for want of room to bring them over.
  const inLog = existsSync(`${file}-wal`) ? statSync(`${file}-wal`).size : 0;
  if (inLog === 0 && statSync(file).size < bytes) return `it is shorter than the ${bytes} bytes it had`;
  const ledger = ledgerFrom(entries);
  if (!ledger) return 'its counters are no numbers';
  const held = tables.count();
  return held === depthOf(ledger) ? undefined : `it has ${held} calls and should have ${depthOf(ledger)}`;
}

/** The name of the entry that asks for a whole check at the next opening. */
export const SUSPECT = 'suspect';

/** Whether SQLite says that the file is damaged: SQLITE_CORRUPT, SQLITE_NOTADB. */
export function isDamage(error: unknown): boolean {
  const code = errorCode(error);
  return code === 11 || code === 26;
}

/** SQLite's code of an error; undefined where it is none of SQLite's. */
export function errorCode(error: unknown): number | undefined {
  const code = (error as { readonly errcode?: unknown }).errcode;
  // The low byte; the others say where.
  return typeof code === 'number' ? code & 0xff : undefined;
}

function explain(file: string, error: Error): SpoolError {
  if (errorCode(error) === 5) {
    return new SpoolError(
      'SPOOL_LOCKED',
      `${file} is in use by another process or another spool: each spool needs a file of its own`,
      error,
    );
  }
  return new SpoolError('SPOOL_FAILED', `${file} cannot be opened: ${error.message}`, error);
}

/** Checks whose it is, and reads what it says of itself. */
function settle(
  database: DatabaseSync,
  file: string,
  { owner }: SpoolFileOptions,
  wasEmptied: boolean,
  logCopy: string | undefined,
): Omit<OpenSpoolFile, 'close'> {
  const tables = new SqliteTables(database);
  const entries = tables.entries();
  const ledger = ledgerFrom(entries)!;
  const [breaker, wire] = [entries.get('breaker') ?? owner.breaker, entries.get('wire') ?? owner.wire];
  if ((breaker !== owner.breaker || wire !== owner.wire) && depthOf(ledger) > 0) {
    throw new SpoolError(
      'SPOOL_FAILED',
      `${file} holds calls of the wire "${wire}" of the breaker "${breaker}": name another file for "${owner.wire}" of "${owner.breaker}"`,
    );
  }
  const reports = [entries.get('damage')].filter((report) => typeof report === 'string');
  if (logCopy) reports.push(`the last commits in the log of ${file} cannot be read; it is kept in ${logCopy}`);
  if (wasEmptied) reports.push(`${file} was there without a byte in it`);
  const lostCalls = entries.get('lostCalls');
  const isCounted = typeof lostCalls === 'number' && !logCopy && !wasEmptied;
  tables.transaction(true, () => {
    tables.saveEntry('breaker', owner.breaker);
    tables.saveEntry('wire', owner.wire);
    for (const name of ['damage', 'lostCalls', SUSPECT]) tables.saveEntry(name, null);
  });
  const damage =
    reports.length > 0 ? { lostCalls: isCounted ? lostCalls : undefined, report: reports.join('; ') } : undefined;
  return { tables, ledger, damage };
}
