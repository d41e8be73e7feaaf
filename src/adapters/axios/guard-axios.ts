import type { Breaker } from '@switchgear/breaker';
import {
  type AxiosAdapter,
  type AxiosInstance,
  type AxiosResponse,
  getAdapter,
  type InternalAxiosRequestConfig,
} from 'axios';
import { guardExchange } from '../http-calls/guard-exchange.ts';
import { requestBytesAsked } from '../http-calls/request-bytes-asked.ts';
import { responseKeeper } from '../http-calls/response-keeper.ts';
import { deadlineOf } from '../outgoing/deadline-of.ts';
import { chooserOf, type GuardedBy } from '../outgoing/guarded-by.ts';
import { isUnguarded, unguardedUntilSettled } from '../outgoing/unguarded.ts';
import { answerAxios } from './answer-axios.ts';
import { callerOf } from './axios-caller.ts';
import { AxiosHttpRequest } from './axios-http-request.ts';
import { headOf, learnFrom, responseOf } from './axios-response.ts';
import { asAxiosError } from './breaker-axios-error.ts';

/**
 * Puts breakers around the requests of axios or of one of its instances. A request that is not let through rejects with an AxiosError
 * that has `code: 'BREAKER_OPEN'`, its `config`, no `response`, and the BreakerOpenError as its `cause`. The breaker judges each
 * status, whatever `validateStatus` makes of it. Redirects that axios follows belong to the call, as does the body, unless `responseType` is
 * `stream`. A request with an `adapter` of its own is left alone.
 * @example const takeOff = guardAxios(axios, createBreaker('stock'));
 * @returns takes it off again
 */
export function guardAxios(instance: AxiosInstance, by: GuardedBy): () => void {
  const choose = chooserOf(by);
  const original = instance.defaults.adapter;
  const guarded: AxiosAdapter = (config) => {
    // Looked up as axios would, for each request: which one it is may depend on its configuration.
    const adapter = getAdapter(original, config);
    const request = isUnguarded() || config.signal?.aborted ? undefined : AxiosHttpRequest.of(config);
    const breaker = request && choose(request);
    return breaker ? sendUnder(breaker, adapter, request, config) : adapter(config);
  };
  instance.defaults.adapter = guarded;
  return () => {
    if (instance.defaults.adapter !== guarded) return;
    if (original === undefined) delete instance.defaults.adapter;
    else instance.defaults.adapter = original;
  };
}

async function sendUnder(
  breaker: Breaker,
  adapter: AxiosAdapter,
  request: AxiosHttpRequest,
  config: InternalAxiosRequestConfig,
): Promise<AxiosResponse> {
  let sent: Promise<AxiosResponse> | undefined;
  const caller = callerOf(config);
  request.keep(requestBytesAsked(breaker, request));
  try {
    const answer = await guardExchange(
      breaker,
      {
        request,
        async send(context) {
          const deadline = deadlineOf(breaker, context);
          sent = unguardedUntilSettled(() => adapter(request.toSend(deadline)));
          return headOf(await sent.catch(responseOf));
        },
      },
      caller.signal,
    );
    if (answer) return answerAxios(answer, config);
    return await asSent(sent as Promise<AxiosResponse>, breaker, request, config);
  } catch (error) {
    // Of a caller who has left axios says so itself, whatever it is rejected with.
    throw asAxiosError(error, config);
  } finally {
    caller.stop();
    request.letGo();
  }
}

/** What axios made of it, whose `config` is the caller's whatever was sent. */
async function asSent(
  sent: Promise<AxiosResponse>,
  breaker: Breaker,
  request: AxiosHttpRequest,
  config: InternalAxiosRequestConfig,
): Promise<AxiosResponse> {
  const response = await sent;
  response.config = config;
  learnFrom(response, (head) => responseKeeper(breaker, request, head));
  return response;
}
