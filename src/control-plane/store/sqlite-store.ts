import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { GroupCommit } from './group-commit.ts';
import { openDatabase } from './sqlite-database.ts';
import {
  auditFromRow,
  desiredFromRow,
  eventFromRow,
  type Filter,
  jsonOrNull,
  knownBreakerFromRow,
  type Row,
  whereOf,
} from './sqlite-rows.ts';
import type {
  AppliedChange,
  AuditEntry,
  AuditQuery,
  DecideChange,
  DesiredRecord,
  EventQuery,
  GoneMark,
  KnownBreaker,
  NewEvent,
  Page,
  Store,
  StoredEvent,
} from './store.ts';

export interface SqliteStoreOptions {
  /** A path, or `:memory:`. */
  readonly file: string;
  /** Wall clock in milliseconds, for the age of events. Default `Date.now`. */
  readonly now?: () => number;
}

/**
 * The embedded store. Every write is one transaction, synced before its promise resolves; events that arrive within the
 * same turn of the event loop share one.
 * @throws StoreError where the file cannot be used.
 */
export class SqliteStore implements Store {
  readonly #database: DatabaseSync;
  readonly #now: () => number;
  readonly #appends: GroupCommit<readonly NewEvent[], readonly StoredEvent[]>;
  readonly #prepared = new Map<string, StatementSync>();

