import type { Order } from './messages.ts';
import { OrderSet } from './order-set.ts';

/** Orders under way at most: 500 at 2 KiB each. One that would pass it is counted as not sent. */
const MAX_IN_FLIGHT = 500;
const GIVE_UP_MS = 10_000;
const ITEMS = ['kettle', 'lamp', 'chair', 'clock', 'radio'] as const;

export interface LoadCounts {
  /** Orders sent to the shop. */
  readonly sent: number;
  /** Answered with 200. */
  readonly charged: number;
  /** Answered with 202 and a receipt. */
  readonly receipts: number;
  /** Answered with an error: the customer knows, and may try again. */
  readonly refused: number;
  /** Without any answer. */
  readonly unanswered: number;
  readonly notSent: number;
  readonly inFlight: number;
}

/** Sends real orders to the shop, `rate` a second whether it keeps up or not, and keeps those it accepted. */
export class Load {
  /** Orders answered with 200 or 202. */
  readonly accepted = new OrderSet();
  readonly #url: string;
  readonly #rate: number;
  readonly #counts = { sent: 0, charged: 0, receipts: 0, refused: 0, unanswered: 0, notSent: 0, inFlight: 0 };
  #timer: NodeJS.Timeout | undefined;
  #startedAt = 0;
  #due = 0;

  constructor(shopUrl: string, rate: number) {
    this.#url = `${shopUrl}/orders`;
    this.#rate = rate;
  }

  get counts(): LoadCounts {
    return { ...this.#counts };
  }

  start(): void {
    this.#startedAt = performance.now();
    this.#timer = setInterval(() => this.#sendDue(), Math.max(5, 1_000 / this.#rate));
  }

  /** Sends no more, and waits for the answers of those under way. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    const end = performance.now() + GIVE_UP_MS;
    while (this.#counts.inFlight > 0 && performance.now() < end)
      await new Promise((resolve) => setTimeout(resolve, 20));
  }

  #sendDue(): void {
    const due = Math.floor(((performance.now() - this.#startedAt) * this.#rate) / 1_000);
    // After a pause of this process it goes on at its rate; what was missed is not sent in one burst.
    for (const end = Math.min(due, this.#due + this.#rate); this.#due < end; this.#due++) {
      if (this.#counts.inFlight >= MAX_IN_FLIGHT) this.#counts.notSent += 1;
      else void this.#send(this.#due);
    }
    this.#due = due;
  }

  async #send(number: number): Promise<void> {
    const order: Order = { number, item: ITEMS[number % ITEMS.length]!, amount: 5 + (number % 90) };
    this.#counts.sent += 1;
    this.#counts.inFlight += 1;
    try {
      const response = await fetch(this.#url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(order),
        signal: AbortSignal.timeout(GIVE_UP_MS),
      });
      // The answer counts from its status on; reading it to the end frees the connection.
      if (response.ok) this.accepted.add(number);
      if (response.status === 200) this.#counts.charged += 1;
      else if (response.status === 202) this.#counts.receipts += 1;
      else this.#counts.refused += 1;
      await response.arrayBuffer();
    } catch {
      this.#counts.unanswered += 1;
    } finally {
      this.#counts.inFlight -= 1;
    }
  }
}
