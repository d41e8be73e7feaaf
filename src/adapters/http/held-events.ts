import type { ClientRequest, IncomingMessage } from 'node:http';

/** What a request would have emitted, kept until its breaker has said whether a neutral wire answers in its stead. */
export class HeldEvents {
  readonly #request: ClientRequest;
  readonly #emit: ClientRequest['emit'];
  readonly #events: unknown[][] = [];

  /** @param emit the request's own */
  constructor(request: ClientRequest, emit: ClientRequest['emit']) {
    this.#request = request;
    this.#emit = emit;
  }

  hold(event: unknown[]): void {
    this.#events.push(event);
  }

  /**
   * Emits all of it, as if nobody had held it.
   * @param left that its caller destroyed the request meanwhile: to the caller no response had come by then
   */
  release(left: { readonly error: Error | undefined } | undefined): void {
    for (const event of this.#events) {
      if (event[0] !== 'response') this.#send(event);
      else if (!left) this.#respond(event);
      else if (!this.#request.aborted && !this.#isTold(left.error)) this.#send(['error', left.error ?? hangUp()]);
    }
  }

  /**
   * An error that a request is destroyed with comes by its socket, unless that was closed before, or was let be: Node.js 26 does so where
   * the response is complete.
   */
  #isTold(error: Error | undefined): boolean {
    const names = this.#events.map(([name]) => name);
    const isOnItsWay = !names.includes('close') && this.#request.socket?.errored === error;
    return error !== undefined && (names.includes('error') || isOnItsWay);
  }

  /** As node:http does it: nobody may be there to read a response, and it must not block its connection. */
  #respond(event: unknown[]): void {
    if (this.#request.aborted || !this.#send(event)) (event[1] as IncomingMessage & { _dump(): void })._dump();
  }

  #send(event: unknown[]): boolean {
    return Reflect.apply(this.#emit, this.#request, event) as boolean;
  }
}

/** What node:http says where there will be no response. */
function hangUp(): Error {
  return Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
}
