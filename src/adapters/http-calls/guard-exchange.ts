import { type Breaker, type CallContext, isCached, isReceipt } from '@switchgear/breaker';
import { oncePer } from '../outgoing/once-per.ts';
import { HttpAnswer, httpAnswer } from './http-answer.ts';
import type { HttpExchange } from './http-exchange.ts';
import { HTTP_OPERATION } from './http-operation.ts';
import type { HttpRequest, KeptRequest, ResponseHead } from './http-request.ts';

/** The response is there and is the caller's (`undefined`), or a wire answers in its stead. */
type ExchangeEnd = HttpAnswer | undefined;

type Protected = (
  input: HttpExchange | KeptRequest,
  options: {
    readonly key?: string | undefined;
    readonly idempotencyKey?: string | undefined;
    signal?: AbortSignal | undefined;
  },
) => Promise<unknown>;

/**
 * Sends a request under a breaker. A response that the breaker calls a failure and trips by may be replaced by a wire's answer;
 * else it is the caller's, like any other.
 * @param signal the caller's: a call that it ends is `cancelled`
 * @throws what `send` rejects with; what the breaker rejects with
 */
export async function guardExchange(
  breaker: Breaker,
  exchange: HttpExchange,
  signal?: AbortSignal,
): Promise<ExchangeEnd> {
  if (breaker.neutralWires.length === 0) {
    await breaker.execute((context) => exchange.send(context), signal && { signal });
    return undefined;
  }
  const told = new ToldExchange(exchange);
  const idempotencyKey = exchange.request.headers()['idempotency-key'];
  const value = await sendOver(breaker)(told, { idempotencyKey, signal });
  return value === told.head ? undefined : answerOf(breaker, value);
}

/** Knows its response from what a wire answers. */
class ToldExchange implements HttpExchange {
  readonly request: HttpRequest;
  readonly #exchange: HttpExchange;
  head: ResponseHead | undefined = undefined;

  constructor(exchange: HttpExchange) {
    this.request = exchange.request;
    this.#exchange = exchange;
  }

  send(context: CallContext): Promise<ResponseHead> {
    return this.#exchange.send(context).then((head) => {
      this.head = head;
      return head;
    });
  }
}

const sendOver = oncePer(
  (breaker: Breaker) => breaker.protect(HTTP_OPERATION.run, { name: HTTP_OPERATION.name }) as Protected,
);

function answerOf(breaker: Breaker, value: unknown): HttpAnswer {
  if (value instanceof HttpAnswer) return value;
  if (isReceipt(value)) {
    return httpAnswer({ status: 202, headers: { 'switchgear-receipt': value.id }, json: { receipt: value.id } });
  }
  if (isCached(value) && value.value instanceof HttpAnswer) {
    const { status, headers, body } = value.value;
    // What it had already when it came here, and what it has waited since: RFC 9111, 4.2.3.
    const age = Math.round(value.ageMs / 1_000) + (Number.parseInt(headers.age ?? '', 10) || 0);
    return new HttpAnswer(status, { ...headers, age: String(age), 'switchgear-cached': 'stale' }, body);
  }
  throw new TypeError(
    `A neutral wire of breaker "${breaker.name}" answered an HTTP call with ${typeof value}; it must be httpAnswer(…)`,
  );
}
