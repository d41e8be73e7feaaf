import type { HttpAnswer } from '../http-calls/http-answer.ts';
import type { ResponseHead } from '../http-calls/http-request.ts';
import type { ResponseKeeper } from '../http-calls/response-keeper.ts';
import type { DispatchHandler } from './dispatcher.ts';

/** `held`: the head has come, and the breaker has not yet said whose the response is. `shut`: what comes is nobody's. */
type Stage = 'waiting' | 'held' | 'open' | 'shut';

/**
 * Stands between a dispatcher and a handler. Without neutral wires all passes as it comes. With them the head waits, and all
 * after it, until it is known whether a wire answers in its stead: some microtasks, or as long as the wire takes of a call
 * that tripped the breaker. The dispatcher is paused meanwhile; what it had read already is kept.
 */
export abstract class Gate {
  protected readonly handler: DispatchHandler;
  /** Why the request is ended from this side. */
  protected ending: { readonly reason: unknown } | undefined = undefined;
  readonly #holds: boolean;
  readonly #sent = Promise.withResolvers<ResponseHead>();
  readonly #cancel: ((reason: unknown) => void) | undefined;
  #stage: Stage = 'waiting';
  #waiting: (() => void)[] = [];
  #keeper: ResponseKeeper | undefined = undefined;
  #head: ResponseHead | undefined = undefined;

  /**
   * @param holds whether a wire may answer in the stead of the response
   * @param cancel is told that the caller has aborted, where that can be
   */
  constructor(handler: DispatchHandler, holds: boolean, cancel: ((reason: unknown) => void) | undefined) {
    this.handler = handler;
    this.#holds = holds;
    this.#cancel = cancel;
  }

  onResponseStarted(): void {
    this.handler.onResponseStarted?.();
  }

  onBodySent(chunk: unknown): unknown {
    return this.handler.onBodySent?.(chunk);
  }

  onRequestSent(): unknown {
    return this.handler.onRequestSent?.();
  }

  onRequestUpgrade(...told: unknown[]): unknown {
    return this.handler.onRequestUpgrade?.(...told);
  }

  /** Sends the request. Resolves with the head of its response. */
  send(dispatch: () => void): Promise<ResponseHead> {
    dispatch();
    return this.#sent.promise;
  }

  /** Of the final response. */
  get head(): ResponseHead | undefined {
    return this.#head;
  }

  /** Ends the request from this side. */
  abort(reason: unknown): void {
    this.ending ??= { reason };
    this.abortRequest(reason);
  }

  /** The response is the handler's. */
  release(keeper: ResponseKeeper | undefined): void {
    this.#keeper = keeper;
    if (this.#stage !== 'held') return;
    this.beforeRelease();
    // What comes while the handler is told stands in line as well.
    for (let tell = this.#waiting.shift(); tell; tell = this.#waiting.shift()) tell();
    if (this.#stage !== 'held') return;
    this.#stage = 'open';
    this.afterRelease();
  }

  /** A wire's answer is the handler's, and what comes of the request is nobody's. */
  answer(answer: HttpAnswer, hasBody: boolean): void {
    this.#shut();
    if (this.#head) this.abort(new Error('A neutral wire has answered in its stead'));
    this.tellAnswer(answer, hasBody && answer.body.byteLength > 0 ? Buffer.from(answer.body) : undefined);
  }

  fail(error: unknown): void {
    if (this.#stage === 'open' || this.#stage === 'shut') return;
    this.#shut();
    this.tellError(error);
  }

  /** Nobody is told anything any more. */
  silence(): void {
    this.#shut();
  }

  protected headCame(head: ResponseHead, tell: () => void): void {
    this.#head = head;
    this.#sent.resolve(head);
    if (this.#stage !== 'waiting') return;
    this.#stage = this.#holds ? 'held' : 'open';
    this.pass(tell);
  }

  protected errorCame(error: unknown, callersReason: { readonly reason: unknown } | undefined, tell: () => void): void {
    this.#keeper = undefined;
    if (this.#stage !== 'waiting') {
      this.pass(tell);
      return;
    }
    if (callersReason && !this.ending) this.#cancel?.(error);
    this.#sent.reject(error);
  }

  /** Tells the handler now, later or never. Returns whether it was told. */
  protected pass(tell: () => void): boolean {
    if (this.#stage === 'held') this.#waiting.push(tell);
    else if (this.#stage === 'open') tell();
    return this.#stage === 'open';
  }

  protected keep(chunk: Uint8Array): void {
    if (this.#keeper && !this.#keeper.add(chunk)) this.#keeper = undefined;
  }

  protected keptAll(): void {
    this.#keeper?.end();
    this.#keeper = undefined;
  }

  protected get isHeld(): boolean {
    return this.#stage === 'held';
  }

  protected abstract abortRequest(reason: unknown): void;
  protected abstract beforeRelease(): void;
  protected abstract afterRelease(): void;
  protected abstract tellAnswer(answer: HttpAnswer, body: Buffer | undefined): void;
  protected abstract tellError(error: unknown): void;

  #shut(): void {
    this.#stage = 'shut';
    this.#waiting = [];
    this.#keeper = undefined;
  }
}
