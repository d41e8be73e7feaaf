import { describe, expect, test } from 'vitest';
import { type Evictable, EvictionOrder } from '../../../src/breaker/keyed/eviction-order.ts';

class Item implements Evictable<Item> {
  readonly name: string;
  askedAt = 0;
  older: Item | undefined = undefined;
  newer: Item | undefined = undefined;
  busy: boolean;
  looks = 0;

  constructor(name: string, busy = false) {
    this.name = name;
    this.busy = busy;
  }

  isAtRest(): boolean {
    this.looks += 1;
    return !this.busy;
  }

  mayGoIdle(): boolean {
    this.looks += 1;
    return !this.busy;
  }
}

const IDLE_MS = 1_000;

function orderOf(count: number, busy: boolean) {
  const order = new EvictionOrder<Item>(IDLE_MS);
  const items = Array.from({ length: count }, (_, index) => new Item(`item-${index}`, busy));
  for (const item of items) order.add(item, 0);
  return { order, items };
}

describe('the order of eviction', () => {
  test('where all rest, they go one after the other', () => {
    const { order, items } = orderOf(100, false);
    for (const item of items) {
      expect(order.victim(0)?.name).toBe(item.name);
      order.remove(item);
    }
    expect(order.victim(0)).toBeUndefined();
  });

  test('one at rest is found behind a thousand that are busy', () => {
    const { order } = orderOf(1_000, true);
    const rests = new Item('rests');
    order.add(rests, 0);
    expect(order.victim(0)).toBe(rests);
  });

  test('one that is idle and may go goes before a fresh one at rest', () => {
    const { order, items } = orderOf(1, true);
    items[0]!.mayGoIdle = () => true;
    const rests = new Item('rests');
    order.add(rests, IDLE_MS);
    expect(order.victim(IDLE_MS - 1)).toBe(rests);
    expect(order.victim(IDLE_MS)).toBe(items[0]);
  });

  test('one at rest that comes after all were found busy goes first', () => {
    const { order, items } = orderOf(100, true);
    expect(order.victim(0)).toBe(items[0]);
    const rests = new Item('rests');
    order.add(rests, 0);
    expect(order.victim(0)).toBe(rests);
  });

  test('one that has come to rest is found in the end', () => {
    const { order, items } = orderOf(100, true);
    order.victim(0);
    items[50]!.busy = false;
    const victims = Array.from({ length: 100 }, () => order.victim(0));
    expect(victims).toContain(items[50]);
  });

  test('a search among thousands that are busy takes a few looks on the average', () => {
    const { order, items } = orderOf(10_000, true);
    for (let searches = 0; searches < 10_000; searches++) order.victim(0);
    expect(items.reduce((sum, { looks }) => sum + looks, 0)).toBeLessThan(10_000 * 10);
  });

  test('all that are over are found one by one, busy ones between them too', () => {
    const { order, items } = orderOf(100, false);
    for (const item of items.slice(0, 50)) item.busy = true;
    const found = new Set<Item>();
    for (let asked = 0; asked < 100; asked++) {
      const over = order.nextOver(IDLE_MS);
      if (!over) continue;
      found.add(over);
      order.remove(over);
    }
    expect(found.size).toBe(50);
    expect(order.allOver(IDLE_MS)).toEqual([]);
  });

  test('the look for idle ones goes on where one was asked for meanwhile', () => {
    const { order, items } = orderOf(4, true);
    items[2]!.busy = false;
    items[3]!.busy = false;
    expect(order.nextOver(IDLE_MS)).toBeUndefined();
    order.touch(items[2]!, IDLE_MS);
    expect(order.nextOver(IDLE_MS)).toBe(items[3]);
  });

  test('one is idle from idleMs on, not before', () => {
    const { order, items } = orderOf(1, false);
    expect([order.isOver(items[0]!, IDLE_MS - 1), order.isOver(items[0]!, IDLE_MS)]).toEqual([false, true]);
    expect(order.nextOver(IDLE_MS - 1)).toBeUndefined();
    expect(order.nextOver(IDLE_MS)).toBe(items[0]);
  });
});
