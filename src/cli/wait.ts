import type { Client } from './client.ts';
import { CliFailure, EXIT } from './failure.ts';
import { deliveryLine } from './render.ts';
import { oneLine } from './table.ts';
import type { BreakerDetailItem, Delivery } from './views.ts';

export interface WaitOptions {
  readonly client: Client;
  /** The API path of the breaker. */
  readonly path: string;
  readonly revision: number;
  readonly limitMs: number;
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
}

const POLL_MS = 250;

/**
 * Asks until every live instance has answered for the revision, or a later one.
 * @throws CliFailure (not applied) where one failed, where none is live, or when the time is up.
 */
export async function waitUntilApplied({
  client,
  path,
  revision,
  limitMs,
  now,
  sleep,
}: WaitOptions): Promise<Delivery> {
  const deadline = now() + limitMs;
  for (;;) {
    const { delivery, byInstance } = await client.call<BreakerDetailItem>('GET', path);
    const reached = delivery.revision >= revision;
    if (reached && delivery.failed > 0) {
      const failed = byInstance.find(({ applied }) => applied?.status === 'failed' && applied.revision >= revision);
      const why = failed ? ` ${failed.instance} says: ${failed.applied?.error ?? 'no reason given'}.` : '';
      throw notApplied(`Revision ${revision} is ${deliveryLine(delivery)}.${oneLine(why)}`);
    }
    if (reached && delivery.pending === 0 && delivery.applied > 0) return delivery;
    if (reached && delivery.pending === 0)
      throw notApplied(
        `Revision ${revision} is kept, but no live instance can take it now; it applies when one returns.`,
      );
    if (now() >= deadline)
      throw notApplied(
        `Revision ${revision} is ${deliveryLine(delivery)} after ${limitMs / 1_000} s; the rest may be unreachable: see "switchgear show".`,
      );
    await sleep(POLL_MS);
  }
}

function notApplied(message: string): CliFailure {
  return new CliFailure(EXIT.notApplied, message);
}
