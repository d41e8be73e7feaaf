/** Different reasons that one answer spells out; further ones are only counted. */
const MAX_REASONS = 8;

/** What was turned away out of one request, and why, in the words of a `partial_success` message. */
export class Rejections {
  readonly #reasons = new Map<string, number>();
  #count = 0;
  #unnamed = 0;

  /** Data points, log records or spans turned away so far. */
  get count(): number {
    return this.#count;
  }

  add(reason: string, count = 1): void {
    if (count === 0) return;
    this.#count += count;
    const known = this.#reasons.get(reason);
    if (known !== undefined || this.#reasons.size < MAX_REASONS) this.#reasons.set(reason, (known ?? 0) + count);
    else this.#unnamed += count;
  }

  /** One sentence per reason with its count: "3 of `breaker.calls`: must be cumulative, …". */
  message(): string {
    const sentences = Array.from(this.#reasons, ([reason, count]) => `${reason} (${count})`);
    if (this.#unnamed > 0) sentences.push(`for further reasons (${this.#unnamed})`);
    return sentences.join('; ');
  }
}
