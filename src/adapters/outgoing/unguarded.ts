import { AsyncLocalStorage } from 'node:async_hooks';
import { context, createContextKey } from '@opentelemetry/api';

const unguardedCalls = new AsyncLocalStorage<true>();

/** The key by which OpenTelemetry marks its own exports; its description is what makes it the same in every copy of the API. */
const SUPPRESS_TRACING = createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING');

/** Runs `run` so that no adapter puts a breaker around its calls: they are a breaker's own, or have one already. */
export function unguarded<T>(run: () => T): T {
  return unguardedCalls.run(true, run);
}

/** Whether calls made here are to be left alone: inside `unguarded`, or an exporter of OpenTelemetry at work. */
export function isUnguarded(): boolean {
  return unguardedCalls.getStore() === true || context.active().getValue(SUPPRESS_TRACING) === true;
}
