import { breakerName, type Check, InvalidInputError, integer, object } from '@switchgear/conventions';
import { WireRefusedError } from '../errors.ts';
import { type DeadCall, Drain } from './drain.ts';
import { type HeldCall, MemorySpool } from './memory-spool.ts';
import { createReceipt, type Receipt } from './receipt.ts';
import type { DivertedCall, NeutralWire, WireHost } from './wire.ts';

export interface BufferWireOptions {
  /** Default `buffer`. */
  readonly name?: string;
  /** Most calls held at a time, 1 to 1,000,000; default 1,000. A call beyond it is refused and its caller gets the error. */
  readonly capacity?: number;
  /** Most bytes of input held at a time, 1 to 2^31 - 1; default 16 MiB. */
  readonly maxBytes?: number;
  /** Milliseconds after which a held call is given up, 1 to 86,400,000; default 3,600,000 (an hour). */
  readonly ttlMs?: number;
  /** Replays of one call before it is dead, 1 to 1,000; default 5. */
  readonly maxAttempts?: number;
  /** Most replays a second, 1 to 100,000; default 50. Live calls go on beside them. */
  readonly drainPerSecond?: number;
  /** Bytes one input takes; default: the length of its JSON. */
  readonly sizeOf?: (input: unknown) => number;
  /** Takes a call that is dead. Without it, or where it throws, the call counts as dropped, reason `exhausted`. */
  readonly onDead?: (call: DeadCall) => void | Promise<void>;
}

const MOST_BYTES = 2 ** 31 - 1;
const isFunction: Check = (value, field) =>
  typeof value === 'function' ? [] : [{ field, rule: 'must be a function', value }];
const checkOptions = object(
  {},
  {
    name: breakerName,
    capacity: integer(1, 1_000_000),
    maxBytes: integer(1, MOST_BYTES),
    ttlMs: integer(1, 86_400_000),
    maxAttempts: integer(1, 1_000),
    drainPerSecond: integer(1, 100_000),
    sizeOf: isFunction,
    onDead: isFunction,
  },
);

/**
 * A wire that takes calls of `protect`ed functions in, answers each caller at once with a receipt, and replays the calls
 * in their order once the breaker is closed again, at most `drainPerSecond`. Held in memory: what is still held when
 * the process ends without `close()` is lost. A replayed call may run more than once, so make it idempotent.
 * @throws InvalidInputError for an option out of its range
 */
export function bufferWire(options: BufferWireOptions = {}): NeutralWire<Receipt> {
  const problems = checkOptions(options, '');
  if (problems.length > 0) throw new InvalidInputError(problems);
  return new BufferWire(options);
}

class BufferWire implements NeutralWire<Receipt> {
  readonly name: string;
  readonly kind = 'buffer';
  readonly #capacity: number;
  readonly #maxBytes: number;
  readonly #ttlMs: number;
  readonly #sizeOf: (input: unknown) => number;
  readonly #options: BufferWireOptions;
  readonly #spool = new MemorySpool();
  #host: WireHost | undefined;
  #drain: Drain | undefined;
  #taken = 0;
  #closed = false;

  constructor(options: BufferWireOptions) {
    this.name = options.name ?? 'buffer';
    this.#capacity = options.capacity ?? 1_000;
    this.#maxBytes = options.maxBytes ?? 16 * 1024 * 1024;
    this.#ttlMs = options.ttlMs ?? 3_600_000;
    this.#sizeOf = options.sizeOf ?? jsonBytes;
    this.#options = options;
  }

  attach(host: WireHost): void {
    if (this.#host) {
      const rule = `must be on one breaker, and it is on "${this.#host.breaker}" already`;
      throw new InvalidInputError([{ field: 'neutralWires', rule, value: this.name }]);
    }
    this.#host = host;
    this.#drain = new Drain(host, this.#spool, {
      ttlMs: this.#ttlMs,
      maxAttempts: this.#options.maxAttempts ?? 5,
      perSecond: this.#options.drainPerSecond ?? 50,
      onDead: this.#options.onDead,
    });
    host.onReset(() => this.#drain?.start());
  }

  take(call: DivertedCall) {
    const host = this.#host;
    if (!host || this.#closed) throw new WireRefusedError(this.name, 'it is closed');
    if (!call.replay)
      throw new WireRefusedError(this.name, 'only calls of a protect()ed function can be replayed', true);
    const sizeBytes = this.#measure(call.input);
    this.#drain?.dropExpired();
    if (this.#spool.depth >= this.#capacity) throw this.#overflow(host, `it holds ${this.#capacity} calls already`);
    if (this.#spool.sizeBytes + sizeBytes > this.#maxBytes) {
      throw this.#overflow(host, `${sizeBytes} bytes more would pass its ${this.#maxBytes} bytes`);
    }
    const receipt = createReceipt(`${host.breaker}/${this.name}/${++this.#taken}`, host.breaker, this.name);
    const held: HeldCall = {
      receipt,
      input: call.input,
      key: call.key,
      replay: call.replay,
      divertedAt: call.divertedAt,
      sizeBytes,
      attempts: 0,
    };
    this.#spool.append(held);
    this.#drain?.wake();
    return { outcome: 'buffered', value: receipt } as const;
  }

  load() {
    this.#drain?.dropExpired();
    const oldest = this.#spool.peek();
    return {
      depth: this.#spool.depth,
      capacity: this.#capacity,
      sizeBytes: this.#spool.sizeBytes,
      oldestAgeMs: oldest && this.#host ? this.#host.clock.monotonicMs() - oldest.divertedAt : 0,
    };
  }

  async close({ drainForMs }: { readonly drainForMs: number }): Promise<void> {
    this.#closed = true;
    await this.#drain?.finish(drainForMs);
  }

  /** A size that is no number would make the sum one that no bound holds. */
  #measure(input: unknown): number {
    const sizeBytes = this.#sizeOf(input);
    return sizeBytes >= 0 ? sizeBytes : UNMEASURED_BYTES;
  }

  #overflow(host: WireHost, why: string): WireRefusedError {
    host.report.dropped('overflow', this.#spool.depth);
    return new WireRefusedError(this.name, why);
  }
}

/** What an input without a JSON form is taken for: it cannot be measured, and it is not nothing. */
const UNMEASURED_BYTES = 1_024;

function jsonBytes(input: unknown): number {
  try {
    return Buffer.byteLength(JSON.stringify(input) ?? '');
  } catch {
    return UNMEASURED_BYTES;
  }
}
