import type { GuardedBy } from '../outgoing/guarded-by.ts';
export type BreakerInterceptor = <Dispatch extends (options: never, handler: never) => boolean>(
  dispatch: Dispatch,
) => Dispatch;
export function breakerInterceptor(_by: GuardedBy): BreakerInterceptor {
  return (dispatch) => dispatch;
}
