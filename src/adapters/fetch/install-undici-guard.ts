import { InvalidInputError } from '@switchgear/conventions';
import type { GuardedBy } from '../outgoing/guarded-by.ts';
import { DispatcherGuard } from './dispatcher-guard.ts';

/** By the class of its agents. */
const installed = new WeakMap<object, Map<GuardedBy, () => void>>();

/**
 * Puts breakers around all dispatchers of one copy of undici, from its first request on. Returns what takes them off again. The
 * same `by` is installed once.
 * @param undici the module
 * @throws InvalidInputError where it is none
 * @example const takeOff = installUndiciGuard(await import('undici'), createBreaker('stock'));
 */
export function installUndiciGuard(
  undici: { readonly Agent: { readonly prototype: object } },
  by: GuardedBy,
): () => void {
  const agent = undici?.Agent;
  const known = agent && installed.get(agent)?.get(by);
  if (known) return known;
  const dispatchers = new DispatcherGuard(by);
  if (!dispatchers.guardCopyOf(agent?.prototype)) {
    throw new InvalidInputError([{ field: 'undici', rule: 'must be the module undici', value: typeof undici }]);
  }
  const ofAgent = installed.get(agent) ?? new Map<GuardedBy, () => void>();
  const takeOff = () => {
    ofAgent.delete(by);
    dispatchers.takeOff();
  };
  installed.set(agent, ofAgent.set(by, takeOff));
  return takeOff;
}
