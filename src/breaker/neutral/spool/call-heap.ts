import { MinHeap } from './min-heap.ts';

/** What a heap orders by, and whether an item is still wanted there. */
export interface HeapOrder<Item> {
  readonly of: (item: Item) => number;
  /** Items that are not are passed over, and cleared away before they make up half of the heap. */
  readonly isWanted: (item: Item) => boolean;
}

/**
 * The item with the least number first. An item is taken off by no longer wanting it, which costs nothing; one with the
 * largest number so far is put in at no cost either. 8 bytes an item.
 */
export class CallHeap<Item> {
  readonly #isWanted: (item: Item) => boolean;
  readonly #heap: MinHeap<Item>;
  /** At which it is looked through for what is not wanted any more. */
  #clearAt = 64;

  constructor({ of, isWanted }: HeapOrder<Item>) {
    this.#isWanted = isWanted;
    this.#heap = new MinHeap((a, b) => of(a) < of(b));
  }

  push(item: Item): void {
    if (this.#heap.size >= this.#clearAt) this.#clear();
    this.#heap.push(item);
  }

  /** The first one that is wanted, which stays. */
  peek(): Item | undefined {
    for (let first = this.#heap.peek(); first !== undefined; first = this.#heap.peek()) {
      if (this.#isWanted(first)) return first;
      this.#heap.pop();
    }
    return undefined;
  }

  pop(): Item | undefined {
    return this.peek() === undefined ? undefined : this.#heap.pop();
  }

  #clear(): void {
    this.#heap.retain(this.#isWanted);
    this.#clearAt = Math.max(64, this.#heap.size * 2);
  }
}
