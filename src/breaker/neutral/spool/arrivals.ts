import type { SpooledCall } from './spool.ts';

/** Few enough to be looked through in no time. */
const CALLS_A_CHUNK = 1_024;

interface Chunk {
  calls: (SpooledCall | undefined)[];
  /** Where the first one is that has not been taken out. */
  first: number;
  /** Wall time, ms, before which none of them expires. */
  expiresAt: number;
}

/** Calls in the order in which they came, of which nothing else has been asked yet: 8 bytes a call. */
export class Arrivals {
  #chunks: Chunk[] = [];
  #last: Chunk | undefined = undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(call: SpooledCall): void {
    let last = this.#last;
    if (last === undefined || last.calls.length === CALLS_A_CHUNK) {
      last = { calls: [], first: 0, expiresAt: Number.POSITIVE_INFINITY };
      this.#chunks.push(last);
      this.#last = last;
    }
    last.calls.push(call);
    const { expiresAt } = call;
    if (expiresAt < last.expiresAt) last.expiresAt = expiresAt;
    this.#size += 1;
  }

  /** The first one, which stays. */
  peek(): SpooledCall | undefined {
    const [chunk] = this.#chunks;
    return chunk?.calls[chunk.first];
  }

  shift(): SpooledCall | undefined {
    const [chunk] = this.#chunks;
    if (!chunk) return undefined;
    const call = chunk.calls[chunk.first];
    chunk.calls[chunk.first++] = undefined;
    this.#size -= 1;
    if (chunk.first === chunk.calls.length) {
      this.#chunks.shift();
      if (this.#chunks.length === 0) this.#last = undefined;
    }
    return call;
  }

  /** Takes out those that have expired by `now`, first come first. */
  shiftExpired(now: number): SpooledCall[] {
    const expired = this.#chunks.filter((chunk) => chunk.expiresAt <= now).flatMap((chunk) => takeExpired(chunk, now));
    if (expired.length === 0) return expired;
    this.#chunks = this.#chunks.filter(({ calls }) => calls.length > 0);
    this.#last = this.#chunks.at(-1);
    this.#size -= expired.length;
    return expired;
  }

  /** The first ones, which stay. */
  head(limit: number): SpooledCall[] {
    const head: SpooledCall[] = [];
    for (const { calls, first } of this.#chunks) {
      if (head.length >= limit) break;
      head.push(...(calls.slice(first, first + limit - head.length) as SpooledCall[]));
    }
    return head;
  }
}

function takeExpired(chunk: Chunk, now: number): SpooledCall[] {
  const calls = chunk.calls.slice(chunk.first) as SpooledCall[];
  const left = calls.filter(({ expiresAt }) => expiresAt > now);
  chunk.calls = left;
  chunk.first = 0;
  chunk.expiresAt = left.reduce((soonest, { expiresAt }) => Math.min(soonest, expiresAt), Number.POSITIVE_INFINITY);
  return calls.filter(({ expiresAt }) => expiresAt <= now);
}
