import type { ClientRequest } from 'node:http';
import type { ChooseBreaker } from '../outgoing/guarded-by.ts';
import { isUnguarded } from '../outgoing/unguarded.ts';
import { ClientHttpRequest } from './client-http-request.ts';
import { GuardedRequest } from './guarded-request.ts';
import type { ConnectOptions } from './node-internals.ts';

/** Requests that came past a guard before, guarded or not: one call is counted by one breaker. */
const seen = new WeakSet<ClientRequest>();

export function wasSeen(request: ClientRequest): boolean {
  return seen.has(request);
}

/**
 * Has a request sent under its breaker, or at once where none guards it.
 * @param send makes node:http send it; called before this returns where the request is let through
 */
export function guardRequest(
  request: ClientRequest,
  options: ConnectOptions,
  choose: ChooseBreaker,
  send: () => void,
): void {
  const call = seen.has(request) ? undefined : asCall(request, options);
  const breaker = call && choose(call);
  if (breaker) new GuardedRequest(request, breaker, call, send).start();
  else send();
}

/** Undefined where it is to be left alone, as one whose caller's signal was aborted already. */
function asCall(request: ClientRequest, options: ConnectOptions): ClientHttpRequest | undefined {
  seen.add(request);
  return request.destroyed || isUnguarded() ? undefined : new ClientHttpRequest(request, options);
}
