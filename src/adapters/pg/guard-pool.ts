import { chooserOf, type GuardedBy } from '../outgoing/guarded-by.ts';
import { replaceMethod } from '../outgoing/replace-method.ts';
import { guardedConnect, guardedPoolQuery } from './guarded-pool.ts';
import { guardedQuery } from './guarded-query.ts';
import type { Client, Pool } from './pg-types.ts';

const guardedPools = new WeakSet<object>();

/**
 * Puts the queries of one pool of `pg` under a breaker: `pool.query`, `pool.connect` where a connection must be opened or waited for, and the
 * queries of the connections that it hands out. A transaction that has begun is never turned away. Returns the same pool.
 * @example const pool = guardPool(new Pool(), createBreaker('database', { ...presets.database, ...judgeOutcomes() }));
 */
export function guardPool<Guarded extends object>(pool: Guarded, by: GuardedBy): Guarded {
  if (guardedPools.has(pool)) return pool;
  guardedPools.add(pool);
  const choose = chooserOf(by);
  const guardedClients = new WeakSet<Client>();
  const adopt = (client: Client) => {
    if (guardedClients.has(client)) return;
    guardedClients.add(client);
    replaceMethod<Client['query']>(client, 'query', guardedQuery(choose));
  };
  replaceMethod<Pool['query']>(pool, 'query', guardedPoolQuery(choose));
  replaceMethod<Pool['connect']>(pool, 'connect', guardedConnect(choose, adopt));
  return pool;
}
