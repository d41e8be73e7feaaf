import { InvalidInputError, type ReportedBreaker, type ReportOptions, reportBreaker } from '@switchgear/breaker';
import type { OpossumBreaker } from './opossum-breaker.ts';
import { OpossumSource } from './opossum-source.ts';

export interface OpossumBridgeOptions extends ReportOptions {
  /** 1 to 120 characters, unique in the process; default: the breaker's own name. */
  readonly name?: string;
}

/** What opossum calls a breaker whose function has no name: another one at each start, which no series should have. */
const MADE_UP = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/**
 * Has a breaker of opossum report under Switchgear's names and be steered from the control plane. It behaves as before, and
 * its `shutdown()` closes the bridge.
 * @throws InvalidInputError for a name that breaks its rule or that opossum made up, and for a breaker that was shut down
 */
export function bridgeOpossum(
  breaker: OpossumBreaker,
  { name = breaker.name, ...options }: OpossumBridgeOptions = {},
): ReportedBreaker {
  if (breaker.isShutdown) refuse('breaker', 'must not be shut down', name);
  if (MADE_UP.test(name)) refuse('name', 'must be given: the breaker has none but one that opossum made up', name);
  const bridge = reportBreaker(name, new OpossumSource(breaker, () => void bridge.close()), options);
  return bridge;
}

function refuse(field: string, rule: string, value: unknown): never {
  throw new InvalidInputError([{ field, rule, value }]);
}
