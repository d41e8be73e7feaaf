export { type BreakerInterceptor, breakerInterceptor } from './breaker-interceptor.ts';
export { type FetchLike, guardFetch } from './guard-fetch.ts';
export { installFetchGuard } from './install-fetch-guard.ts';
export { installUndiciGuard } from './install-undici-guard.ts';
