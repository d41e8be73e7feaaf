import { InstrumentationBase, InstrumentationNodeModuleDefinition } from '@opentelemetry/instrumentation';
import { installUndiciGuard } from '@switchgear/adapters/fetch';
import { installGrpcGuard } from '@switchgear/adapters/grpc';
import { installIoredisGuard } from '@switchgear/adapters/ioredis';
import type { ChooseBreaker } from '@switchgear/adapters/outgoing';
import { installPgGuard } from '@switchgear/adapters/pg';

type Install = (module: never, by: ChooseBreaker) => () => void;

/** Clients that are guarded as the service loads them, and which of their versions. */
const MODULES: Readonly<Record<string, readonly [versions: string, install: Install]>> = {
  '@grpc/grpc-js': ['>=1.10.0 <2', installGrpcGuard as Install],
  ioredis: ['>=5.0.0 <7', installIoredisGuard as Install],
  pg: ['>=8.11.0 <9', installPgGuard as Install],
  undici: ['>=6.21.0 <9', installUndiciGuard as Install],
};

/** The names of these packages. */
export const GUARDED_MODULES: readonly string[] = Object.keys(MODULES);

/** Puts guards on packages that the service loads from now on, by `require` or by `import`. */
export function createModuleGuards(version: string, by: ChooseBreaker): InstrumentationBase {
  return new ModuleGuards('@switchgear/register', version, { by });
}

class ModuleGuards extends InstrumentationBase<{ by: ChooseBreaker; enabled?: boolean }> {
  protected override init(): InstrumentationNodeModuleDefinition[] {
    return Object.entries(MODULES).map(([name, [versions, install]]) => {
      // A service may have several copies of a package.
      const takeOff = new Set<() => void>();
      return new InstrumentationNodeModuleDefinition(
        name,
        [versions],
        (exports) => {
          takeOff.add(install(exports as never, this.getConfig().by));
          return exports;
        },
        () => {
          for (const off of takeOff) off();
          takeOff.clear();
        },
      );
    });
  }
}
