import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Breaker } from '@switchgear/breaker';
import { guardExchange } from '../http-calls/guard-exchange.ts';
import type { HttpAnswer } from '../http-calls/http-answer.ts';
import type { HttpExchange } from '../http-calls/http-exchange.ts';
import type { ResponseHead } from '../http-calls/http-request.ts';
import { joinedHeaders } from '../http-calls/joined-headers.ts';
import { answerRequest, giveBack } from './answer-request.ts';
import type { AnswerSocket } from './answer-socket.ts';
import { isTimeout, timeoutError } from './caller-timeout.ts';
import type { ClientHttpRequest } from './client-http-request.ts';
import { HeldEvents } from './held-events.ts';
import { type OpenRequest, opened } from './node-internals.ts';
import { hide } from './request-body.ts';
import { WireLessons } from './wire-lessons.ts';

/** One request of node:http under its breaker, from before it has a socket until the head of its response. */
export class GuardedRequest implements HttpExchange {
  readonly request: ClientHttpRequest;
  readonly #client: ClientRequest;
  readonly #breaker: Breaker;
  readonly #emit: ClientRequest['emit'];
  readonly #destroy: ClientRequest['destroy'];
  readonly #onSocket: OpenRequest['onSocket'];
  /** Aborted where the caller gives its request up. */
  readonly #caller = new AbortController();
  /** Undefined where the breaker has no wires: nothing is held back or kept then. */
  readonly #lessons: WireLessons | undefined;
  readonly #sendNow: () => void;
  #wasSent = false;
  #thrown: { readonly error: unknown } | undefined = undefined;
  #head: PromiseWithResolvers<ResponseHead> | undefined = undefined;
  #held: HeldEvents | undefined = undefined;
  /** What the request failed with by itself. */
  #error: unknown = undefined;
  #hasSocket = false;
  #timedOut = false;
  /** Its caller destroyed it before it was over. */
  #left: { readonly error: Error | undefined } | undefined = undefined;
  /** It goes on without an exchange of its own, of which it hears nothing any more: `ending` while it is told its own end. */
  #parted: 'no' | 'yes' | 'ending' = 'no';
  #isOver = false;

