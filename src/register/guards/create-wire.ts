import { httpBuffer, httpCache, originWire, staticAnswer } from '@switchgear/adapters/http-answers';
import { memorySpool, type NeutralWire, sqliteSpool } from '@switchgear/breaker';
import type { BufferWireConfig, WireConfig } from '@switchgear/service-config';

/** @throws InvalidInputError where the wire breaks a rule */
export function createWire(config: WireConfig): NeutralWire {
  switch (config.kind) {
    case 'answer': {
      const { kind: _, ...options } = config;
      return staticAnswer(options);
    }
    case 'cache': {
      const { kind: _, ...options } = config;
      return httpCache(options);
    }
    case 'origin': {
      const { kind: _, ...options } = config;
      return originWire(options);
    }
    case 'buffer':
      return createBuffer(config);
  }
}

function createBuffer({ kind: _, spool = 'memory', ...options }: BufferWireConfig): NeutralWire {
  return httpBuffer({ ...options, spool: spool === 'memory' ? memorySpool() : sqliteSpool(spool.sqlite) });
}
