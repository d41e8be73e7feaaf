import type { Agent, ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

/** The options of a request, with the defaults that node:http has filled in. */
export interface ConnectOptions {
  readonly host?: string | null | undefined;
  readonly port?: number | string | null | undefined;
  readonly socketPath?: string | null | undefined;
}

/** How node:http hands a request to an agent. Every agent has it, those of libraries too. */
type AddRequest = (this: Agent, request: ClientRequest, options: ConnectOptions, ...legacy: unknown[]) => void;

export interface RequestTaker {
  addRequest: AddRequest;
}

/** Where an agent sends a request: what it was made with comes before what the request says. */
export function connectOptionsOf(agent: Agent, options: ConnectOptions): ConnectOptions {
  const own = (agent as { readonly options?: ConnectOptions }).options;
  if (!own || (own.host === undefined && own.port === undefined && own.socketPath === undefined)) return options;
  return {
    host: own.host ?? options.host,
    port: own.port ?? options.port,
    socketPath: own.socketPath ?? options.socketPath,
  };
}

/**
 * What node:http's client has in all its versions from 22 on, undocumented: agents of libraries have built on these names
 * for ten years.
 */
export type OpenRequest = Omit<ClientRequest, 'destroyed' | 'finished' | 'shouldKeepAlive' | 'socket' | 'onSocket'> & {
  /** Gives it its socket, or the error for which it gets none. */
  onSocket(socket: Socket | null, error?: Error): void;
  agent: Agent | undefined;
  socket: Socket | null;
  /** Head of the request as it is sent; null before. */
  readonly _header: string | null;
  res: (IncomingMessage & { _dump(): void }) | null;
  destroyed: boolean;
  /** `end` was called. */
  finished: boolean;
  shouldKeepAlive: boolean;
  /** Its response has ended. */
  _ended: boolean;
  /** `close` was emitted. */
  _closed: boolean;
  timeout?: number;
  socketPath: string | undefined;
  timeoutCb: unknown;
  /** Bytes that wait for a socket. */
  readonly outputData: unknown[];
};

/** A socket while a request of node:http has it. */
export type UsedSocket = Socket & { _httpMessage?: unknown };

export function opened(request: ClientRequest): OpenRequest {
  return request as unknown as OpenRequest;
}
