import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Breaker } from '@switchgear/breaker';
import type { ResponseHead } from '../http-calls/http-request.ts';
import type { HttpWire } from '../http-calls/http-wire.ts';
import { requestBytesAsked } from '../http-calls/request-bytes-asked.ts';
import { type ResponseKeeper, responseKeeper } from '../http-calls/response-keeper.ts';
import type { ClientHttpRequest } from './client-http-request.ts';
import { RequestBody } from './request-body.ts';

/** What the neutral wires of a breaker asked to keep of one exchange. */
export class WireLessons {
  /** A wire waits for the body of the request. */
  readonly needsBody: boolean;
  readonly #breaker: Breaker;
  readonly #request: ClientHttpRequest;
  readonly #learns: boolean;
  #head: ResponseHead | undefined = undefined;
  /** What came before the breaker had decided: no more than its socket hands over while nobody reads. */
  #early: (Uint8Array | null)[] | undefined = [];
  #keeper: ResponseKeeper | undefined = undefined;

  constructor(breaker: Breaker, request: ClientHttpRequest, client: ClientRequest) {
    this.#breaker = breaker;
    this.#request = request;
    this.#learns = (breaker.neutralWires as readonly HttpWire[]).some((wire) => wire.learnResponse !== undefined);
    const mostBytes = requestBytesAsked(breaker, request);
    this.needsBody = mostBytes > 0;
    if (this.needsBody) request.recorded = RequestBody.of(client, mostBytes);
  }

  callerLeft(): void {
    this.#request.recorded?.giveUp(new Error('Its caller has left'));
  }

  /** Keeps the body of a response, where a wire may learn from it, as its parser hands it over: nobody need read it. */
  listenTo(response: IncomingMessage, head: ResponseHead): void {
    if (!this.#learns) return;
    const { push } = response;
    this.#head = head;
    Object.defineProperty(response, 'push', {
      value: (chunk: unknown, encoding?: BufferEncoding) => {
        if (chunk instanceof Uint8Array) this.#take(chunk);
        else if (chunk === null && response.complete) this.#take(null);
        return push.call(response, chunk, encoding);
      },
      writable: true,
      configurable: true,
      enumerable: false,
    });
  }

  /** The breaker has left the response to the caller, so that the wires know whether they want it. */
  learn(): void {
    if (!this.#head) return;
    this.#keeper = responseKeeper(this.#breaker, this.#request, this.#head);
    const early = this.#early;
    this.#early = undefined;
    for (const part of early ?? []) this.#take(part);
  }

  /** @param part null: the body is whole */
  #take(part: Uint8Array | null): void {
    if (this.#early) this.#early.push(part);
    else if (part) this.#keeper?.add(part);
    else this.#keeper?.end();
  }
}
