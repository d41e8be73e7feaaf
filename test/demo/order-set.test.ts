import fc from 'fast-check';
import { expect, test } from 'vitest';
import { OrderSet } from '../../src/demo/order-set.ts';

const numbers = fc.array(fc.integer({ min: 0, max: 50_000 }), { maxLength: 200 });

test('it holds what a Set holds', () => {
  fc.assert(
    fc.property(numbers, (orders) => {
      const plain = new Set<number>();
      const set = new OrderSet();
      for (const order of orders) {
        expect(set.add(order)).toBe(!plain.has(order));
        plain.add(order);
      }
      expect(set.size).toBe(plain.size);
      for (const order of plain) expect(set.has(order)).toBe(true);
      expect(set.has(50_001)).toBe(false);
    }),
  );
});

test('what is missing is what the other does not have, however long each is', () => {
  fc.assert(
    fc.property(numbers, numbers, (accepted, charged) => {
      const expected = [...new Set(accepted)].filter((order) => !charged.includes(order)).length;
      expect(setOf(accepted).missingFrom(setOf(charged))).toBe(expected);
    }),
  );
});

function setOf(orders: readonly number[]): OrderSet {
  const set = new OrderSet();
  for (const order of orders) set.add(order);
  return set;
}
