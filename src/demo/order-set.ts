const FIRST_BYTES = 1_024;

/** A set of order numbers, one bit each: a day at 40 orders a second takes 432 KB, so a run may last as long as it likes. */
export class OrderSet {
  #bits = new Uint8Array(FIRST_BYTES);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(order: number): boolean {
    return ((this.#bits[order >> 3] ?? 0) & (1 << (order & 7))) !== 0;
  }

  /** Returns false where it was in the set already. */
  add(order: number): boolean {
    if (this.has(order)) return false;
    const index = order >> 3;
    if (index >= this.#bits.length) {
      const grown = new Uint8Array(Math.max(this.#bits.length * 2, index + 1));
      grown.set(this.#bits);
      this.#bits = grown;
    }
    this.#bits[index] = this.#bits[index]! | (1 << (order & 7));
    this.#size += 1;
    return true;
  }

  /** How many of this set are not in `other`. */
  missingFrom(other: OrderSet): number {
    let missing = 0;
    for (let index = 0; index < this.#bits.length; index++) {
      missing += bitsIn(this.#bits[index]! & ~(other.#bits[index] ?? 0));
    }
    return missing;
  }
}

function bitsIn(byte: number): number {
  let count = 0;
  for (let rest = byte & 0xff; rest > 0; rest &= rest - 1) count += 1;
  return count;
}
