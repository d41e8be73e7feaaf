import type { CallContext } from '@switchgear/breaker';
import { deadlineOf } from '../outgoing/deadline-of.ts';
import type { ChooseBreaker } from '../outgoing/guarded-by.ts';
import { oncePer } from '../outgoing/once-per.ts';
import type { OutgoingCall } from '../outgoing/outgoing-call.ts';
import { plainAnswer } from '../outgoing/plain-answer.ts';
import { isUnguarded, unguardedUntilSettled } from '../outgoing/unguarded.ts';
import { callbackOf, isGuardable, withoutCallback } from './guarded-query.ts';
import { handOver } from './hand-over.ts';
import { ownResult } from './own-result.ts';
import type { Callback, Client, Pool } from './pg-types.ts';
import { counted, currentPoolQuery, PoolQuery } from './pool-query.ts';
import { databaseOf, sqlCallOf } from './sql-call.ts';

/** `Pool.query` under a breaker: the way to a connection and the query on it are one call. */
export function guardedPoolQuery(choose: ChooseBreaker): (original: Pool['query']) => Pool['query'] {
  return (original) =>
    function (this: Pool, ...args: Parameters<Pool['query']>) {
      const [config, values] = args;
      if (currentPoolQuery() || isUnguarded() || !isGuardable(args)) return original.apply(this, args);
      const call = sqlCallOf(databaseOfPool(this), config, values);
      const breaker = choose(call);
      if (!breaker) return original.apply(this, args);
      const send = (context: CallContext) => {
        const query = new PoolQuery(deadlineOf(breaker, context));
        const given = typeof values === 'function' ? undefined : values;
        const work = () => query.run(() => original.call(this, withoutCallback(config), given)) as Promise<unknown>;
        return opensConnection(this) ? unguardedUntilSettled(work) : work();
      };
      const ended =
        breaker.neutralWires.length === 0
          ? breaker.execute(send)
          : breaker.execute(send, { input: call }).then(plainAnswer);
      const callback = callbackOf(args) as Callback | undefined;
      if (!callback) return ended;
      handOver(ended, (result) => callback(undefined, result), callback as (error: unknown) => void);
      return undefined;
    };
}

/**
 * `Pool.connect` under a breaker, where it may have to open a connection or to wait for one. An idle one is handed out as it is: that
 * says nothing of the database, and the queries on it have the breaker before them.
 * @param adopt given each connection that the pool hands out
 */
export function guardedConnect(
  choose: ChooseBreaker,
  adopt?: (client: Client) => void,
): (original: Pool['connect']) => Pool['connect'] {
  return (original) =>
    function (this: Pool, ...args: Parameters<Pool['connect']>) {
      const [callback] = args as [Callback?];
      const query = currentPoolQuery();
      if (query) return callback ? original.call(this, query.onConnection(callback)) : original.call(this);
      const call = { client: 'pg', method: 'CONNECT', ...databaseOfPool(this), path: '' } satisfies OutgoingCall;
      const breaker = isUnguarded() || this.idleCount > 0 ? undefined : choose(call);
      if (!breaker && !adopt) return original.apply(this, args);
      const connect = async () => {
        const client = (await counted(() => original.call(this))) as Client;
        adopt?.(client);
        return client;
      };
      const ended = breaker
        ? ownResult(breaker, (context) => {
            const deadline = deadlineOf(breaker, context);
            return releasedIfLate(opensConnection(this) ? unguardedUntilSettled(connect) : connect(), deadline);
          })
        : connect();
      if (!callback) return ended;
      handOver(
        ended,
        (client) => callback(undefined, client, client.release),
        (error) => callback(error as Error, undefined, () => {}),
      );
      return undefined;
    };
}

/** Nobody waits for it any more, and the pool would have one less for ever. */
async function releasedIfLate(connecting: Promise<Client>, signal: AbortSignal | undefined): Promise<Client> {
  const client = await connecting;
  if (signal?.aborted) client.release();
  return client;
}

/** What an app does to each new connection, at the pool's `connect` event, is a part of the call that needs it. */
function opensConnection({ idleCount, totalCount, options }: Pool): boolean {
  return idleCount === 0 && totalCount < options.max;
}

/** A client that is never connected says what the options, the environment and the defaults come to. */
const databaseOfPool = oncePer(({ Client, options }: Pool) => databaseOf(new Client(options).connectionParameters));
