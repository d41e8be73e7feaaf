import { AsyncResource } from 'node:async_hooks';
import type { Breaker, CallContext } from '@switchgear/breaker';
import { guardExchange } from '../http-calls/guard-exchange.ts';
import { requestBytesAsked } from '../http-calls/request-bytes-asked.ts';
import { responseKeeper } from '../http-calls/response-keeper.ts';
import { deadlineOf } from '../outgoing/deadline-of.ts';
import { chooserOf, type GuardedBy } from '../outgoing/guarded-by.ts';
import { isUnguarded, unguardedUntilSettled } from '../outgoing/unguarded.ts';
import { CallerSignal, reasonToTell } from './caller-signal.ts';
import { DispatchRequest } from './dispatch-request.ts';
import type { Dispatch, DispatchHandler, DispatchOptions } from './dispatcher.ts';
import { Gate } from './gate.ts';
import { isLeftAloneBy, leaveAlone } from './left-alone.ts';
import { LegacyGate } from './legacy-gate.ts';
import { ModernGate } from './modern-gate.ts';

/**
 * Dispatches a request under its breaker, where it has one. Upgrades and CONNECT are no calls and are left alone.
 * @param origin of the dispatcher, where it is for one origin
 */
export function guardDispatch(
  dispatch: Dispatch,
  by: GuardedBy,
  options: DispatchOptions,
  handler: DispatchHandler,
  origin: string | URL | undefined,
): boolean {
  if (handler instanceof Gate || !isCall(options, handler)) return dispatch(options, handler);
  if (isUnguarded() || isLeftAloneBy(by)) return dispatch(options, handler);
  const request = DispatchRequest.of(options, origin);
  const breaker = request && chooserOf(by)(request);
  if (breaker) return new GuardedDispatch(breaker, request, options, handler).start(dispatch);
  return leaveAlone(by, () => dispatch(options, handler));
}

function isCall(options: DispatchOptions, handler: DispatchHandler): boolean {
  if (typeof options !== 'object' || options === null || typeof handler !== 'object' || handler === null) return false;
  // What ends before it begins is no call.
  if (options.signal instanceof AbortSignal && options.signal.aborted) return false;
  return !options.upgrade && options.method !== 'CONNECT';
}

class GuardedDispatch {
  readonly #breaker: Breaker;
  readonly #request: DispatchRequest;
  readonly #gate: Gate & DispatchHandler;
  readonly #callerSignal: AbortSignal | undefined;
  readonly #cancelled: CallerSignal | undefined;
  #accepted = true;
  #thrown: { readonly error: unknown } | undefined;

  constructor(breaker: Breaker, request: DispatchRequest, options: DispatchOptions, handler: DispatchHandler) {
    this.#breaker = breaker;
    this.#request = request;
    request.mostBodyBytes = requestBytesAsked(breaker, request);
    // `request`, `stream` and `pipeline` have their signal in the options; of others nobody knows.
    const mayCancel = Boolean(options.signal) || !(handler instanceof AsyncResource);
    this.#callerSignal = options.signal instanceof AbortSignal ? options.signal : undefined;
    const cancelled = mayCancel ? new CallerSignal(this.#callerSignal) : undefined;
    this.#cancelled = cancelled;
    const cancel = cancelled && ((reason: unknown) => cancelled.abort(reason));
    const holds = breaker.neutralWires.length > 0;
    const Kind = typeof handler.onRequestStart === 'function' ? ModernGate : LegacyGate;
    this.#gate = new Kind(handler, holds, cancel);
  }

  start(dispatch: Dispatch): boolean {
    this.#guard(dispatch);
    if (this.#thrown) throw this.#thrown.error;
    return this.#accepted;
  }

  async #guard(dispatch: Dispatch): Promise<void> {
    const gate = this.#gate;
    const request = this.#request;
    const exchange = {
      request,
      send: (context: CallContext) => {
        const deadline = deadlineOf(this.#breaker, context);
        deadline?.addEventListener('abort', () => gate.abort(deadline.reason), { once: true });
        // What an agent hands on to a pool, and that to a client, is this call still.
        const sent = () => unguardedUntilSettled(() => gate.send(() => this.#dispatch(dispatch)));
        return this.#cancelled ? this.#cancelled.whileSending(sent) : sent();
      },
    };
    try {
      const answer = await guardExchange(this.#breaker, exchange, this.#cancelled?.signal);
      if (answer) gate.answer(answer, request.method !== 'HEAD');
      else gate.release(gate.head && responseKeeper(this.#breaker, request, gate.head));
    } catch (error) {
      gate.fail(reasonToTell(error, this.#callerSignal));
    } finally {
      this.#cancelled?.stop();
      request.letGo();
    }
  }

  /** What a dispatcher throws at once is its caller's at once. */
  #dispatch(dispatch: Dispatch): void {
    try {
      this.#accepted = dispatch(this.#request.toSend(), this.#gate);
    } catch (error) {
      this.#thrown = { error };
      this.#gate.silence();
      throw error;
    }
  }
}
