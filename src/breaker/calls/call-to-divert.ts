import type { DivertedCall, Replay } from '../neutral/wire.ts';
import type { CallOrigin } from './call-context.ts';
import { createIdempotencyKey } from './idempotency-key.ts';
import type { Operation } from './operations.ts';

/** What a caller gave with the call. */
interface Given {
  readonly input?: unknown;
  readonly key?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly fn?: object | undefined;
  readonly operation?: Operation | undefined;
}

/** A call on its way to the wires. */
export class CallToDivert implements DivertedCall {
  readonly breaker: string;
  readonly input: unknown;
  readonly key: string | undefined;
  readonly signal: AbortSignal | undefined;
  readonly fn: object | undefined;
  readonly operation: Operation | undefined;
  readonly error: unknown;
  readonly divertedAt: number;
  readonly replay: Replay | undefined;
  readonly #origin: CallOrigin | undefined;
  #idempotencyKey: string | undefined = undefined;

  constructor(
    breaker: string,
    divertedAt: number,
    given: Given | undefined,
    replay: Replay | undefined,
    error: unknown,
    origin: CallOrigin | undefined,
  ) {
    this.breaker = breaker;
    this.divertedAt = divertedAt;
    this.input = given?.input;
    this.key = given?.key;
    this.signal = given?.signal;
    this.fn = given?.fn;
    this.operation = given?.operation;
    this.replay = replay;
    this.error = error;
    this.#origin = origin;
  }

  /** Made when a wire asks for it: most never do. */
  get idempotencyKey(): string {
    this.#idempotencyKey ??= this.#origin?.idempotencyKey ?? createIdempotencyKey();
    return this.#idempotencyKey;
  }
}
