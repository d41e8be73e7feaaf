import type { DatabaseSync } from 'node:sqlite';
import { SpoolError } from './spool.ts';

/** `node:sqlite`, loaded only where a file is opened: on some versions of Node.js it warns that it is experimental. */
export type Sqlite = typeof import('node:sqlite');

/** Marks a SQLite file as a spool: `SWGS`, in its header. */
export const APPLICATION_ID = 0x53574753;

/**
 * Brings a spool to the newest version, each step in its own transaction.
 * @throws SpoolError where a newer version wrote it
 */
export function migrate(database: DatabaseSync, file: string): void {
  const version = Number(database.prepare('PRAGMA user_version').get()!.user_version);
  if (version > MIGRATIONS.length) {
    throw new SpoolError(
      'SPOOL_FAILED',
      `${file} has version ${version} of the spool, and this library knows versions up to ${MIGRATIONS.length}: use the newer one that wrote it, or name another file`,
    );
  }
  for (let next = version; next < MIGRATIONS.length; next++) {
    database.exec(`BEGIN IMMEDIATE; ${MIGRATIONS[next]}; PRAGMA user_version = ${next + 1}; COMMIT`);
  }
}

/** Entry n brings version n to n + 1. An entry that was released is never edited. */
const MIGRATIONS: readonly string[] = [
  // `place` is the order. The input comes last, so that the others are read without it, however long it is.
  `
  PRAGMA application_id = ${APPLICATION_ID};
  CREATE TABLE call (
    place INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    key TEXT,
    size_bytes REAL NOT NULL,
    attempts INTEGER NOT NULL,
    not_before REAL NOT NULL,
    expires_at REAL NOT NULL,
    diverted_at REAL NOT NULL,
    operation TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    input ANY
  ) STRICT;
  CREATE UNIQUE INDEX call_by_id ON call (id);
  CREATE INDEX call_by_key ON call (key) WHERE key IS NOT NULL;
  CREATE INDEX call_by_expiry ON call (expires_at);
  CREATE INDEX call_by_wait ON call (not_before) WHERE not_before > 0;

  CREATE TABLE dead_letter (
    place INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    key TEXT,
    size_bytes REAL NOT NULL,
    attempts INTEGER NOT NULL,
    expires_at REAL NOT NULL,
    diverted_at REAL NOT NULL,
    operation TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    died_at REAL NOT NULL,
    error TEXT NOT NULL,
    input ANY
  ) STRICT;

  CREATE TABLE ledger (name TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID
  `,
];
