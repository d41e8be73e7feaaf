import type { GuardedBy } from '../outgoing/guarded-by.ts';
import type { Dispatch, DispatchHandler, DispatchOptions } from './dispatcher.ts';
import { guardDispatch } from './guard-dispatch.ts';

/** Fits `compose` of undici's dispatchers. */
export type BreakerInterceptor = <Given extends (options: never, handler: never) => boolean>(dispatch: Given) => Given;

/**
 * Breakers for what goes through a dispatcher of undici: `request`, `stream`, `pipeline` and `fetch`. Callers of `request` get BreakerOpenError
 * itself; those of `fetch` get `TypeError: fetch failed`, with it as the `cause`. Of a request that `fetch` redirects each
 * step is a call. The last interceptor of `compose` is the outermost: one that retries belongs before this one where its attempts are to count as
 * one call, and after it where each is to be counted.
 * @example const agent = new Agent().compose(breakerInterceptor(createBreaker('stock')));
 */
export function breakerInterceptor(by: GuardedBy): BreakerInterceptor {
  return (given, origin?: string | URL | null) => {
    const dispatch = given as unknown as Dispatch;
    // `compose` wants a function of two parameters.
    const guarded = (options: DispatchOptions, handler: DispatchHandler) =>
      guardDispatch(dispatch, by, options, handler, origin ?? undefined);
    return guarded as unknown as typeof given;
  };
}
