import { replaceMethod } from '../client/replace-method.ts';
import { chooserOf, type GuardedBy } from '../outgoing/guarded-by.ts';
import { guardedCommands } from './guarded-commands.ts';
import type { RedisClient } from './ioredis-types.ts';

/** `ioredis` as it is imported or required. */
export interface IoredisModule {
  readonly Redis?: { readonly prototype: object };
  readonly Cluster?: { readonly prototype: object };
  readonly default?: unknown;
}

const installed = new WeakMap<object, () => void>();

/**
 * Puts the commands of every client and cluster of `ioredis` under breakers, those that are there already too. Returns what takes them off
 * again. A second time it changes nothing.
 *
 * `installIoredisGuard(ioredis, ({ host }) => breakers.for(host));`
 * @throws TypeError where it is not given the module `ioredis`
 */
export function installIoredisGuard(ioredis: IoredisModule, by: GuardedBy): () => void {
  const { Redis, Cluster } = ioredis.Redis ? ioredis : ((ioredis.default ?? {}) as IoredisModule);
  if (!Redis) throw new TypeError('installIoredisGuard needs the module ioredis, which has Redis');
  const known = installed.get(Redis);
  if (known) return known;
  const guard = guardedCommands(chooserOf(by));
  const undo = [Redis, Cluster].map(
    (type) => type && replaceMethod<RedisClient['sendCommand']>(type.prototype, 'sendCommand', guard),
  );
  const takeOff = () => {
    if (installed.get(Redis) !== takeOff) return;
    installed.delete(Redis);
    for (const one of undo) one?.();
  };
  installed.set(Redis, takeOff);
  return takeOff;
}
