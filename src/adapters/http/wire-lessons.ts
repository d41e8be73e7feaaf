import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Breaker } from '@switchgear/breaker';
import { requestBytesAsked } from '../http-calls/asked-bytes.ts';
import type { ResponseHead } from '../http-calls/http-request.ts';
import { responseKeeper } from '../http-calls/keep-response.ts';
import type { ClientHttpRequest } from './client-http-request.ts';
import { RequestBody } from './request-body.ts';

/** What the neutral wires of a breaker asked to keep of one exchange. */
export class WireLessons {
  readonly #breaker: Breaker;
  readonly #request: ClientHttpRequest;
  readonly #body: RequestBody | undefined;
  #end: (() => void) | undefined = undefined;
  #isCallers = false;

  constructor(breaker: Breaker, request: ClientHttpRequest, client: ClientRequest) {
    this.#breaker = breaker;
    this.#request = request;
    const mostBytes = requestBytesAsked(breaker, request);
    if (mostBytes === 0) return;
    this.#body = new RequestBody(mostBytes);
    this.#body.listenTo(client);
    request.recorded = this.#body;
  }

  /** A wire waits for the body of the request. */
  get needsBody(): boolean {
    return this.#body !== undefined;
  }

  callerLeft(): void {
    this.#body?.giveUp(new Error('Its caller has left'));
  }

  /** Keeps the body of a response, where a wire asks for it, as its parser hands it over: nobody need read it. */
  listenTo(response: IncomingMessage, head: ResponseHead): void {
    const keeper = responseKeeper(this.#breaker, this.#request, head);
    if (!keeper) return;
    const { push } = response;
    const take = (chunk: unknown) => {
      if (chunk instanceof Uint8Array) keeper.add(chunk);
      else if (chunk === null && response.complete) this.#isWhole(() => keeper.end());
    };
    Object.defineProperty(response, 'push', {
      value(chunk: unknown, encoding?: BufferEncoding) {
        take(chunk);
        return push.call(response, chunk, encoding);
      },
      writable: true,
      configurable: true,
      enumerable: false,
    });
  }

  /** The breaker has left the response to the caller. */
  learn(): void {
    this.#isCallers = true;
    this.#end?.();
  }

  #isWhole(end: () => void): void {
    if (this.#isCallers) end();
    else this.#end = end;
  }
}
