import type { Metadata } from '@grpc/grpc-js';
import type { Breaker, CallContext } from '@switchgear/breaker';
import { deadlineOf } from '../outgoing/deadline-of.ts';
import { plainAnswer } from '../outgoing/plain-answer.ts';
import type { OutgoingGrpcCall } from './grpc-call.ts';
import {
  CANCELLED,
  type Call,
  type Listener,
  type MessageContext,
  type Method,
  OK,
  type Status,
} from './grpc-types.ts';
import { refusalStatus, statusError } from './status-errors.ts';

/**
 * One call under a breaker. A call of one request comes to the breaker with its message, one with a stream of requests as it starts. With one
 * response it ends with its status, which goes on to the caller once the breaker has taken note; with a stream of them it ends with the first,
 * as an HTTP call does with its head: a stream may stay open for days, and no timeout of a breaker is meant for that.
 */
export class GuardedCall implements Call {
  readonly #breaker: Breaker;
  readonly #facts: OutgoingGrpcCall;
  readonly #method: Method;
  readonly #next: () => Call;
  readonly #discard: () => void;
  readonly #cancel = new AbortController();
  readonly #end = Promise.withResolvers<unknown>();
  #metadata!: Metadata;
  #listener: Partial<Listener> = {};
  #hasEntered = false;
  #isOver = false;
  #real: Call | undefined = undefined;
  /** Of a single response: held until the status is there, in case a wire answers in its stead. */
  #held: { readonly message: unknown } | undefined = undefined;
  #status: Status | undefined = undefined;
  /** The stream of responses has begun: the breaker is done with the call. */
  #hasBegun = false;
  #readsBeforeStart = 0;

  /** @param discard lets go of a call that `next` made and nobody will start */
  constructor(breaker: Breaker, facts: OutgoingGrpcCall, method: Method, next: () => Call, discard: () => void) {
    this.#breaker = breaker;
    this.#facts = facts;
    this.#method = method;
    this.#next = next;
    this.#discard = discard;
  }

  start(metadata: Metadata, listener: Partial<Listener> = {}): void {
    this.#metadata = metadata;
    this.#listener = listener;
    if (this.#method.requestStream) this.#enter(undefined);
  }

  sendMessageWithContext(context: MessageContext, message: unknown): void {
    if (!this.#hasEntered && !this.#isOver) this.#enter(message);
    if (this.#real) this.#real.sendMessageWithContext(context, message);
    // Whoever writes a stream waits for it.
    else if (context.callback) process.nextTick(context.callback);
  }

  sendMessage(message: unknown): void {
    this.sendMessageWithContext({}, message);
  }

  startRead(): void {
    if (this.#real) this.#real.startRead();
    else this.#readsBeforeStart += 1;
  }

  halfClose(): void {
    this.#real?.halfClose();
  }

  cancelWithStatus(code: number, details: string): void {
    if (this.#real) {
      this.#real.cancelWithStatus(code, details);
      return;
    }
    this.#discard();
    this.#cancel.abort();
    this.#deliver({ code, details, metadata: this.#newMetadata() }, null);
  }

  getPeer(): string {
    return this.#real?.getPeer() ?? 'unknown';
  }

  getAuthContext(): unknown {
    return this.#real?.getAuthContext?.() ?? null;
  }

  #enter(message: unknown): void {
    this.#hasEntered = true;
    const input = this.#breaker.neutralWires.length > 0 ? this.#facts.asInput(message) : undefined;
    const { signal } = this.#cancel;
    this.#breaker
      .execute((context) => this.#send(context), { signal, input })
      .then(
        (answer) => this.#answer(plainAnswer(answer)),
        (error) => this.#fail(error),
      );
    if (!this.#real) this.#discard();
  }

  #send(context: CallContext): Promise<unknown> {
    const real = this.#next();
    this.#real = real;
    real.start(this.#metadata, {
      onReceiveMetadata: (metadata) => this.#listener.onReceiveMetadata?.(metadata),
      onReceiveMessage: (message) => this.#onMessage(message),
      onReceiveStatus: (status) => this.#onStatus(status),
    });
    for (; this.#readsBeforeStart > 0; this.#readsBeforeStart -= 1) real.startRead();
    const giveUp = () => real.cancelWithStatus(CANCELLED, 'Given up by its breaker');
    deadlineOf(this.#breaker, context)?.addEventListener('abort', giveUp, { once: true });
    return this.#end.promise;
  }

  #onMessage(message: unknown): void {
    if (this.#isOver) return;
    if (!this.#method.responseStream) {
      this.#held = { message };
      return;
    }
    this.#hasBegun = true;
    this.#end.resolve(undefined);
    this.#listener.onReceiveMessage?.(message);
  }

  #onStatus(status: Status): void {
    if (this.#isOver) return;
    this.#status = status;
    if (this.#hasBegun) this.#deliver(status, null);
    else if (status.code === OK) this.#end.resolve(this.#held?.message);
    // Nobody but callers gives calls up: this one, or the one that it is made for.
    else if (status.code === CANCELLED) this.#cancel.abort(statusError(status));
    else this.#end.reject(statusError(status));
  }

  /** The call went well, or a wire answers for it. */
  #answer(answer: unknown): void {
    if (this.#hasBegun) return;
    const isOwn = this.#status?.code === OK && answer === this.#held?.message;
    if (isOwn || (this.#method.responseStream && this.#status)) {
      this.#deliver(this.#status!, this.#held?.message);
    } else if (this.#method.responseStream) {
      this.#fail(undefined);
    } else {
      this.#deliver({ code: OK, details: 'OK', metadata: this.#status?.metadata ?? this.#newMetadata() }, answer);
    }
  }

  #fail(error: unknown): void {
    if (this.#hasBegun) return;
    const status = this.#status ?? refusalStatus(this.#breaker.name, error, this.#newMetadata());
    this.#deliver(status, this.#held?.message ?? null);
  }

  #deliver(status: Status, message: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (!this.#method.responseStream) this.#listener.onReceiveMessage?.(message);
    this.#listener.onReceiveStatus?.(status);
  }

  /** Of the same copy of the package as the caller's. */
  #newMetadata(): Metadata {
    return new (this.#metadata.constructor as new () => Metadata)();
  }
}
