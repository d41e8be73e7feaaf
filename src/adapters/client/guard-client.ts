import type { Breaker } from '@switchgear/breaker';
import { InvalidInputError, type Problem } from '@switchgear/conventions';
import { chooserOf, type GuardedBy } from '../outgoing/guarded-by.ts';
import type { OutgoingCall } from '../outgoing/outgoing-call.ts';
import { plainAnswer } from '../outgoing/plain-answer.ts';
import { isUnguarded, unguardedUntilSettled } from '../outgoing/unguarded.ts';

/** The names of the methods of a client that return a promise. */
export type AsyncMethodOf<Client> = {
  [Name in keyof Client]: Client[Name] extends (...args: never[]) => PromiseLike<unknown> ? Name & string : never;
}[keyof Client];

export interface GuardClientOptions<Client> {
  /** The methods whose calls a breaker guards. */
  readonly methods: readonly AsyncMethodOf<Client>[];
  /** What the client is called where a breaker is chosen, 1 to 120 characters; default `client`. */
  readonly name?: string;
}

/** A guarded call, as a neutral wire has it for its input. */
export interface ClientCall extends OutgoingCall {
  readonly args: readonly unknown[];
}

type Method = (this: unknown, ...args: unknown[]) => unknown;

/**
 * The same client with some of its methods under a breaker. Its other members are the client's own. An `AbortSignal` that stands
 * as `signal` in the last argument tells of calls that their caller gave up. Calls that a guarded method makes through another guarded
 * client are not counted a second time. Where a breaker has a `timeoutMs` its caller need not wait for longer; the method itself
 * is not stopped by it.
 * @throws InvalidInputError for a method that the client does not have
 * @example const mail = guardClient(new MailClient(), breaker, { methods: ['send'] });
 */
export function guardClient<Client extends object>(
  client: Client,
  by: GuardedBy,
  options: GuardClientOptions<Client>,
): Client {
  const problems = checkOptions(client, options);
  if (problems.length > 0) throw new InvalidInputError(problems);
  const { methods, name = 'client' } = options;
  const choose = chooserOf(by);
  const guarded = new Map<PropertyKey, Method>(
    methods.map((method) => {
      const call: OutgoingCall = { client: name, method, origin: '', host: '', path: '' };
      return [method, guardedMethod(client, method, call, choose)];
    }),
  );
  const forwarded = new WeakMap<object, unknown>();
  const proxy: Client = new Proxy(client, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== 'function' || isFixed(target, property)) return value;
      const guard = guarded.get(property);
      if (guard) return guard;
      if (!forwarded.has(value))
        forwarded.set(
          value,
          forward(value as Method, target, () => proxy),
        );
      return forwarded.get(value);
    },
    set: (target, property, value) => Reflect.set(target, property, value, target),
  });
  return proxy;
}

function guardedMethod(
  client: object,
  name: string,
  call: OutgoingCall,
  choose: (call: OutgoingCall) => Breaker | undefined,
): Method {
  return async (...args) => {
    const run = async () => Reflect.apply(Reflect.get(client, name, client) as Method, client, args);
    const breaker = isUnguarded() ? undefined : choose(call);
    if (!breaker) return run();
    const signal = signalOf(args.at(-1));
    const input = breaker.neutralWires.length > 0 ? ({ ...call, args } satisfies ClientCall) : undefined;
    return plainAnswer(await breaker.execute(() => unguardedUntilSettled(run), { signal, input }));
  };
}

/** A method that is not guarded, with the client for `this`: one with private members does not work on a proxy. */
function forward(method: Method, client: object, proxy: () => object): Method {
  return new Proxy(method, {
    apply(target, self: unknown, args: unknown[]) {
      const result = Reflect.apply(target, self === proxy() ? client : self, args);
      return result === client ? proxy() : result;
    },
  });
}

/** A proxy has to show such a member as it is. */
function isFixed(target: object, property: PropertyKey): boolean {
  const own = Reflect.getOwnPropertyDescriptor(target, property);
  return own !== undefined && own.configurable === false && own.writable === false;
}

function signalOf(argument: unknown): AbortSignal | undefined {
  if (typeof argument !== 'object' || argument === null) return undefined;
  const { signal } = argument as { readonly signal?: unknown };
  return signal instanceof AbortSignal ? signal : undefined;
}

function checkOptions<Client extends object>(client: Client, { methods, name }: GuardClientOptions<Client>): Problem[] {
  const problems: Problem[] = [];
  if (!Array.isArray(methods)) return [{ field: 'methods', rule: 'must be a list of methods', value: methods }];
  methods.forEach((method, index) => {
    if (typeof Reflect.get(client, method, client) === 'function' && !isFixed(client, method)) return;
    problems.push({
      field: `methods[${index}]`,
      rule: 'must be a method of the client that can be replaced',
      value: method,
    });
  });
  if (name !== undefined && (typeof name !== 'string' || name === '' || name.length > 120)) {
    problems.push({ field: 'name', rule: 'must be a string of 1 to 120 characters', value: name });
  }
  return problems;
}
