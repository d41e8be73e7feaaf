import type { ConnectionParameters } from './sql-call.ts';

/** What of `pg` is used, in the words of its own code: its types leave the inside out. */
export type Callback = (error: Error | undefined | null, ...values: unknown[]) => void;

export interface Client {
  query(config: unknown, values?: unknown, callback?: unknown): unknown;
  readonly connectionParameters: ConnectionParameters;
  /** Of the native client undefined. */
  readonly connection?: Connection;
  readonly processID?: number | null;
  readonly secretKey?: number | null;
  /** Since pg 8.18: the last status that the server told: `I`, `T`, `E`. */
  getTransactionStatus?(): string | null;
  release(error?: Error | boolean): void;
  /** The query that the server is at, and those that wait for it; before pg 8.17 without the underscore. */
  readonly _activeQuery?: unknown;
  readonly _queryQueue?: readonly unknown[];
  readonly activeQuery?: unknown;
  readonly queryQueue?: readonly unknown[];
}

export interface Connection {
  readonly stream: { destroy(): void; setTimeout(ms: number, end: () => void): void; unref?(): void };
  on(event: string, listener: (message?: { readonly status?: string }) => void): unknown;
  connect(port: number | string, host?: string): void;
  cancel(processID: number, secretKey: number): void;
}

export interface Pool {
  readonly options: { readonly max: number };
  readonly Client: new (options: unknown) => Client;
  readonly idleCount: number;
  readonly totalCount: number;
  query(text: unknown, values?: unknown, callback?: unknown): unknown;
  connect(callback?: unknown): unknown;
}
