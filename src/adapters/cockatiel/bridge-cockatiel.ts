import { type ReportedBreaker, type ReportOptions, reportBreaker } from '@switchgear/breaker';
import type { CockatielBreaker } from './cockatiel-breaker.ts';
import { CockatielSource } from './cockatiel-source.ts';

export interface CockatielBridgeOptions extends ReportOptions {
  /** 1 to 120 characters, unique in the process, the same on every instance of the service. */
  readonly name: string;
}

/**
 * Has a circuit breaker policy of cockatiel report under Switchgear's names and be held open from the control plane. It behaves
 * as before. Of policies that are wrapped together, give it the circuit breaker.
 * @throws InvalidInputError for a name that breaks its rule
 */
export function bridgeCockatiel(
  policy: CockatielBreaker,
  { name, ...options }: CockatielBridgeOptions,
): ReportedBreaker {
  return reportBreaker(name, new CockatielSource(policy), options);
}
