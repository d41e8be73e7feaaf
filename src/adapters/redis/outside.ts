import { AsyncLocalStorage } from 'node:async_hooks';

/** Runs a function outside every async context: what is asked in the background belongs to no request's trace. */
export const outside: (run: () => void) => void = AsyncLocalStorage.snapshot();
