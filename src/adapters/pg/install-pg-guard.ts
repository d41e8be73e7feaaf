import { chooserOf, type GuardedBy } from '../outgoing/guarded-by.ts';
import { installOnce } from '../outgoing/install-once.ts';
import { replaceMethod } from '../outgoing/replace-method.ts';
import { guardedConnect, guardedPoolQuery } from './guarded-pool.ts';
import { guardedQuery } from './guarded-query.ts';
import type { Client, Pool } from './pg-types.ts';

/** `pg` as it is imported or required. */
export interface PgModule {
  readonly Pool?: { readonly prototype: object };
  readonly Client?: { readonly prototype: object };
  readonly default?: PgModule;
}

/**
 * Puts the queries of every pool and client of `pg` under breakers, those that are there already too. Returns what takes them off
 * again. A second time it changes nothing.
 * @throws TypeError where it is not given the module `pg`
 * @example installPgGuard(pg, ({ host }) => breakers.get(host));
 */
export function installPgGuard(pg: PgModule, by: GuardedBy): () => void {
  const { Pool: PoolClass, Client: ClientClass } = pg.Pool && pg.Client ? pg : (pg.default ?? {});
  if (!PoolClass || !ClientClass) throw new TypeError('installPgGuard needs the module pg, which has Pool and Client');
  // The pool of `pg` is one of `pg-pool`, which an app may also use by itself.
  const pools = ownerOf(PoolClass.prototype, 'query');
  return installOnce(pools, () => {
    const choose = chooserOf(by);
    return [
      replaceMethod<Pool['query']>(pools, 'query', guardedPoolQuery(choose)),
      replaceMethod<Pool['connect']>(pools, 'connect', guardedConnect(choose)),
      replaceMethod<Client['query']>(ClientClass.prototype, 'query', guardedQuery(choose)),
    ];
  });
}

function ownerOf(prototype: object, method: string): object {
  let owner: object | null = prototype;
  while (owner && !Object.hasOwn(owner, method)) owner = Object.getPrototypeOf(owner);
  return owner ?? prototype;
}
