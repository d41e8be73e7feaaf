import { httpBuffer, httpCache, originWire, staticAnswer } from '@switchgear/adapters/http-answers';
import { memorySpool, type NeutralWire, sqliteSpool } from '@switchgear/breaker';
import type { BufferWireConfig, WireConfig } from '@switchgear/service-config';

/**
 * A wire of the file; where it has no name it is called by its kind.
 * @throws InvalidInputError where the wire breaks a rule
 */
export function createWire(config: WireConfig): NeutralWire {
  const name = config.name ?? config.kind;
  switch (config.kind) {
    case 'answer': {
      const { kind: _, ...options } = config;
      return staticAnswer({ ...options, name });
    }
    case 'cache': {
      const { kind: _, ...options } = config;
      return httpCache({ ...options, name });
    }
    case 'origin': {
      const { kind: _, ...options } = config;
      return originWire({ ...options, name });
    }
    case 'buffer':
      return createBuffer({ ...config, name });
  }
}

function createBuffer({ kind: _, spool = 'memory', ...options }: BufferWireConfig): NeutralWire {
  return httpBuffer({ ...options, spool: spool === 'memory' ? memorySpool() : sqliteSpool(spool.sqlite) });
}
