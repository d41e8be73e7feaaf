import { InvalidInputError, parseDesiredState } from '@switchgear/conventions';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { identityOf } from '../../../src/control-plane/opamp/agent-identity.ts';
import { parseInventory } from '../../../src/control-plane/opamp/inventory-check.ts';
import { jsonCodec } from '../../../src/control-plane/opamp/json-codec.ts';
import { protobufCodec } from '../../../src/control-plane/opamp/protobuf-codec.ts';

describe('whatever is sent, a decoder gives a message or names the field', () => {
  test('protobuf of any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => refusesInWords(() => protobufCodec.decode(bytes))),
    );
  });

  test('protobuf that begins well', () => {
    const start = Uint8Array.of(0x0a, 16, ...new Uint8Array(16).fill(1));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (rest) =>
        refusesInWords(() => protobufCodec.decode(Uint8Array.of(...start, ...rest))),
      ),
      { numRuns: 500 },
    );
  });

  test('JSON of any shape under the names that are known', () => {
    const value = fc.jsonValue({ maxDepth: 4 });
    const message = fc.record(
      {
        instanceUid: fc.oneof(fc.constant('AAAAAAAAAAAAAAAAAAAAAA=='), value),
        sequenceNum: value,
        agentDescription: fc.oneof(value, fc.record({ identifyingAttributes: fc.array(value) })),
        capabilities: value,
        effectiveConfig: fc.oneof(
          value,
          fc.record({ configMap: fc.record({ configMap: fc.dictionary(fc.string(), value) }) }),
        ),
        remoteConfigStatus: value,
        agentDisconnect: value,
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(message, (parts) =>
        refusesInWords(() => {
          const { agentDescription } = jsonCodec.decode(Buffer.from(JSON.stringify(parts)));
          if (agentDescription) identityOf(agentDescription, 'uid');
        }),
      ),
      { numRuns: 500 },
    );
  });

  test('an inventory of any shape', () => {
    const breakers = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 4 }));
    const inventory = fc.oneof(fc.jsonValue(), fc.record({ schema: fc.constant('switchgear.inventory/v1'), breakers }));
    fc.assert(
      fc.property(inventory, (value) =>
        refusesInWords(() => parseInventory(Buffer.from(JSON.stringify(value)), 'inventory.json')),
      ),
    );
  });
});

test('a reply in JSON carries a document that the library can parse', () => {
  const body = Buffer.from(JSON.stringify({ schema: 'switchgear.desired-state/v1', revision: 0, breakers: {} }));
  const reply = JSON.parse(
    jsonCodec
      .encode({
        instanceUid: new Uint8Array(16),
        flags: 0,
        capabilities: 7,
        remoteConfig: { name: 'desired-state.json', file: { body, contentType: 'application/json' }, hash: body },
      })
      .toString(),
  );
  const file = reply.remoteConfig.config.configMap['desired-state.json'];
  expect(parseDesiredState(Buffer.from(file.body, 'base64').toString()).desired.revision).toBe(0);
  expect(reply).not.toHaveProperty('flags');
});

test('a namespace stands before the name, and without an instance id the UID stands in', () => {
  const identifying = new Map([
    ['service.name', 'shop'],
    ['service.namespace', 'eu'],
  ]);
  const nonIdentifying = new Map([['deployment.environment.name', 'test']]);
  expect(identityOf({ identifying, nonIdentifying }, 'abc')).toEqual({
    service: 'eu/shop',
    instance: 'abc',
    environment: 'test',
  });
});

function refusesInWords(decode: () => unknown): void {
  try {
    decode();
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidInputError);
    expect((error as InvalidInputError).problems[0]?.field).not.toBe('');
  }
}
