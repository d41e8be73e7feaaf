/** What of `ioredis` is used, in the words of its own code: its types leave the inside out. */
export interface RedisClient {
  sendCommand(command: Command, stream?: object, node?: object): unknown;
  readonly options: RedisOptions;
  /** Of a cluster alone. */
  readonly startupNodes?: readonly (RedisOptions | string | number)[];
}

export interface RedisOptions {
  readonly host?: string;
  readonly port?: number | string;
  readonly path?: string | null;
  readonly tls?: object;
  /** Of a connection by sentinels: the name of the group. */
  readonly name?: string | null;
  readonly sentinels?: readonly object[] | null;
}

/** A command on its way: what it resolves with is turned into what its caller asked for. */
export interface Command {
  readonly name: string;
  readonly args: readonly unknown[];
  readonly promise: Promise<unknown>;
  readonly isSettled?: boolean;
  resolve(reply: unknown): void;
  reject(error: unknown): void;
}
