import { cancelOrDisconnect, lastQuery } from './cancel-query.ts';
import type { Callback, Client } from './pg-types.ts';

/** The one whose own calls of `connect` and `query` are being made right now. */
let current: PoolQuery | undefined;

/** Whether a call comes from within `pool.query`, which is counted itself. */
export function currentPoolQuery(): PoolQuery | undefined {
  return current;
}

/** Runs a call that has been counted: a guard further in lets it pass. */
export function counted<T>(run: () => T): T {
  return COUNTED.run(run);
}

/** One `pool.query`: a connection from the pool, a query on it, and the connection given back. */
export class PoolQuery {
  /** Undefined where nothing can end it before its time. */
  readonly #signal: AbortSignal | undefined;

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
  }

  /** Runs what `pool.query` does at once. Its calls come back here by `onConnection`, whoever's turn it is then. */
  run<T>(work: () => T): T {
    const before = current;
    current = this;
    try {
      return work();
    } finally {
      current = before;
    }
  }

  /** Wraps what `pool.query` waits for its connection with. */
  onConnection(callback: Callback): Callback {
    return (error, client, release) => {
      if (error || !this.#signal) return this.run(() => callback(error, client, release));
      this.#query(client as Client, callback, this.#signal);
    };
  }

  #query(client: Client, callback: Callback, signal: AbortSignal): void {
    if (signal.aborted) {
      client.release();
      callback(signal.reason as Error);
      return;
    }
    this.run(() => callback(undefined, client, client.release));
    const query = lastQuery(client);
    signal.addEventListener('abort', () => cancelOrDisconnect(client, query), { once: true });
  }
}

const COUNTED = new PoolQuery(undefined);
