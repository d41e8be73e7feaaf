import type { OutgoingCall } from '../outgoing/outgoing-call.ts';
import { sqlCommand } from './sql-command.ts';

/** A query, as a neutral wire has it for its input. */
export interface SqlCall extends OutgoingCall {
  readonly text: string;
  readonly values: readonly unknown[] | undefined;
}

export interface ConnectionParameters {
  readonly host?: string | null;
  readonly port?: number | string | null;
  readonly database?: string | null;
}

/** Where a client's connections go. */
export interface Database {
  readonly origin: string;
  readonly host: string;
}

const OWN_PORT = 5432;

/** Of a socket in the file system its folder stands for the host, as in the addresses of PostgreSQL itself. */
export function databaseOf({ host, port, database }: ConnectionParameters): Database {
  const name = host || 'localhost';
  const inAddress = name.startsWith('/') ? encodeURIComponent(name) : name.includes(':') ? `[${name}]` : name;
  const where = Number(port) || OWN_PORT;
  return {
    origin: `postgres://${inAddress}:${where}/${encodeURIComponent(database ?? '')}`,
    host: where === OWN_PORT ? inAddress : `${inAddress}:${where}`,
  };
}

export function sqlCallOf({ origin, host }: Database, config: unknown, values: unknown): SqlCall {
  const { text, values: own } = (typeof config === 'string' ? { text: config } : config) as {
    readonly text?: unknown;
    readonly values?: unknown;
  };
  const sql = typeof text === 'string' ? text : '';
  const given = Array.isArray(values) ? values : own;
  return {
    client: 'pg',
    method: sqlCommand(sql),
    origin,
    host,
    path: '',
    text: sql,
    values: Array.isArray(given) ? given : undefined,
  };
}
