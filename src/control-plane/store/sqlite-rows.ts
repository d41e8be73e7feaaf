import type { SQLOutputValue } from 'node:sqlite';
import type { Action, EventSeverity, Override, SettingsPatch } from '@switchgear/conventions';
import type { AuditAction, AuditEntry, DesiredRecord, KnownBreaker, StoredEvent } from './store.ts';

export type Row = Record<string, SQLOutputValue>;

export function eventFromRow(row: Row): StoredEvent {
  return {
    id: Number(row.id),
    at: Number(row.at),
    service: String(row.service),
    instance: String(row.instance),
    breaker: String(row.breaker),
    event: String(row.event),
    severity: row.severity as EventSeverity,
    attributes: JSON.parse(String(row.attributes)) as StoredEvent['attributes'],
    traceId: textOrNull(row.trace_id),
    spanId: textOrNull(row.span_id),
  };
}

export function desiredFromRow(row: Row): DesiredRecord {
  return {
    service: String(row.service),
    breaker: String(row.breaker),
    revision: Number(row.revision),
    override: parseOrNull<Override>(row.override),
    action: parseOrNull<Action & { at: number }>(row.action),
    generation: Number(row.generation),
    config: parseOrNull<SettingsPatch>(row.config),
  };
}

export function auditFromRow(row: Row): AuditEntry {
  return {
    id: Number(row.id),
    at: Number(row.at),
    actor: String(row.actor),
    action: row.action as AuditAction,
    service: String(row.service),
    breaker: String(row.breaker),
    reason: textOrNull(row.reason),
    revision: Number(row.revision),
    before: parseOrNull<unknown>(row.before),
    after: parseOrNull<unknown>(row.after),
  };
}

export function knownBreakerFromRow(row: Row): KnownBreaker {
  const version = textOrNull(row.version);
  const environment = textOrNull(row.environment);
  return {
    agent: {
      service: String(row.service),
      instance: String(row.instance),
      ...(version !== null && { version }),
      ...(environment !== null && { environment }),
    },
    breaker: String(row.breaker),
    lastSeenAt: Number(row.gone_since ?? row.last_seen_at),
    gone: row.gone_since !== null,
  };
}

/** By column: its value, or a list of which it has one. */
export type Filter = Readonly<Record<string, string | readonly string[] | undefined>>;

/** The WHERE clause for the filters that are set; the column names are the keys. */
export function whereOf(filter: Filter, before: number | undefined) {
  const conditions: string[] = [];
  const values: (string | number)[] = [];
  for (const [column, value] of Object.entries(filter)) {
    if (value === undefined) continue;
    // As one text, so that a statement is the same for every length of a list.
    const isList = typeof value !== 'string';
    conditions.push(isList ? `${column} IN (SELECT value FROM json_each(?))` : `${column} = ?`);
    values.push(isList ? JSON.stringify(value) : value);
  }
  if (before !== undefined) {
    conditions.push('id < ?');
    values.push(before);
  }
  return { sql: conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : '', values };
}

export function jsonOrNull(value: unknown): string | null {
  return value === null || value === undefined ? null : JSON.stringify(value);
}

function parseOrNull<T>(value: SQLOutputValue | undefined): T | null {
  return typeof value === 'string' ? (JSON.parse(value) as T) : null;
}

function textOrNull(value: SQLOutputValue | undefined): string | null {
  return typeof value === 'string' ? value : null;
}
