import { InvalidInputError } from '@switchgear/conventions';
import { addReported, isNameTaken, removeReported } from '../registry.ts';
import type { ForeignBreaker } from './foreign-breaker.ts';
import { type ReportOptions, validateReport } from './foreign-options.ts';
import { ReportedBreaker } from './reported-breaker.ts';

/**
 * Has a breaker of another library report under this one's names, and puts it in the fleet: the control plane sees it, and
 * steers it as far as its library lets it. It behaves as before.
 * @param name 1 to 120 characters, unique among the breakers and groups of the process, the same on every instance
 * @throws InvalidInputError naming each thing that breaks its rule
 */
export function reportBreaker(name: string, source: ForeignBreaker, options: ReportOptions = {}): ReportedBreaker {
  const valid = validateReport(name, source, options);
  if (isNameTaken(name)) {
    const rule = 'must be unique in the process; a breaker or a group of that name exists (close() it first)';
    throw new InvalidInputError([{ field: 'name', rule, value: name }]);
  }
  const breaker = new ReportedBreaker(name, source, valid, removeReported);
  addReported(breaker);
  return breaker;
}
