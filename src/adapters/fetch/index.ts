export type { GuardedBy } from '../outgoing/guarded-by.ts';
export type { OutgoingCall } from '../outgoing/outgoing-call.ts';
export { type BreakerInterceptor, breakerInterceptor } from './breaker-interceptor.ts';
export { type FetchLike, guardFetch } from './guard-fetch.ts';
export { installFetchGuard, installUndiciGuard } from './install-fetch-guard.ts';
