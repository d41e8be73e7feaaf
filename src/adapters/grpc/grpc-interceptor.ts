import type { InterceptingCall, Interceptor } from '@grpc/grpc-js';
import { type ChooseBreaker, chooserOf, type GuardedBy } from '../outgoing/guarded-by.ts';
import { isUnguarded } from '../outgoing/unguarded.ts';
import { OutgoingGrpcCall } from './grpc-call.ts';
import type { Call } from './grpc-types.ts';
import { CANCELLED } from './grpc-types.ts';
import { GuardedCall } from './guarded-call.ts';

const guards = new WeakSet<Interceptor>();

/**
 * An interceptor for clients of `@grpc/grpc-js` that puts their calls under a breaker. First in the list it counts a call once,
 * however often a later one tries it again. A call that is turned away ends with status UNAVAILABLE; its error has the BreakerOpenError as `cause`
 * and the breaker's name as `breaker`.
 * @example new StockClient('stock:50051', credentials.createInsecure(), { interceptors: [grpcInterceptor(breaker)] });
 */
export function grpcInterceptor(by: GuardedBy): Interceptor {
  return interceptorFor(chooserOf(by));
}

/** @param target the client's address; default: asked of the call, which is then made before the breaker is chosen */
export function interceptorFor(choose: ChooseBreaker, target?: () => string): Interceptor {
  const interceptor: Interceptor = (options, nextCall) => {
    if (isUnguarded()) return nextCall(options) as InterceptingCall;
    let made: Call | undefined;
    const next = () => {
      made ??= nextCall(options) as Call;
      return made;
    };
    const facts = new OutgoingGrpcCall(options.method_definition.path, target ?? (() => next().getPeer()));
    const breaker = choose(facts);
    if (!breaker) return next() as InterceptingCall;
    const discard = () => made?.cancelWithStatus(CANCELLED, 'Not made');
    return new GuardedCall(breaker, facts, options.method_definition, next, discard) as unknown as InterceptingCall;
  };
  guards.add(interceptor);
  return interceptor;
}

export function isGuard(interceptor: Interceptor): boolean {
  return guards.has(interceptor);
}
