import { diag } from '@opentelemetry/api';
import { allBreakers, allKeyedBreakers, allReportedBreakers } from '@switchgear/breaker';

/**
 * Closes the breakers of the process. Their buffers have `drainForMs` to empty themselves, all at the same time: a durable spool
 * keeps what is left, and what memory gives up is told to `diag`, one line a breaker.
 * @param flush a last export, once all numbers are final and before the breakers' series end
 */
export async function closeBreakers(drainForMs: number, flush: () => Promise<void>): Promise<void> {
  const all = [...allBreakers(), ...allReportedBreakers(), ...allKeyedBreakers()];
  const flushed = Promise.withResolvers<void>();
  const drained = new Set<object>();
  let hasBegun = false;
  const arrive = (one: object): Promise<void> => {
    drained.add(one);
    if (drained.size === all.length && !hasBegun) {
      hasBegun = true;
      void flush().finally(() => flushed.resolve());
    }
    return flushed.promise;
  };
  const ends = all.map(async (one) => {
    try {
      await one.close({ drainForMs, lastLook: () => arrive(one) });
    } finally {
      // Another one closes it already, or it could not be closed: nobody waits for it.
      void arrive(one);
    }
  });
  for (const end of await Promise.allSettled(ends)) {
    if (end.status === 'rejected') diag.error(`A breaker did not close: ${(end.reason as Error).message}`);
  }
}
