/** What a heap orders by, and whether an item is still wanted there. */
export interface HeapOrder<Item> {
  of(item: Item): number;
  /** Items that are not are passed over, and cleared away before they make up half of the heap. */
  isWanted(item: Item): boolean;
}

/**
 * The item with the least number first. An item is taken off by no longer wanting it, which costs nothing; one with the
 * largest number so far is put in at no cost either. 8 bytes an item.
 */
export class CallHeap<Item> {
  readonly #order: HeapOrder<Item>;
  #items: Item[] = [];
  /** At which it is looked through for what is not wanted any more. */
  #clearAt = 64;

  constructor(order: HeapOrder<Item>) {
    this.#order = order;
  }

  push(item: Item): void {
    if (this.#items.length >= this.#clearAt) this.#clear();
    this.#items.push(item);
    this.#rise(this.#items.length - 1);
  }

  /** The first one that is wanted, which stays. */
  peek(): Item | undefined {
    for (let first = this.#items[0]; first !== undefined; first = this.#items[0]) {
      if (this.#order.isWanted(first)) return first;
      this.#removeFirst();
    }
    return undefined;
  }

  pop(): Item | undefined {
    const first = this.peek();
    if (first !== undefined) this.#removeFirst();
    return first;
  }

  #removeFirst(): void {
    const last = this.#items.pop() as Item;
    if (this.#items.length === 0) return;
    this.#items[0] = last;
    this.#sink(0);
  }

  #clear(): void {
    this.#items = this.#items.filter((item) => this.#order.isWanted(item));
    for (let index = (this.#items.length >> 1) - 1; index >= 0; index--) this.#sink(index);
    this.#clearAt = Math.max(64, this.#items.length * 2);
  }

  #rise(from: number): void {
    const items = this.#items;
    const item = items[from]!;
    const number = this.#order.of(item);
    let index = from;
    while (index > 0) {
      const above = (index - 1) >> 1;
      if (this.#order.of(items[above]!) <= number) break;
      items[index] = items[above]!;
      index = above;
    }
    items[index] = item;
  }

  #sink(from: number): void {
    const items = this.#items;
    const item = items[from]!;
    const number = this.#order.of(item);
    let index = from;
    for (;;) {
      let below = index * 2 + 1;
      if (below >= items.length) break;
      if (below + 1 < items.length && this.#order.of(items[below + 1]!) < this.#order.of(items[below]!)) below += 1;
      if (this.#order.of(items[below]!) >= number) break;
      items[index] = items[below]!;
      index = below;
    }
    items[index] = item;
  }
}
