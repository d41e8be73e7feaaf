import { context, diag, logs, metrics, propagation, trace } from '@opentelemetry/api';
import { InstrumentationBase, InstrumentationNodeModuleDefinition } from '@opentelemetry/instrumentation';
import { ENTRIES, type Entry } from './registered-globals.ts';

const API = '@opentelemetry/api';

const SETTERS: Readonly<Record<Entry, string>> = {
  context: 'setGlobalContextManager',
  propagation: 'setGlobalPropagator',
  trace: 'setGlobalTracerProvider',
  metrics: 'setGlobalMeterProvider',
  logs: 'setGlobalLoggerProvider',
  diag: 'setLogger',
};

type ApiCopy = Partial<Record<Entry, Record<string, unknown>>>;

/** Hears of what the service registers. `apiVersion` is that of its copy of the API; undefined where that is register's own. */
export interface RegistrationListener {
  before(entry: Entry, apiVersion: string | undefined): void;
  after(entry: Entry, apiVersion: string | undefined): void;
}

/** The module that `watchServiceSdk` must see as it is loaded. */
export const WATCHED_MODULE = API;

/** Tells `listener` each time the service registers something with OpenTelemetry, whichever copy of the API it does it with. */
export function watchServiceSdk(version: string, listener: RegistrationListener): void {
  watchSetters({ context, propagation, trace, metrics, logs, diag } as unknown as ApiCopy, undefined, listener);
  new ServiceApiHook('@switchgear/register', version, { listener });
}

class ServiceApiHook extends InstrumentationBase<{ listener: RegistrationListener; enabled?: boolean }> {
  protected override init(): InstrumentationNodeModuleDefinition[] {
    return [
      new InstrumentationNodeModuleDefinition(API, ['*'], (exports: ApiCopy, version?: string) => {
        watchSetters(exports, version, this.getConfig().listener);
        return exports;
      }),
    ];
  }
}

const watched = new WeakSet<object>();

function watchSetters(api: ApiCopy, version: string | undefined, listener: RegistrationListener): void {
  for (const entry of ENTRIES) {
    const face = api[entry];
    const name = SETTERS[entry];
    const register = face?.[name];
    if (!face || typeof register !== 'function' || watched.has(face)) continue;
    watched.add(face);
    face[name] = function (this: unknown, ...args: unknown[]): unknown {
      quietly(() => listener.before(entry, version));
      const result = Reflect.apply(register, this, args);
      quietly(() => listener.after(entry, version));
      return result;
    };
  }
}

/** The service's own registration goes on, whatever becomes of register's. */
function quietly(work: () => void): void {
  try {
    work();
  } catch (error) {
    diag.warn(`Register did not make way for the service's SDK: ${(error as Error).message}`);
  }
}
