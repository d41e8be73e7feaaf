import { BreakerClosedDownError, BreakerLimitError, BreakerOpenError, CallTimeoutError } from '@switchgear/breaker';
import { AxiosError, type InternalAxiosRequestConfig, isAxiosError } from 'axios';

/**
 * What a breaker rejects with, in the way of axios, whose callers look for `isAxiosError`, `code`, `config` and a missing `response`. A call
 * that took too long has the code that axios has for it; the breaker's own error is the `cause`. Other errors stay the same.
 */
export function asAxiosError(error: unknown, config: InternalAxiosRequestConfig): unknown {
  if (error instanceof CallTimeoutError) return AxiosError.from(error, AxiosError.ETIMEDOUT, config);
  // It may have been sent with another, which is no business of its caller's.
  if (isAxiosError(error)) error.config = config;
  const isBreakers =
    error instanceof BreakerOpenError || error instanceof BreakerLimitError || error instanceof BreakerClosedDownError;
  return isBreakers ? AxiosError.from(error, error.code, config) : error;
}
