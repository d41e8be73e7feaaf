import type { Receipt } from './receipt.ts';
import type { Replay } from './wire.ts';

/** A call that a buffer wire holds. */
export interface HeldCall {
  readonly receipt: Receipt;
  readonly input: unknown;
  readonly key: string | undefined;
  readonly replay: Replay;
  /** Monotonic ms. */
  readonly divertedAt: number;
  readonly sizeBytes: number;
  /** Replays that were tried and failed. */
  attempts: number;
}

/** Holds calls in memory, oldest first: they end with the process. Memory: `sizeBytes` plus about 300 bytes a call. */
export class MemorySpool {
  /** A queue with a moving head: `shift()` on a long array costs a copy. */
  #held: (HeldCall | undefined)[] = [];
  #head = 0;
  #sizeBytes = 0;

  get depth(): number {
    return this.#held.length - this.#head;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  append(call: HeldCall): void {
    this.#held.push(call);
    this.#sizeBytes += call.sizeBytes;
  }

  /** The oldest, which stays where it is. */
  peek(): HeldCall | undefined {
    return this.#held[this.#head];
  }

  removeOldest(): void {
    const oldest = this.#held[this.#head];
    if (!oldest) return;
    this.#sizeBytes -= oldest.sizeBytes;
    this.#held[this.#head++] = undefined;
    if (this.#head > 64 && this.#head * 2 > this.#held.length) {
      this.#held = this.#held.slice(this.#head);
      this.#head = 0;
    }
  }
}
