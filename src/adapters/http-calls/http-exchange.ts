import type { CallContext } from '@switchgear/breaker';
import type { HttpRequest, ResponseHead } from './http-request.ts';

/** A request that an adapter can send. */
export interface HttpExchange {
  readonly request: HttpRequest;
  /** Sends it as its caller meant it; called at once where the breaker lets it through. Resolves with the head of the response. */
  send(context: CallContext): Promise<ResponseHead>;
}