  /** @param send makes node:http send it */
  constructor(client: ClientRequest, breaker: Breaker, request: ClientHttpRequest, send: () => void) {
    this.request = request;
    this.#client = client;
    this.#breaker = breaker;
    this.#emit = client.emit;
    this.#destroy = client.destroy;
    this.#onSocket = opened(client).onSocket;
    this.#sendNow = send;
    this.#lessons = breaker.neutralWires.length > 0 ? new WireLessons(breaker, request, client) : undefined;
    hide(client, 'emit', (...event: unknown[]) => this.#heard(event));
    hide(client, 'destroy', (error?: Error) => this.#leave(error));
    hide(client, 'onSocket', (socket: Socket | null, error?: Error) => this.#gotSocket(socket, error));
  }

  /** Sends it, or has it answered or rejected. Throws what sending it throws. */
  start(): void {
    const end = guardExchange(this.#breaker, this, this.#caller.signal);
    // Its caller may wait for room to write in, and a wire for what the caller writes.
    const socket = !this.#wasSent && this.#lessons ? this.#answerByWire() : undefined;
    if (this.#lessons?.needsBody && this.#client.getHeader('expect')) socket?.askForBody();
    if (!this.#wasSent) this.#parted = 'yes';
    end.then(
      (answer) => this.#end(answer, socket),
      (error) => this.#fail(error),
    );
    if (this.#thrown) throw this.#thrown.error;
  }

  send(): Promise<ResponseHead> {
    if (this.#wasSent || this.#parted !== 'no') return Promise.reject(new Error(SENT_ONCE));
    this.#wasSent = true;
    this.#head = Promise.withResolvers<ResponseHead>();
    try {
      this.#sendNow();
    } catch (error) {
      // Nothing was sent, which says nothing of the other side.
      this.#thrown = { error };
      this.#isOver = true;
      this.#caller.abort(error);
      this.#head.reject(error);
    }
    return this.#head.promise;
  }

  #heard(event: unknown[]): boolean {
    const [name, value] = event;
    // A connection that it has left has failed after all.
    if (this.#parted === 'yes' && name === 'error' && !this.#hasSocket) return true;
    if (this.#parted === 'ending' && name === 'close') this.#parted = 'yes';
    if (this.#isOver) return this.#tell(event);
    if (name === 'response' || name === 'upgrade' || name === 'connect') return this.#came(event);
    if (name === 'error') {
      this.#error = value;
      this.#head?.reject(value);
      if (this.#held || (this.#lessons && !this.#left)) return this.#hold(event);
      this.#isOver = true;
    } else if (name === 'close') {
      this.#closed();
      if (this.#held) return this.#hold(event);
    } else if (name === 'timeout') {
      this.#timedOut = true;
    }
    return this.#tell(event);
  }

  #came(event: unknown[]): boolean {
    const response = event[1] as IncomingMessage;
    const head = headOf(response);
    this.#head?.resolve(head);
    if (event[0] === 'response' && this.#lessons) {
      this.#lessons.listenTo(response, head);
      return this.#hold(event);
    }
    // What a socket has become by an upgrade cannot be taken back.
    this.#isOver = true;
    return this.#tell(event);
  }

  #closed(): void {
    const { res } = opened(this.#client);
    if (res) this.#head?.resolve(headOf(res));
    else this.#head?.reject(new Error('The request was closed without a response'));
  }

  #hold(event: unknown[]): boolean {
    this.#held ??= new HeldEvents(this.#client, this.#emit);
    this.#held.hold(event);
    return true;
  }

  #tell(event: unknown[]): boolean {
    return Reflect.apply(this.#emit, this.#client, event) as boolean;
  }

  #leave(error: Error | undefined): ClientRequest {
    // The end of its connection may have destroyed it while that is held back.
    if (!this.#isOver && (this.#held || !this.#client.destroyed)) {
      this.#left ??= { error };
      this.#lessons?.callerLeft();
      // What is held back has been judged already.
      if (!this.#held) this.#tellLeaving(error);
    }
    return this.#destroy.call(this.#client, error);
  }

  #tellLeaving(error: Error | undefined): void {
    if (this.#timedOut || isTimeout(error)) this.#head?.reject(error ?? timeoutError());
    else this.#caller.abort(error ?? new Error('The request was destroyed by its caller'));
  }

  #gotSocket(socket: Socket | null, error: Error | undefined): void {
    if (this.#parted === 'no') {
      this.#hasSocket = true;
      this.#onSocket.call(opened(this.#client), socket, error);
    } else if (socket) {
      giveBack(this.#client, socket);
    }
  }

  #end(answer: HttpAnswer | undefined, socket: AnswerSocket | undefined): void {
    if (!answer || this.#left || this.#isOver) {
      if (!answer) this.#lessons?.learn();
      this.#release();
      return;
    }
    this.#isOver = true;
    this.#held = undefined;
    (socket ?? this.#answerByWire()).answer(answer, this.request.method);
  }

  #fail(error: unknown): void {
    if (this.#left && !this.#wasSent && !this.#hasSocket) {
      this.#endWithoutSocket(undefined);
    } else if (this.#isOver || this.#left || (this.#error !== undefined && error === this.#error)) {
      this.#release();
    } else {
      this.#isOver = true;
      this.#held = undefined;
      this.#failWith(error as Error);
    }
  }

  /** What was held back is emitted outside of any promise, so that what a listener throws ends where it would have ended. */
  #release(): void {
    const held = this.#held;
    if (!held) {
      this.#isOver = true;
      return;
    }
    process.nextTick(() => {
      this.#isOver = true;
      held.release(this.#left);
    });
  }

  #answerByWire(): AnswerSocket {
    this.#parted = 'yes';
    this.#hasSocket = true;
    return answerRequest(this.#client, this.#onSocket);
  }

  #failWith(error: Error): void {
    this.#destroy.call(this.#client, error);
    if (!this.#hasSocket) this.#endWithoutSocket(error);
  }

  /** A request that was destroyed hears of it with its socket, and there is none to come. */
  #endWithoutSocket(error: Error | undefined): void {
    this.#parted = 'ending';
    this.#onSocket.call(opened(this.#client), null, error);
  }
}

const SENT_ONCE = 'A request of node:http is sent once; to replay it, use httpBuffer';

function headOf(response: IncomingMessage): ResponseHead {
  return { status: response.statusCode ?? 0, headers: () => joinedHeaders(response.headers) };
}
