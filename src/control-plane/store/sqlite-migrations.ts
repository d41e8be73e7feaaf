import type { DatabaseSync } from 'node:sqlite';
import { StoreError } from './store.ts';

/**
 * Brings the database to the newest version, each step in its own transaction.
 * @throws StoreError where the database was written by a newer version of the control plane.
 */
export function migrate(database: DatabaseSync, file: string): void {
  const version = Number(database.prepare('PRAGMA user_version').get()?.user_version);
  if (version > MIGRATIONS.length) {
    throw new StoreError(
      `${file} has schema version ${version}, this control plane knows versions up to ${MIGRATIONS.length}: start the newer control plane that wrote it, or name another file in SWITCHGEAR_STORE`,
    );
  }
  for (let next = version; next < MIGRATIONS.length; next += 1) {
    database.exec(`BEGIN IMMEDIATE; ${MIGRATIONS[next]} PRAGMA user_version = ${next + 1}; COMMIT`);
  }
}

/** Entry n brings version n to n + 1. An entry that was released is never edited. */
const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE event (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    stored_at INTEGER NOT NULL,
    service TEXT NOT NULL,
    instance TEXT NOT NULL,
    breaker TEXT NOT NULL,
    event TEXT NOT NULL,
    severity TEXT NOT NULL,
    attributes TEXT NOT NULL,
    trace_id TEXT,
    span_id TEXT
  ) STRICT;
  CREATE INDEX event_by_breaker ON event (service, breaker, id);
  CREATE INDEX event_by_name ON event (event, id);
  CREATE INDEX event_by_age ON event (stored_at);

  CREATE TABLE agent (
    service TEXT NOT NULL,
    instance TEXT NOT NULL,
    version TEXT,
    environment TEXT,
    last_seen_at INTEGER NOT NULL,
    PRIMARY KEY (service, instance)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE agent_breaker (
    service TEXT NOT NULL,
    instance TEXT NOT NULL,
    breaker TEXT NOT NULL,
    PRIMARY KEY (service, instance, breaker),
    FOREIGN KEY (service, instance) REFERENCES agent ON DELETE CASCADE
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE desired (
    service TEXT NOT NULL,
    breaker TEXT NOT NULL,
    revision INTEGER NOT NULL,
    override TEXT,
    action TEXT,
    generation INTEGER NOT NULL,
    config TEXT,
    PRIMARY KEY (service, breaker)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE revision (only_row INTEGER PRIMARY KEY CHECK (only_row = 1), value INTEGER NOT NULL) STRICT;
  INSERT INTO revision VALUES (1, 0);

  CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    service TEXT NOT NULL,
    breaker TEXT NOT NULL,
    reason TEXT,
    revision INTEGER NOT NULL,
    before TEXT,
    after TEXT
  ) STRICT;
  CREATE INDEX audit_by_breaker ON audit (service, breaker, id);
  `,
  'ALTER TABLE agent_breaker ADD COLUMN gone_since INTEGER;',
];
