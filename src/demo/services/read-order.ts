import { InvalidInputError, integer, object, text } from '@switchgear/conventions';
import { MAX_ORDER_NUMBER, type Order } from '../messages.ts';

const check = object({ number: integer(0, MAX_ORDER_NUMBER), item: text(1, 50), amount: integer(1, 1_000_000) });

/** @throws InvalidInputError naming each field that breaks its rule */
export function readOrder(body: unknown): Order {
  const problems = check(body, '');
  if (problems.length > 0) throw new InvalidInputError(problems);
  return body as Order;
}
