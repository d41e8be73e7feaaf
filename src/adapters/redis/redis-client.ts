/**
 * The part of a Redis client that a spool uses. A client of `redis` (node-redis) fits as it is; one of `ioredis` does by
 * `fromIoredis`. It must be connected, it reconnects by itself, and whoever made it closes it.
 */
export interface RedisClient {
  /** Sends one command. `abortSignal` takes back one that has not been sent yet. */
  sendCommand(args: readonly string[], options?: { readonly abortSignal?: AbortSignal }): Promise<unknown>;
  /** Whether it is connected; what is asked while it is not fails at once. Without it, what is asked waits for its time. */
  readonly isReady?: boolean;
}

/** The part of a client of `ioredis` that is used. */
export interface IoredisClient {
  call(command: string, args: string[]): Promise<unknown>;
  readonly status: string;
}

/** A client of `ioredis` as the one that a spool asks for. */
export function fromIoredis(client: IoredisClient): RedisClient {
  return {
    sendCommand: ([command = '', ...args]) => client.call(command, args),
    get isReady() {
      return client.status === 'ready';
    },
  };
}
