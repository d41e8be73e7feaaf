import { type Breaker, type CallContext, isCached, isReceipt } from '@switchgear/breaker';
import { HttpAnswer, httpAnswer } from './http-answer.ts';
import type { HttpRequest, KeptRequest, ResponseHead } from './http-request.ts';
import { sendKept } from './send-kept.ts';

/** A request that an adapter can send. */
export interface HttpExchange {
  readonly request: HttpRequest;
  /** Sends it as its caller meant it; called at once where the breaker lets it through. Resolves with the head of the response. */
  send(context: CallContext): Promise<ResponseHead>;
}

/** The response is there and is the caller's (`undefined`), or a wire answers in its stead. */
export type ExchangeEnd = HttpAnswer | undefined;

/** The name under which a buffer keeps HTTP calls. */
const OPERATION = 'http';

type Protected = (
  input: HttpExchange | KeptRequest,
  options: {
    readonly key?: string | undefined;
    readonly idempotencyKey?: string | undefined;
    signal?: AbortSignal | undefined;
  },
) => Promise<unknown>;

const protectedSends = new WeakMap<Breaker, Protected>();

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
  const value =
    breaker.neutralWires.length === 0
      ? await breaker.execute((context) => exchange.send(context), signal && { signal })
      : await sendOver(breaker)(exchange, { idempotencyKey: exchange.request.headers()['idempotency-key'], signal });
  return isHead(value) ? undefined : answerOf(breaker, value);
}

function sendOver(breaker: Breaker): Protected {
  let send = protectedSends.get(breaker);
  if (!send) {
    send = breaker.protect(
      (input: HttpExchange | KeptRequest, context) =>
        'send' in input ? input.send(context) : sendKept(input, context),
      { name: OPERATION },
    ) as Protected;
    protectedSends.set(breaker, send);
  }
  return send;
}

function isHead(value: unknown): value is ResponseHead {
  return (
    typeof value === 'object' &&
    value !== null &&
    !(value instanceof HttpAnswer) &&
    'status' in value &&
    'headers' in value
  );
}

function answerOf(breaker: Breaker, value: unknown): HttpAnswer {
  if (value instanceof HttpAnswer) return value;
  if (isReceipt(value)) {
    return httpAnswer({ status: 202, headers: { 'switchgear-receipt': value.id }, json: { receipt: value.id } });
  }
  if (isCached(value) && value.value instanceof HttpAnswer) {
    const { status, headers, body } = value.value;
    const age = String(Math.round(value.ageMs / 1_000));
    return new HttpAnswer(status, { ...headers, age, 'switchgear-cached': 'stale' }, body);
  }
  throw new TypeError(
    `A neutral wire of breaker "${breaker.name}" answered an HTTP call with ${typeof value}; it must be httpAnswer(…)`,
  );
}
