import type { Agent } from 'node:http';
import { chooserOf, type GuardedBy } from '../outgoing/guarded-by.ts';
import { replaceMethod } from '../outgoing/replace-method.ts';
import { guardRequest } from './guard-request.ts';
import { connectOptionsOf, type RequestTaker } from './node-internals.ts';

/**
 * Puts a breaker around the requests of one agent of node:http or node:https, for clients that take an agent.
 * @returns takes it off again
 * @example guardAgent(agent, createBreaker('stock')); http.get('http://stock/items', { agent });
 */
export function guardAgent(agent: Agent, by: GuardedBy): () => void {
  const choose = chooserOf(by);
  return replaceMethod<RequestTaker['addRequest']>(
    agent,
    'addRequest',
    (addRequest) =>
      function (request, options, ...legacy) {
        const where = connectOptionsOf(this, options);
        guardRequest(request, where, choose, () => addRequest.call(this, request, options, ...legacy));
      },
  );
}
