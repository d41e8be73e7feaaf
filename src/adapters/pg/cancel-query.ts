import type { Client, Connection } from './pg-types.ts';

/** Milliseconds for a server to take the request to cancel. */
const PATIENCE_MS = 5_000;

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

function activeQuery(client: Client): unknown {
  return '_activeQuery' in client ? client._activeQuery : client.activeQuery;
}
