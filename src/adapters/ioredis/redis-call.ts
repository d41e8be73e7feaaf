import { oncePer } from '../outgoing/once-per.ts';
import type { OutgoingCall } from '../outgoing/outgoing-call.ts';
import type { RedisClient, RedisOptions } from './ioredis-types.ts';

/** A command, as a neutral wire has it for its input. */
export interface RedisCall extends OutgoingCall {
  /** Without the command's name; of a pipeline empty. */
  readonly args: readonly unknown[];
}

interface Server {
  readonly origin: string;
  readonly host: string;
}

const OWN_PORT = 6379;

/** @param method the command in capitals, `PIPELINE` or `MULTI` */
export function redisCallOf(client: RedisClient, method: string): OutgoingCall {
  const { origin, host } = serverOf(client);
  return { client: 'ioredis', method, origin, host, path: '' };
}

/** Of a cluster the first of the nodes that it was given, of a connection by sentinels the name of the group. */
const serverOf = oncePer(({ options, startupNodes }: RedisClient): Server => {
  const { tls, path, sentinels, name, ...address } = startupNodes ? nodeOf(startupNodes[0]) : options;
  const scheme = tls ? 'rediss' : 'redis';
  if (path) return { origin: `${scheme}+unix://${encodeURIComponent(path)}`, host: path };
  if (sentinels && name) return { origin: `${scheme}://${name}`, host: name };
  const host = address.host || 'localhost';
  const inAddress = host.includes(':') ? `[${host}]` : host;
  const port = Number(address.port) || OWN_PORT;
  return { origin: `${scheme}://${inAddress}:${port}`, host: port === OWN_PORT ? inAddress : `${inAddress}:${port}` };
});

function nodeOf(node: RedisOptions | string | number | undefined): RedisOptions {
  if (typeof node === 'number') return { port: node };
  if (typeof node !== 'string') return node ?? {};
  const { hostname, port, protocol } = new URL(node.includes('://') ? node : `redis://${node}`);
  return { host: hostname, port, ...(protocol === 'rediss:' && { tls: {} }) };
}
