import type { ClientRequest, IncomingMessage } from 'node:http';
import { type OpenRequest, opened, type UsedSocket } from './node-internals.ts';

/**
 * What a request would have emitted, kept until its breaker has said whether a neutral wire answers in its stead. Meanwhile its
 * socket has another to tell of its end, so that the request is not ended by it.
 */
export class HeldEvents {
  readonly #request: OpenRequest;
  readonly #emit: ClientRequest['emit'];
  readonly #events: unknown[][] = [];
  #socket: UsedSocket | undefined = undefined;

  /** @param emit the request's own */
  constructor(request: ClientRequest, emit: ClientRequest['emit']) {
    this.#request = opened(request);
    this.#emit = emit;
  }

  hold(event: unknown[]): void {
    this.#events.push(event);
    if (event[0] === 'error') this.#standIn();
  }

  /** Emits all of it, as if nobody had held it. */
  release(): void {
    if (this.#socket && !this.#events.some(([name]) => name === 'close')) this.#socket._httpMessage = this.#request;
    for (const event of this.#events) {
      if (event[0] === 'response') this.#respond(event);
      else if (event[0] === 'close') this.#close(event);
      else this.#send(event);
    }
  }

  #standIn(): void {
    const socket = this.#request.socket as UsedSocket | null;
    if (!socket || (socket._httpMessage as unknown) !== this.#request) return;
    this.#socket = socket;
    leaveSocket(socket, () => this.#events.push(['close']));
  }

  /** As node:http does it: nobody may be there to read a response, and it must not block its connection. */
  #respond(event: unknown[]): void {
    if (this.#request.aborted || !this.#send(event)) (event[1] as IncomingMessage & { _dump(): void })._dump();
  }

  #close(event: unknown[]): void {
    this.#request.destroyed = true;
    this.#request._closed = true;
    this.#request.outputData.length = 0;
    this.#send(event);
  }

  #send(event: unknown[]): boolean {
    return Reflect.apply(this.#emit, this.#request, event) as boolean;
  }
}

/** Parts a socket from its request: what becomes of it from now on is no business of the request's. */
export function leaveSocket(socket: UsedSocket, onClose: () => void = () => {}): void {
  // What node:http asks of the request of a socket that ends; it says itself that its error was told.
  socket._httpMessage = {
    res: null,
    socket: { _hadError: true },
    finished: true,
    destroyed: false,
    outputData: [],
    emit(event: string): boolean {
      if (event === 'close') onClose();
      return false;
    },
  };
}
