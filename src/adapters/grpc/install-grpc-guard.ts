import type { CallOptions, Interceptor, InterceptorProvider } from '@grpc/grpc-js';
import { type ChooseBreaker, chooserOf, type GuardedBy } from '../outgoing/guarded-by.ts';
import { installOnce } from '../outgoing/install-once.ts';
import { oncePer } from '../outgoing/once-per.ts';
import { replaceMethod } from '../outgoing/replace-method.ts';
import { interceptorFor, isGuard } from './grpc-interceptor.ts';

/** `@grpc/grpc-js` as it is imported or required. */
export interface GrpcModule {
  readonly Client?: unknown;
  readonly default?: unknown;
}

interface Client {
  getChannel(): { getTarget(): string };
}

type ClientClass = { readonly prototype: object } & (new (
  address: string,
  credentials: undefined,
  options: { channelOverride: object } & CallOptions,
) => Client);

type CheckArguments = (this: Client, ...args: unknown[]) => { readonly options: CallOptions };

/** What every call of every client goes through, to sort out its arguments: of one response, and of a stream of them. */
const CHECKS = ['checkOptionalUnaryResponseArguments', 'checkMetadataAndOptions'];

/**
 * Puts the calls of every client of `@grpc/grpc-js` under breakers, however it was made, those that are there already too. The guard comes
 * before the interceptors that an app has. Returns what takes it off again. A second time it changes nothing.
 * @throws TypeError where it is not given the module `@grpc/grpc-js`
 * @example installGrpcGuard(grpc, ({ host }) => breakers.get(host));
 */
export function installGrpcGuard(grpc: GrpcModule, by: GuardedBy): () => void {
  const type = (grpc.Client ?? (grpc.default as GrpcModule | undefined)?.Client) as ClientClass | undefined;
  if (!type || !CHECKS.every((name) => name in type.prototype)) {
    throw new TypeError('installGrpcGuard needs the module @grpc/grpc-js, version 1, which has Client');
  }
  return installOnce(type, () => {
    const guards = new ClientGuards(type, chooserOf(by));
    const guarded = (original: CheckArguments): CheckArguments =>
      function (...args) {
        const checked = original.apply(this, args);
        return { ...checked, options: guards.addTo(checked.options, this) };
      };
    return CHECKS.map((name) => replaceMethod<CheckArguments>(type.prototype, name, guarded));
  });
}

/** Those of a call stand in for those of its client, so the guard has to bring along the ones that it would displace. */
class ClientGuards {
  readonly #guardOf: (client: Client) => Interceptor;
  readonly #interceptors: symbol | undefined;
  readonly #providers: symbol | undefined;

  constructor(type: ClientClass, choose: ChooseBreaker) {
    this.#guardOf = oncePer((client) => interceptorFor(choose, () => targetOf(client)));
    const interceptor: Interceptor = (options, nextCall) => nextCall(options) as never;
    const provider: InterceptorProvider = () => interceptor;
    this.#interceptors = keyOf(type, { interceptors: [interceptor] }, interceptor);
    this.#providers = keyOf(type, { interceptor_providers: [provider] }, provider);
  }

  addTo(options: CallOptions, client: Client): CallOptions {
    const { interceptors = [], interceptor_providers: providers = [] } = options;
    // The package refuses both together, in words of its own.
    if (interceptors.length > 0 && providers.length > 0) return options;
    const ofCall = interceptors.length > 0 || providers.length > 0;
    const first = ofCall ? interceptors : read<Interceptor>(client, this.#interceptors);
    const later = ofCall ? providers : read<InterceptorProvider>(client, this.#providers);
    if (first.some(isGuard)) return options;
    const guard = this.#guardOf(client);
    if (later.length > 0) return { ...options, interceptor_providers: [() => guard, ...later] };
    return { ...options, interceptors: [guard, ...first] };
  }
}

/** A client keeps its interceptors under symbols of its own: found on one that is never used and has no channel. */
function keyOf(type: ClientClass, options: CallOptions, mark: unknown): symbol | undefined {
  const client = new type('', undefined, { channelOverride: {}, ...options });
  return Object.getOwnPropertySymbols(client).find((key) => read<unknown>(client, key).includes(mark));
}

function read<Item>(client: Client, key: symbol | undefined): readonly Item[] {
  const value: unknown = key && Reflect.get(client, key);
  return Array.isArray(value) ? value : [];
}

/** A channel that an app brings itself may not know. */
function targetOf(client: Client): string {
  try {
    return client.getChannel().getTarget();
  } catch {
    return '';
  }
}
