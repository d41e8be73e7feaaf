import {
  type BufferWire,
  bufferWire,
  type DeadLetter,
  type DivertedCall,
  type Receipt,
  type SpooledCall,
  type WireAnswer,
  type WireHost,
  type WireLoad,
  WireRefusedError,
} from '@switchgear/breaker';
import { BodyTooLargeError } from '../http-calls/body-too-large-error.ts';
import { headersToSendAgain } from '../http-calls/end-to-end-headers.ts';
import { HTTP_OPERATION } from '../http-calls/http-operation.ts';
import type { HttpRequest, KeptRequest } from '../http-calls/http-request.ts';
import type { HttpWire } from '../http-calls/http-wire.ts';
import { type HttpBufferOptions, type OrderBy, orderKey, splitBufferOptions } from './http-buffer-options.ts';
import { requestOfMethod } from './request-of.ts';

/** A buffer of HTTP requests, with what an operator does to it. */
export type HttpBuffer = BufferWire & HttpWire;

/**
 * A wire that takes requests in, answers each with `202`, the header `switchgear-receipt` and `{ "receipt": … }` once it is safe in its spool,
 * and sends it again through the breaker once that is closed: at least once, with an `idempotency-key`, the caller's or one
 * that is made. The spool keeps the request as plain JSON with its headers, `authorization` among them, and a durable one
 * goes on with it after a restart.
 * @throws InvalidInputError for an option out of its range
 * @example httpBuffer({ methods: ['POST'], spool: sqliteSpool('orders.db'), orderBy: { header: 'x-customer' } });
 */
export function httpBuffer(options: HttpBufferOptions): HttpBuffer {
  const { own, buffer } = splitBufferOptions(options);
  return new RequestBuffer(bufferWire(buffer), own);
}

class RequestBuffer implements BufferWire, HttpWire {
  readonly name: string;
  readonly kind = 'buffer';
  readonly #buffer: BufferWire;
  readonly #methods: readonly string[];
  readonly #maxBodyBytes: number;
  readonly #orderBy: OrderBy | undefined;

  constructor(
    buffer: BufferWire,
    own: { readonly methods: readonly string[]; readonly maxBodyBytes: number; readonly orderBy: OrderBy | undefined },
  ) {
    this.name = buffer.name;
    this.#buffer = buffer;
    this.#methods = own.methods;
    this.#maxBodyBytes = own.maxBodyBytes;
    this.#orderBy = own.orderBy;
  }

  attach(host: WireHost): void {
    // Before the first call: a durable spool may hold some of the process before.
    host.operations.add(HTTP_OPERATION as Parameters<WireHost['operations']['add']>[0]);
    this.#buffer.attach?.(host);
  }

  requestBytes({ method }: HttpRequest): number {
    return this.#methods.includes(method) ? this.#maxBodyBytes : 0;
  }

  take(call: DivertedCall): Promise<WireAnswer<Receipt>> {
    // Declined at once where it is for other methods.
    const request = requestOfMethod(call, this.name, this.#methods);
    return this.#takeIn(call, request);
  }

  pause(): void {
    this.#buffer.pause();
  }

  resume(): void {
    this.#buffer.resume();
  }

  get isPaused(): boolean {
    return this.#buffer.isPaused;
  }

  load(): WireLoad {
    return this.#buffer.load();
  }

  timeToEmptyMs(): number | null {
    return this.#buffer.timeToEmptyMs();
  }

  peek(limit?: number): Promise<readonly SpooledCall[]> {
    return this.#buffer.peek(limit);
  }

  purge(): Promise<number> {
    return this.#buffer.purge();
  }

  deadLetters(limit?: number): Promise<readonly DeadLetter[]> {
    return this.#buffer.deadLetters(limit);
  }

  purgeDeadLetters(): Promise<number> {
    return this.#buffer.purgeDeadLetters();
  }

  close(options: { readonly drainForMs: number }): Promise<unknown> {
    return this.#buffer.close?.(options) ?? Promise.resolve();
  }

  async #takeIn(call: DivertedCall, request: HttpRequest): Promise<WireAnswer<Receipt>> {
    const { breaker, fn, operation, idempotencyKey, signal, error, divertedAt, replay } = call;
    const input = await this.#keep(request);
    // Its caller has left while it gave the body: nobody would have the receipt.
    signal?.throwIfAborted();
    const key = orderKey(request, this.#orderBy);
    return this.#buffer.take({ breaker, fn, operation, idempotencyKey, signal, error, divertedAt, replay, input, key });
  }

  async #keep(request: HttpRequest): Promise<KeptRequest> {
    const { method, url } = request;
    try {
      const body = await request.body();
      // Another wire may have asked for more.
      if (body && body.byteLength > this.#maxBodyBytes) throw new BodyTooLargeError(this.#maxBodyBytes);
      const headers = headersToSendAgain(request.headers());
      return { method, url, headers, body: body ? Buffer.from(body).toString('base64') : null };
    } catch (error) {
      if (error instanceof BodyTooLargeError) throw new WireRefusedError(this.name, error.message);
      throw error;
    }
  }
}
