import type { Client } from './pg-types.ts';

const BEGINNINGS = new Set(['BEGIN', 'START']);

export function beginsTransaction(command: string): boolean {
  return BEGINNINGS.has(command);
}

/** Whether a connection is in a transaction, by what the server says and by what is on its way there. */
export class Transaction {
  readonly #client: Client;
  /** BEGINs that were sent and have no answer yet. */
  #beginning = 0;
  /** What the server said last, where the client does not keep it. */
  #status: string | undefined = undefined;

  constructor(client: Client) {
    this.#client = client;
    if (client.getTransactionStatus !== undefined) return;
    client.connection?.on('readyForQuery', (message) => {
      this.#status = message?.status;
    });
  }

  get isOpen(): boolean {
    if (this.#beginning > 0) return true;
    const status = this.#client.getTransactionStatus?.() ?? this.#status;
    return status === 'T' || status === 'E';
  }

  /** Queries that are queued behind a BEGIN belong to its transaction before the server has opened it. */
  async begin<T>(run: () => Promise<T>): Promise<T> {
    this.#beginning += 1;
    try {
      return await run();
    } finally {
      this.#beginning -= 1;
    }
  }
}
