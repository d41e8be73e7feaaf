import { AsyncLocalStorage } from 'node:async_hooks';

/** Runs a function outside every async context: in the one that held when this module was loaded. */
export const outside: (run: () => void) => void = AsyncLocalStorage.snapshot();
