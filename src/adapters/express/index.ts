export { type BreakerErrorsOptions, breakerErrors } from './breaker-errors.ts';
export { type GuardRouteOptions, guardRoute } from './guard-route.ts';
