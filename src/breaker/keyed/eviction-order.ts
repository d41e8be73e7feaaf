/** One of an `EvictionOrder`, which keeps its place in these fields. */
export interface Evictable<Self> {
  /** Monotonic ms at which it was last asked for. */
  askedAt: number;
  older: Self | undefined;
  newer: Self | undefined;
  /** Nothing goes on in it and nothing is known of it that matters: it goes first. */
  isAtRest(): boolean;
  /** It may go when nobody has asked for it in a long time. */
  mayGoIdle(): boolean;
}

/** Looks a search costs on the average at most, however often it begins anew. */
const LOOKS = 8;

/**
 * Who goes next: those at rest or idle first, of these and of the others the one that was asked for longest ago. A linked list by
 * the time of asking. Those that were found busy are not looked at again for a while, so that a search takes a few looks
 * on the average, however many are busy.
 */
export class EvictionOrder<Item extends Evictable<Item>> {
  readonly #idleMs: number;
  #oldest: Item | undefined = undefined;
  #newest: Item | undefined = undefined;
  #size = 0;
  /** All that are older were found busy. */
  #search: Item | undefined = undefined;
  #searches = 0;
  /** Where the look for idle ones goes on. */
  #look: Item | undefined = undefined;

  /** @param idleMs an item that nobody has asked for in that time is idle */
  constructor(idleMs: number) {
    this.#idleMs = idleMs;
  }

  add(item: Item, now: number): void {
    item.askedAt = now;
    item.older = this.#newest;
    if (this.#newest) this.#newest.newer = item;
    else this.#oldest = item;
    this.#newest = item;
    this.#search ??= item;
    this.#size += 1;
  }

  /** It was asked for. */
  touch(item: Item, now: number): void {
    item.askedAt = now;
    if (item === this.#newest) return;
    this.remove(item);
    this.add(item, now);
  }

  remove(item: Item): void {
    const { older, newer } = item;
    if (older) older.newer = newer;
    else this.#oldest = newer;
    if (newer) newer.older = older;
    else this.#newest = older;
    if (this.#search === item) this.#search = newer;
    if (this.#look === item) this.#look = newer;
    item.older = undefined;
    item.newer = undefined;
    this.#size -= 1;
  }

  /** Which is to go to make room; undefined where there is none. */
  victim(now: number): Item | undefined {
    this.#searches += 1;
    if (this.#searches * LOOKS >= this.#size) {
      this.#searches = 0;
      this.#search = this.#oldest;
    }
    for (; this.#search; this.#search = this.#search.newer) {
      if (this.#search.isAtRest() || this.isOver(this.#search, now)) return this.#search;
    }
    return this.#oldest;
  }

  /** It is idle and may go. */
  isOver(item: Item, now: number): boolean {
    return now - item.askedAt >= this.#idleMs && item.mayGoIdle();
  }

  /** One that is over, looking at one or two: where each asking looks, all are looked at in turn. */
  nextOver(now: number): Item | undefined {
    for (let looks = 0; looks < 2; looks++) {
      const item = this.#look ?? this.#oldest;
      if (!item || now - item.askedAt < this.#idleMs) {
        this.#look = undefined;
        return undefined;
      }
      this.#look = item.newer;
      if (item.mayGoIdle()) return item;
    }
    return undefined;
  }

  /** All that are over. */
  allOver(now: number): readonly Item[] {
    const over: Item[] = [];
    for (let item = this.#oldest; item && now - item.askedAt >= this.#idleMs; item = item.newer) {
      if (item.mayGoIdle()) over.push(item);
    }
    return over;
  }
}
