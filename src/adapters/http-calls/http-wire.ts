import type { NeutralWire } from '@switchgear/breaker';
import type { HttpAnswer } from './http-answer.ts';
import type { HttpRequest } from './http-request.ts';

/** A neutral wire that knows HTTP: it may ask an adapter to keep what passes by. */
export interface HttpWire extends NeutralWire<unknown> {
  /** Most bytes of a request's body to keep for it, in case it must take the call; 0: it needs none. */
  requestBytes?(request: HttpRequest): number;
  /**
   * Most bytes of a response's body to keep, for `learnResponse`; 0: it learns nothing from this one. Asked once the breaker has
   * judged the head, which a wire hears of by `learn` where it went well.
   */
  responseBytes?(request: HttpRequest): number;
  /** A good response, whole. */
  learnResponse?(request: HttpRequest, answer: HttpAnswer): void;
}
