import { chooserOf, type GuardedBy } from '../outgoing/guarded-by.ts';
import { replaceMethod } from '../outgoing/replace-method.ts';
import { guardedCommands } from './guarded-commands.ts';
import type { RedisClient } from './ioredis-types.ts';

const guarded = new WeakSet<object>();

/**
 * Puts the commands of one client or cluster of `ioredis` under a breaker; a pipeline is one call, and so is a transaction. Blocking commands,
 * subscriptions and what is about the connection go past it. Returns the same client.
 * @example const redis = guardRedis(new Redis(), createBreaker('cache', judgeOutcomes()));
 */
export function guardRedis<Client extends object>(client: Client, by: GuardedBy): Client {
  if (guarded.has(client)) return client;
  guarded.add(client);
  replaceMethod<RedisClient['sendCommand']>(client, 'sendCommand', guardedCommands(chooserOf(by)));
  return client;
}
