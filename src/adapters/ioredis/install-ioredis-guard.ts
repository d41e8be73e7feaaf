import { chooserOf, type GuardedBy } from '../outgoing/guarded-by.ts';
import { installOnce } from '../outgoing/install-once.ts';
import { replaceMethod } from '../outgoing/replace-method.ts';
import { guardedCommands } from './guarded-commands.ts';
import type { RedisClient } from './ioredis-types.ts';

/** `ioredis` as it is imported or required. */
export interface IoredisModule {
  readonly Redis?: { readonly prototype: object };
  readonly Cluster?: { readonly prototype: object };
  readonly default?: unknown;
}

/**
 * Puts the commands of every client and cluster of `ioredis` under breakers, those that are there already too. Returns what takes them off
 * again. A second time it changes nothing.
 * @throws TypeError where it is not given the module `ioredis`
 * @example installIoredisGuard(ioredis, ({ host }) => breakers.get(host));
 */
export function installIoredisGuard(ioredis: IoredisModule, by: GuardedBy): () => void {
  const { Redis, Cluster } = ioredis.Redis ? ioredis : ((ioredis.default ?? {}) as IoredisModule);
  if (!Redis) throw new TypeError('installIoredisGuard needs the module ioredis, which has Redis');
  return installOnce(Redis, () => {
    const guard = guardedCommands(chooserOf(by));
    return [Redis, ...(Cluster ? [Cluster] : [])].map((type) =>
      replaceMethod<RedisClient['sendCommand']>(type.prototype, 'sendCommand', guard),
    );
  });
}
