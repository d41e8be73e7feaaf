import { logs, metrics, trace } from '@opentelemetry/api';
import { InstrumentationBase, InstrumentationNodeModuleDefinition } from '@opentelemetry/instrumentation';

const API = '@opentelemetry/api';
/** Where every copy of the API keeps what is registered. */
const REGISTERED = Symbol.for('opentelemetry.js.api.1');
const SIGNALS = ['trace', 'metrics', 'logs'] as const;

const SETTERS = {
  trace: 'setGlobalTracerProvider',
  metrics: 'setGlobalMeterProvider',
  logs: 'setGlobalLoggerProvider',
} as const;

type ApiCopy = Partial<Record<(typeof SIGNALS)[number], Record<string, unknown>>>;

/** What is registered with the API, by whichever copy of it. */
export function registeredGlobals(): Record<string, unknown> & { readonly version?: string } {
  const globals = globalThis as unknown as Record<symbol, Record<string, unknown> | undefined>;
  return globals[REGISTERED] ?? {};
}

/** Whether somebody has registered an SDK for any signal. */
export function isSdkRegistered(): boolean {
  return SIGNALS.some((signal) => registeredGlobals()[signal] !== undefined);
}

/** Forgets what is registered, and the version it was registered by: a copy of another version can register then. */
export function forgetRegistered(): void {
  Reflect.deleteProperty(globalThis, REGISTERED);
}

/** Called before the service registers something, with the version of its copy of the API; undefined where that is register's own. */
type Listener = (apiVersion: string | undefined) => void;

/** The module that `watchServiceSdk` must see as it is loaded. */
export const WATCHED_MODULE = API;

/** Calls `listener` each time the service is about to register an SDK, whichever copy of the API it does it with. */
export function watchServiceSdk(version: string, listener: Listener): void {
  watchSetters({ trace, metrics, logs } as unknown as ApiCopy, () => listener(undefined));
  new ServiceApiHook('@switchgear/register', version, { listener });
}

class ServiceApiHook extends InstrumentationBase<{ listener: Listener; enabled?: boolean }> {
  protected override init(): InstrumentationNodeModuleDefinition[] {
    return [
      new InstrumentationNodeModuleDefinition(API, ['*'], (exports: ApiCopy, version?: string) => {
        watchSetters(exports, () => this.getConfig().listener(version));
        return exports;
      }),
    ];
  }
}

const watched = new WeakSet<object>();

function watchSetters(api: ApiCopy, listener: () => void): void {
  for (const signal of SIGNALS) {
    const face = api[signal];
    const name = SETTERS[signal];
    const register = face?.[name];
    if (!face || typeof register !== 'function' || watched.has(face)) continue;
    watched.add(face);
    face[name] = function (this: unknown, ...args: unknown[]): unknown {
      listener();
      return Reflect.apply(register, this, args);
    };
  }
}
