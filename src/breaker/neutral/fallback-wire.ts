import { breakerName, InvalidInputError } from '@switchgear/conventions';
import { isThenable } from './thenable.ts';
import type { DivertedCall, NeutralWire, WireAnswer } from './wire.ts';

export interface FallbackWireOptions {
  /** Default `fallback`. */
  readonly name?: string;
}

/**
 * A wire that answers diverted calls another way.
 * @param handler returns the answer or a promise of it; where it throws, the next wire is asked
 */
export function fallbackWire<Answer>(
  handler: (call: DivertedCall) => Answer,
  { name = 'fallback' }: FallbackWireOptions = {},
): NeutralWire<Awaited<Answer>> {
  const problems = breakerName(name, 'name');
  if (typeof handler !== 'function') problems.push({ field: 'handler', rule: 'must be a function', value: handler });
  if (problems.length > 0) throw new InvalidInputError(problems);
  return {
    name,
    kind: 'fallback',
    take(call) {
      const answer = handler(call) as Awaited<Answer> | PromiseLike<Awaited<Answer>>;
      return isThenable(answer) ? Promise.resolve(answer).then(served) : served(answer);
    },
  };
}

function served<Value>(value: Value): WireAnswer<Value> {
  return { outcome: 'served', value };
}
