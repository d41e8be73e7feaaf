import type { Agent, ClientRequest } from 'node:http';
import { chooserOf, type GuardedBy } from '../outgoing/guarded-by.ts';
import { guardRequest } from './guard-request.ts';
import { type ConnectOptions, connectOptionsOf, type RequestTaker } from './node-internals.ts';

/**
 * Puts a breaker around the requests of one agent of node:http or node:https, for clients that take an agent.
 *
 * `guardAgent(agent, createBreaker('stock')); http.get('http://stock/items', { agent });`
 * @returns takes it off again
 */
export function guardAgent(agent: Agent, by: GuardedBy): () => void {
  const choose = chooserOf(by);
  const taker = agent as unknown as RequestTaker;
  const { addRequest } = taker;
  const own = Object.getOwnPropertyDescriptor(agent, 'addRequest');
  const guarded = function (this: Agent, request: ClientRequest, options: ConnectOptions, ...legacy: unknown[]): void {
    const where = connectOptionsOf(this, options);
    guardRequest(request, where, choose, () => addRequest.call(this, request, options, ...legacy));
  };
  Object.defineProperty(agent, 'addRequest', { value: guarded, writable: true, configurable: true, enumerable: false });
  return () => {
    if (taker.addRequest !== guarded) return;
    if (own) Object.defineProperty(agent, 'addRequest', own);
    else Reflect.deleteProperty(agent, 'addRequest');
  };
}
