import type { Breaker, BreakerState, CallContext } from '@switchgear/breaker';
import { deadlineOf } from '../outgoing/deadline-of.ts';
import type { ChooseBreaker } from '../outgoing/guarded-by.ts';
import { oncePer } from '../outgoing/once-per.ts';
import { plainAnswer } from '../outgoing/plain-answer.ts';
import { isUnguarded } from '../outgoing/unguarded.ts';
import { cancelQuery, lastQuery } from './cancel-query.ts';
import { handOver } from './hand-over.ts';
import { ownResult } from './own-result.ts';
import type { Callback, Client } from './pg-types.ts';
import { counted, currentPoolQuery } from './pool-query.ts';
import { databaseOf, type SqlCall, sqlCallOf } from './sql-call.ts';
import { beginsTransaction, Transaction } from './transaction.ts';

type Query = Client['query'];

/** States in which a breaker may turn a call away. */
const HOLDING_BACK: ReadonlySet<BreakerState> = new Set(['open', 'half_open', 'forced_open']);

const transactionOf = oncePer((client: Client) => new Transaction(client));
const databaseOfClient = oncePer(({ connectionParameters }: Client) => databaseOf(connectionParameters));

/** `Client.query` under a breaker. */
export function guardedQuery(choose: ChooseBreaker): (original: Query) => Query {
  return (original) =>
    function (this: Client, ...args: Parameters<Query>) {
      const [config, values] = args;
      if (currentPoolQuery() || isUnguarded() || !isGuardable(args)) return original.apply(this, args);
      const call = sqlCallOf(databaseOfClient(this), config, values);
      const breaker = choose(call);
      // Kept from its first query on, or the BEGIN would be missed.
      const transaction = transactionOf(this);
      if (!breaker) return original.apply(this, args);
      const send = async (context: CallContext) => {
        const given = typeof values === 'function' ? undefined : values;
        const ended = counted(() => original.call(this, withoutCallback(config), given));
        const deadline = deadlineOf(breaker, context);
        if (deadline) {
          const query = lastQuery(this);
          deadline.addEventListener('abort', () => cancelQuery(this, query), { once: true });
        }
        return ended;
      };
      const ended = endOf(breaker, call, transaction, send);
      const callback = callbackOf(args) as Callback | undefined;
      if (!callback) return ended;
      handOver(ended, (result) => callback(null, result), callback as (error: unknown) => void);
      return undefined;
    };
}

/** With or without a callback; cursors and other submittables have their own ways to end. */
export function isGuardable(args: Parameters<Query>): boolean {
  const [config] = args;
  const callback = callbackOf(args);
  return (
    (typeof config === 'string' || (typeof config === 'object' && config !== null && !('submit' in config))) &&
    (callback === undefined || typeof callback === 'function')
  );
}

export function callbackOf([config, values, callback]: Parameters<Query>): unknown {
  if (typeof values === 'function') return values;
  return callback ?? (config as { readonly callback?: unknown }).callback;
}

/** The same query for a promise. It goes by its prototype, since it may be an object of a class. */
export function withoutCallback(config: unknown): unknown {
  if (typeof config === 'string' || !(config as { readonly callback?: unknown }).callback) return config;
  return Object.create(config as object, { callback: { value: undefined, writable: true } });
}

function endOf(
  breaker: Breaker,
  call: SqlCall,
  transaction: Transaction,
  send: (context: CallContext) => Promise<unknown>,
): Promise<unknown> {
  if (transaction.isOpen) return inTransaction(breaker, send);
  if (beginsTransaction(call.method)) {
    return ownResult(breaker, (context) => transaction.begin(() => send(context)));
  }
  if (breaker.neutralWires.length === 0) return breaker.execute(send);
  return breaker.execute(send, { input: call }).then(plainAnswer);
}

/**
 * A transaction that has begun goes on to its end, whatever the breaker's state: half of one is worse than a slow one. Its queries are
 * judged where they cannot be turned away, and their caller gets what the database says, never a wire's answer.
 */
function inTransaction(breaker: Breaker, send: (context: CallContext) => Promise<unknown>): Promise<unknown> {
  if (HOLDING_BACK.has(breaker.state) || breaker.settings.maxConcurrent !== null) return send(UNJUDGED);
  let own: Promise<unknown> | undefined;
  const judged = breaker.execute((context) => {
    own = send(context);
    return own;
  });
  judged.catch(() => {});
  return own ?? send(UNJUDGED);
}

/** Of a query that no breaker has: nothing ends it. */
const UNJUDGED: CallContext = {
  signal: new AbortController().signal,
  attempt: 1,
  idempotencyKey: '',
  divertedAt: undefined,
};
