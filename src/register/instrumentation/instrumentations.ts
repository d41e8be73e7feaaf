import { createRequire } from 'node:module';
import { join } from 'node:path';
import { diag } from '@opentelemetry/api';
import type { Instrumentation, InstrumentationModuleDefinition } from '@opentelemetry/instrumentation';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { YieldingHttp } from './yielding-http.ts';

/** Those that come with register: traces come in and go out by them. */
const OWN: Readonly<Record<string, () => Instrumentation>> = {
  http: () => new YieldingHttp(),
  undici: () => new UndiciInstrumentation(),
};

export const DEFAULT_INSTRUMENTATIONS: readonly string[] = Object.keys(OWN);

/**
 * OpenTelemetry's own instrumentations by their short names. `http` and `undici` are here; any other is the service's to install, as
 * `@opentelemetry/instrumentation-<name>`. One that cannot be had is told, and the rest is started.
 */
export function createInstrumentations(names: readonly string[]): Instrumentation[] {
  return names.flatMap((name) => {
    try {
      return [OWN[name]?.() ?? loadFromService(name)];
    } catch (error) {
      const why =
        (error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND' ? 'the service has not installed it' : error;
      diag.warn(`No instrumentation "${name}" (@opentelemetry/instrumentation-${name}): ${why}`);
      return [];
    }
  });
}

/** The modules that instrumentations want to see as they are loaded. */
export function modulesOf(instrumentations: readonly Instrumentation[]): string[] {
  return instrumentations.flatMap((instrumentation) => {
    const { _modules: modules = [] } = instrumentation as { _modules?: readonly InstrumentationModuleDefinition[] };
    return modules.map(({ name }) => name);
  });
}

function loadFromService(name: string): Instrumentation {
  const requireFromService = createRequire(join(process.cwd(), 'package.json'));
  const exports = requireFromService(`@opentelemetry/instrumentation-${name}`) as Record<string, unknown>;
  const found = Object.entries(exports).find(
    ([key, value]) => /Instrumentation$/.test(key) && typeof value === 'function',
  );
  if (!found) throw new Error('it exports no instrumentation');
  return new (found[1] as new () => Instrumentation)();
}
