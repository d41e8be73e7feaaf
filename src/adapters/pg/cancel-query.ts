import type { Client, Connection } from './pg-types.ts';

/** Milliseconds for a server to end a query that it is asked to. */
const PATIENCE_MS = 2_000;

/** The query that was given to a client last. */
export function lastQuery(client: Client): unknown {
  const waiting = '_queryQueue' in client ? client._queryQueue : client.queryQueue;
  return waiting?.at(-1) ?? activeQuery(client);
}

/**
 * Asks the server to end what a connection is at, over a connection of its own, as `psql` does at Ctrl-C.
 * It does so only while `query` is what the connection is at: a request that comes late would end another one.
 */
export function cancelQuery(client: Client, query: unknown): void {
  const { connection, processID, secretKey, connectionParameters } = client;
  // The native client has neither.
  if (!connection || !processID || !secretKey || activeQuery(client) !== query) return;
  const request = new (connection.constructor as new (config: object) => Connection)({});
  const { host, port } = connectionParameters;
  request.on('error', () => {});
  request.on('connect', () => {
    if (activeQuery(client) === query) request.cancel(processID, secretKey);
    else request.stream.destroy();
  });
  if (host?.startsWith('/')) request.connect(`${host}/.s.PGSQL.${port}`);
  else request.connect(Number(port), host ?? 'localhost');
  request.stream.setTimeout(PATIENCE_MS, () => request.stream.destroy());
  request.stream.unref?.();
}

/**
 * The same, and a server that does not even answer that loses the connection: the pool would have one less for as long as the network
 * does not tell, and none in the end. Only for a connection that nobody but the pool knows of.
 */
export function cancelOrDisconnect(client: Client, query: unknown): void {
  cancelQuery(client, query);
  const timer = setTimeout(() => {
    if (activeQuery(client) === query) client.connection?.stream.destroy();
  }, PATIENCE_MS);
  timer.unref();
}

function activeQuery(client: Client): unknown {
  return '_activeQuery' in client ? client._activeQuery : client.activeQuery;
}