  constructor(options: SqliteStoreOptions) {
    this.#now = options.now ?? Date.now;
    this.#database = openDatabase(options.file);
    this.#appends = new GroupCommit<readonly NewEvent[], readonly StoredEvent[]>((batches) =>
      this.#transaction(() => batches.map((events) => events.map((event) => this.#insertEvent(event)))),
    );
  }

  async appendEvents(events: readonly NewEvent[]): Promise<readonly StoredEvent[]> {
    return events.length === 0 ? [] : this.#appends.add(events);
  }

  async events(query: EventQuery): Promise<Page<StoredEvent>> {
    return this.#page(
      'event',
      query,
      { service: query.service, breaker: query.breaker, event: query.events },
      eventFromRow,
    );
  }

  async pruneEvents({ before, maxCount }: { readonly before: number; readonly maxCount: number }): Promise<number> {
    return this.#transaction(() => {
      const aged = this.#run('DELETE FROM event WHERE stored_at < ?', before);
      const excess = this.#run(
        'DELETE FROM event WHERE id <= (SELECT id FROM event ORDER BY id DESC LIMIT 1 OFFSET ?)',
        maxCount,
      );
      return aged + excess;
    });
  }

  async rememberBreakers(known: readonly KnownBreaker[]): Promise<void> {
    if (known.length === 0) return;
    this.#transaction(() => {
      for (const { agent, breaker, lastSeenAt } of known) {
        this.#run(
          `INSERT INTO agent VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
             version = coalesce(excluded.version, version), environment = coalesce(excluded.environment, environment),
             last_seen_at = max(last_seen_at, excluded.last_seen_at)`,
          agent.service,
          agent.instance,
          agent.version ?? null,
          agent.environment ?? null,
          lastSeenAt,
        );
        this.#run(
          `INSERT INTO agent_breaker (service, instance, breaker) VALUES (?, ?, ?)
             ON CONFLICT DO UPDATE SET gone_since = NULL`,
          agent.service,
          agent.instance,
          breaker,
        );
      }
    });
  }

  async markGone(marks: readonly GoneMark[]): Promise<void> {
    if (marks.length === 0) return;
    this.#transaction(() => {
      for (const { service, instance, breaker, goneSince } of marks) {
        this.#run(
          'UPDATE agent_breaker SET gone_since = ? WHERE service = ? AND instance = ? AND breaker = ?',
          goneSince,
          service,
          instance,
          breaker,
        );
      }
    });
  }

  async touchAgents(seen: readonly { service: string; instance: string; at: number }[]): Promise<void> {
    if (seen.length === 0) return;
    this.#transaction(() => {
      for (const { service, instance, at } of seen) {
        this.#run(
          'UPDATE agent SET last_seen_at = max(last_seen_at, ?) WHERE service = ? AND instance = ?',
          at,
          service,
          instance,
        );
      }
    });
  }

  async knownBreakers(): Promise<readonly KnownBreaker[]> {
    const rows = this.#prepare(
      'SELECT * FROM agent JOIN agent_breaker USING (service, instance) ORDER BY service, instance, breaker',
    ).all();
    return rows.map(knownBreakerFromRow);
  }

  async forgetAgents(before: number): Promise<number> {
    return this.#transaction(() => this.#run('DELETE FROM agent WHERE last_seen_at < ?', before));
  }

  async desired(): Promise<readonly DesiredRecord[]> {
    return this.#prepare('SELECT * FROM desired ORDER BY service, breaker').all().map(desiredFromRow);
  }

  async changeDesired(service: string, breaker: string, decide: DecideChange): Promise<AppliedChange> {
    return this.#transaction(() => {
      const row = this.#prepare('SELECT * FROM desired WHERE service = ? AND breaker = ?').get(service, breaker);
      const revision = Number(this.#get('UPDATE revision SET value = value + 1 RETURNING value').value);
      const { next, audit } = decide(row ? desiredFromRow(row) : null, revision);
      const record = desiredFromRow(
        this.#get(
          'INSERT OR REPLACE INTO desired VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING *',
          service,
          breaker,
          revision,
          jsonOrNull(next.override),
          jsonOrNull(next.action),
          next.generation,
          jsonOrNull(next.config),
        ),
      );
      const entry = auditFromRow(
        this.#get(
          `INSERT INTO audit (at, actor, action, service, breaker, reason, revision, before, after)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING *`,
          audit.at,
          audit.actor,
          audit.action,
          service,
          breaker,
          audit.reason,
          revision,
          jsonOrNull(audit.before),
          jsonOrNull(audit.after),
        ),
      );
      return { record, entry };
    });
  }

  async audit(query: AuditQuery): Promise<Page<AuditEntry>> {
    return this.#page('audit', query, { service: query.service, breaker: query.breaker }, auditFromRow);
  }

  async ping(): Promise<void> {
    this.#get('SELECT value FROM revision');
  }

  async close(): Promise<void> {
    if (!this.#database.isOpen) return;
    this.#appends.flush();
    this.#database.close();
  }

  #insertEvent(event: NewEvent): StoredEvent {
    const row = this.#get(
      `INSERT INTO event (at, stored_at, service, instance, breaker, event, severity, attributes, trace_id, span_id)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
      event.at,
      this.#now(),
      event.service,
      event.instance,
      event.breaker,
      event.event,
      event.severity,
      JSON.stringify(event.attributes),
      event.traceId,
      event.spanId,
    );
    return { ...event, id: Number(row.id) };
  }

  #page<T extends { readonly id: number }>(
    table: 'event' | 'audit',
    { limit, before }: { limit: number; before?: number },
    filter: Filter,
    fromRow: (row: Row) => T,
  ): Page<T> {
    const { sql, values } = whereOf(filter, before);
    const rows = this.#prepare(`SELECT * FROM ${table} ${sql} ORDER BY id DESC LIMIT ?`).all(...values, limit + 1);
    const items = rows.slice(0, limit).map(fromRow);
    return { items, next: rows.length > limit ? items.at(-1)!.id : null };
  }

  #transaction<T>(body: () => T): T {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      const result = body();
      this.#database.exec('COMMIT');
      return result;
    } catch (error) {
      // SQLite has already rolled back after some errors, such as a full disk.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  #run(sql: string, ...values: (string | number | null)[]): number {
    return Number(this.#prepare(sql).run(...values).changes);
  }

  #get(sql: string, ...values: (string | number | null)[]): Row {
    return this.#prepare(sql).get(...values)!;
  }

  /** The SQL texts are few and fixed, so each is compiled once. */
  #prepare(sql: string): StatementSync {
    let statement = this.#prepared.get(sql);
    if (!statement) {
      statement = this.#database.prepare(sql);
      this.#prepared.set(sql, statement);
    }
    return statement;
  }
}
