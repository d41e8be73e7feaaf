import CircuitBreaker from 'opossum';
import { ending } from '../../support/ending.ts';

export class Unwell extends Error {
  override readonly name = 'Unwell';
}

export type Order = 'well' | 'fail' | 'throw' | 'hang' | 'known' | Promise<unknown>;

/** What the guarded function does is what it is called with. A `known` error is one that the filter lets pass. */
export function answer(order: Order): Promise<unknown> {
  if (order === 'throw') throw new Unwell('at once');
  if (order === 'hang') return new Promise(() => {});
  if (order === 'well') return Promise.resolve('well');
  return typeof order === 'string' ? Promise.reject(new Unwell(order)) : order;
}

/** A breaker that opens at the second failure of two, and is open for a second. */
export function makeOpossum(
  options: CircuitBreaker.Options<[Order]> = {},
  name = 'stock',
): CircuitBreaker<[Order], unknown> {
  return new CircuitBreaker(answer, {
    name,
    timeout: 100,
    resetTimeout: 1_000,
    volumeThreshold: 2,
    errorFilter: (error: Error) => error.message === 'known',
    ...options,
  });
}

/** Opens a breaker by its own judgement. */
export async function failTwice(breaker: CircuitBreaker<[Order], unknown>): Promise<void> {
  for (let call = 0; call < 2; call++) await ending(breaker.fire('fail'));
}
