import type { BreakerLimitError, BreakerOpenError, CallTimeoutError } from '@switchgear/breaker';

/** An error by which a breaker ends a call. */
export type BreakerError = BreakerOpenError | BreakerLimitError | CallTimeoutError;

const CODES = new Set<unknown>(['BREAKER_OPEN', 'BREAKER_LIMITED', 'BREAKER_TIMEOUT'] satisfies BreakerError['code'][]);

/** How far down `cause` and the `errors` of an AggregateError it is looked for, and among how many errors. */
const MOST_LEVELS = 8;
const MOST_ERRORS = 64;

/** The breaker's error that an error is, or that it was caused by: the one nearest to it. Clients wrap what they reject with. */
export function findBreakerError(error: unknown): BreakerError | undefined {
  let level = [error];
  let looked = 0;
  for (let depth = 0; depth < MOST_LEVELS && level.length > 0 && looked < MOST_ERRORS; depth++) {
    const found = level.find(isBreakerError);
    if (found) return found;
    looked += level.length;
    level = level.flatMap(causesOf).slice(0, MOST_ERRORS - looked);
  }
  return undefined;
}

/** By its fields: it may come from another copy of the breaker. */
function isBreakerError(error: unknown): error is BreakerError {
  return (
    isObject(error) &&
    'breaker' in error &&
    typeof error.breaker === 'string' &&
    'code' in error &&
    CODES.has(error.code)
  );
}

function causesOf(error: unknown): unknown[] {
  if (!isObject(error)) return [];
  const causes = 'errors' in error && Array.isArray(error.errors) ? error.errors.slice(0, MOST_ERRORS) : [];
  return 'cause' in error ? [error.cause, ...causes] : causes;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
