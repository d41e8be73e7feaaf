import { AsyncLocalStorage } from 'node:async_hooks';
import { context, createContextKey } from '@opentelemetry/api';

/** What the calls of a context are marked by. A connection that is opened there takes the mark along for its whole life. */
interface Mark {
  isOver: boolean;
}

const unguardedCalls = new AsyncLocalStorage<Mark>();

/** The key by which OpenTelemetry marks its own exports; its description is what makes it the same in every copy of the API. */
const SUPPRESS_TRACING = createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING');

/** Runs `run` so that no adapter puts a breaker around its calls: they are a breaker's own, or have one already. */
export function unguarded<T>(run: () => T): T {
  return unguardedCalls.run({ isOver: false }, run);
}

/** The same until the promise settles: what goes on in its context after that, such as on a connection it opened, is guarded. */
export async function unguardedUntilSettled<T>(run: () => Promise<T>): Promise<T> {
  const mark = { isOver: false };
  try {
    return await unguardedCalls.run(mark, run);
  } finally {
    mark.isOver = true;
  }
}

/** Whether calls made here are to be left alone: inside `unguarded`, or an exporter of OpenTelemetry at work. */
export function isUnguarded(): boolean {
  return unguardedCalls.getStore()?.isOver === false || context.active().getValue(SUPPRESS_TRACING) === true;
}
