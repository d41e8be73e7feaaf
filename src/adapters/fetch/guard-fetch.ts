import type { Breaker } from '@switchgear/breaker';
import { decodedHeaders, isDecoded } from '../http-calls/decode-body.ts';
import { guardExchange } from '../http-calls/guard-exchange.ts';
import type { ResponseHead } from '../http-calls/http-request.ts';
import { requestBytesAsked } from '../http-calls/request-bytes-asked.ts';
import { type ResponseKeeper, responseKeeper } from '../http-calls/response-keeper.ts';
import { deadlineOf } from '../outgoing/deadline-of.ts';
import { chooserOf, type GuardedBy } from '../outgoing/guarded-by.ts';
import { isUnguarded, unguardedUntilSettled } from '../outgoing/unguarded.ts';
import { answerResponse } from './answer-response.ts';
import { CallerSignal, reasonToTell } from './caller-signal.ts';
import { FetchRequest } from './fetch-request.ts';
import { learnFrom } from './learn-from.ts';
import { isLeftAloneBy, leaveAloneUntilSettled } from './left-alone.ts';

/** `fetch` of Node.js, of the package `undici`, or of another one. */
export type FetchLike = (input: never, init?: never) => Promise<unknown>;

type Fetch = typeof globalThis.fetch;

/**
 * A `fetch` whose calls have breakers; the one that is given stays as it is. A call that is not let through rejects with
 * BreakerOpenError, which has `code: 'BREAKER_OPEN'`. It is over for the breaker with the head of the response; redirects
 * that `fetch` follows belong to it.
 * @example const guarded = guardFetch(fetch, createBreaker('stock'));
 */
export function guardFetch<Send extends FetchLike>(send: Send, by: GuardedBy): Send {
  return guardFetchWhile(() => true, send, by);
}

/** The same as long as `isOn`: somebody may have kept it who took it out of `globalThis`. */
export function guardFetchWhile<Send extends FetchLike>(isOn: () => boolean, send: Send, by: GuardedBy): Send {
  const original = send as unknown as Fetch;
  const guarded = async (input: Parameters<Fetch>[0], init?: RequestInit): Promise<Response> => {
    if (!isOn() || isUnguarded() || isLeftAloneBy(by)) return original(input, init);
    const request = FetchRequest.of(input, init);
    const signal = request?.signal;
    // What ends before it begins is no call.
    if (!request || signal?.aborted) return original(input, init);
    const breaker = chooserOf(by)(request);
    if (breaker) return fetchUnder(breaker, original, request, signal);
    return leaveAloneUntilSettled(by, () => original(input, init));
  };
  // As the one of Node.js: one parameter that must be given, and the same name.
  return function fetch(input: Parameters<Fetch>[0], init: RequestInit | undefined = undefined) {
    return guarded(input, init);
  } as unknown as Send;
}

async function fetchUnder(
  breaker: Breaker,
  original: Fetch,
  request: FetchRequest,
  signal: AbortSignal | undefined,
): Promise<Response> {
  let response: Response | undefined;
  let head: ResponseHead | undefined;
  const cancelled = signal && new CallerSignal(signal);
  request.mostBodyBytes = requestBytesAsked(breaker, request);
  try {
    const answer = await guardExchange(
      breaker,
      {
        request,
        async send(context) {
          const [input, init] = request.toSend(deadlineOf(breaker, context));
          const sent = () => unguardedUntilSettled(() => original(input, init));
          response = await (cancelled ? cancelled.whileSending(sent) : sent());
          head = headOf(response);
          return head;
        },
      },
      cancelled?.signal,
    );
    if (answer) {
      // Of a call that tripped the breaker, and that a wire has answered.
      response?.body?.cancel().catch(() => undefined);
      return answerResponse(answer, request);
    }
    const keeper = head && keeperOf(breaker, request, head);
    if (keeper) learnFrom(response as Response, keeper);
    return response as Response;
  } catch (error) {
    throw reasonToTell(error, signal);
  } finally {
    cancelled?.stop();
    request.letGo();
  }
}

/** What its caller reads is decoded. */
function keeperOf(breaker: Breaker, request: FetchRequest, head: ResponseHead): ResponseKeeper | undefined {
  return responseKeeper(breaker, request, head, () => {
    const headers = head.headers();
    return isDecoded(headers) && request.method !== 'HEAD' ? decodedHeaders(headers) : headers;
  });
}

function headOf(response: Response): ResponseHead {
  return { status: response.status, headers: () => Object.fromEntries(response.headers) };
}
