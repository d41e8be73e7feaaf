import { InvalidInputError } from '@switchgear/conventions';
import { Breaker } from './breaker.ts';
import type { NeutralWire } from './neutral/wire.ts';
import type { BreakerOptions } from './options.ts';
import { addBreaker, isNameTaken, removeBreaker, tellRedefined } from './registry.ts';

const LISTING = { closed: removeBreaker, redefined: tellRedefined };

/**
 * Makes a breaker and registers it under its name.
 * @param name 1 to 120 characters, unique in the process, the same on every instance of the service
 * @throws InvalidInputError naming each option that breaks its rule
 */
export function createBreaker<const Wires extends readonly NeutralWire[] = readonly []>(
  name: string,
  options: BreakerOptions<Wires> = {},
): Breaker<Wires> {
  if (typeof options !== 'object' || options === null) {
    throw new InvalidInputError([{ field: 'options', rule: 'must be an object', value: options }]);
  }
  // One breaker per name and process: its name is what tells its series apart.
  if (isNameTaken(name)) {
    const rule = 'must be unique in the process; a breaker or a group of that name exists (close() it first)';
    throw new InvalidInputError([{ field: 'name', rule, value: name }]);
  }
  const breaker = new Breaker<Wires>(name, options, LISTING);
  addBreaker(breaker as unknown as Breaker);
  return breaker;
}
