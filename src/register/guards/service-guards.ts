import { installFetchGuard } from '@switchgear/adapters/fetch';
import { installHttpGuard } from '@switchgear/adapters/http';
import type { ServiceConfig } from '@switchgear/service-config';
import { ConfigSource, findConfigFile } from '../config/config-source.ts';
import type { Environment } from '../environment.ts';
import { DEFAULT_INSTRUMENTATIONS } from '../instrumentation/instrumentations.ts';
import { createModuleGuards, GUARDED_MODULES } from '../instrumentation/module-guards.ts';
import { version } from '../version.ts';
import { GuardedBreakers } from './guarded-breakers.ts';

/** Breakers around the outgoing calls of the service, as its configuration file says; without one they only look on. */
export class ServiceGuards {
  /** Modules that must be seen as the service loads them. */
  readonly modules: readonly string[];
  readonly #environment: Environment;
  readonly #tell: (line: string) => void;
  readonly #source: ConfigSource | undefined;
  readonly #config: ServiceConfig;
  #takeOff: (() => void)[] = [];

  constructor(environment: Environment, tell: (line: string) => void) {
    const path = environment.guards ? findConfigFile(environment.configFile) : null;
    this.modules = environment.guards ? GUARDED_MODULES : [];
    this.#environment = environment;
    this.#tell = tell;
    this.#source = path === null ? undefined : new ConfigSource(path, tell);
    this.#config = this.#source?.read() ?? {};
  }

  /** Short names of the instrumentations to start: as the environment says, or else the file. */
  get instrumentations(): readonly string[] {
    const { enabledInstrumentations, disabledInstrumentations } = this.#environment;
    const names = enabledInstrumentations ?? this.#config.telemetry?.instrumentations ?? DEFAULT_INSTRUMENTATIONS;
    return names.filter((name) => !disabledInstrumentations.includes(name));
  }

  start(): void {
    const { guards, ownOrigins } = this.#environment;
    if (!guards) return;
    const breakers = new GuardedBreakers({ tell: this.#tell, ownOrigins });
    breakers.apply(this.#config);
    this.#source?.follow((config) => {
      breakers.apply(config);
      if (isOther(config.telemetry?.instrumentations, this.#config.telemetry?.instrumentations)) {
        this.#tell('telemetry.instrumentations changed; it takes effect at the next start');
      }
    });
    const modules = createModuleGuards(version, breakers.choose);
    this.#takeOff = [installFetchGuard(breakers.choose), installHttpGuard(breakers.choose), () => modules.disable()];
  }

  /** Guards no further calls, and follows the file no more. */
  close(): void {
    this.#source?.close();
    for (const off of this.#takeOff.splice(0)) off();
  }
}

function isOther(left: readonly string[] | undefined, right: readonly string[] | undefined): boolean {
  return left?.join() !== right?.join();
}
