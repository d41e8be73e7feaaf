import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { jsonSchema, readConfig } from '../../src/service-config/index.ts';

/** What editors check by, in an implementation that is not ours. */
const editor = z.fromJSONSchema(jsonSchema() as Parameters<typeof z.fromJSONSchema>[0]);

describe('the JSON Schema', () => {
  test.each([
    {},
    { mode: 'shadow', unmatched: 'none' },
    { breakers: { a: { preset: 'queue', cooldownMs: { baseMs: 10 }, halfOpen: { ramp: [0.1, 0.5] } } } },
    { breakers: { a: { wires: [{ kind: 'answer', json: { any: ['thing'] } }] } } },
    { breakers: { a: { wires: [{ kind: 'buffer', methods: ['POST'], spool: { sqlite: 'a.db' } }] } } },
    { rules: [{ match: { method: ['GET', 'HEAD'] }, breaker: 'none' }] },
  ])('takes what the file may be: %j', (config) => {
    expect(readConfig(JSON.stringify(config)).problems).toEqual([]);
    expect(editor.safeParse(config).success).toBe(true);
  });

  test.each([
    { breaker: {} },
    { mode: 'on' },
    { breakers: { a: { timeoutMs: 0 } } },
    { breakers: { a: { trip: { failureRatio: 0 } } } },
    { breakers: { a: { wires: [{ kind: 'buffer' }] } } },
    { breakers: { a: { wires: [{ kind: 'cache', status: 200 }] } } },
    { rules: [{ match: {} }] },
    { rules: [{ match: { client: 'redis' }, breaker: 'none' }] },
    { rules: [{ match: { host: ['http://a.example.com'] }, breaker: 'none' }] },
    { rules: [{ match: { path: [] }, breaker: 'none' }] },
    { unmatched: 'shadow' },
    { unmatched: { maxOrigins: 0 } },
  ])('refuses what the file may not be: %j', (config) => {
    expect(readConfig(JSON.stringify(config)).config).toBeUndefined();
    expect(editor.safeParse(config).success).toBe(false);
  });

  test('numbers are taken and refused alike, over their whole range', () => {
    const numbers = fc.oneof(fc.integer({ min: -5, max: 100_000_000 }), fc.double({ min: -1, max: 3, noNaN: true }));
    const fields = ['failureRatio', 'minimumCalls', 'slowMs', 'windowMs', 'windowCalls', 'failures'] as const;
    fc.assert(
      fc.property(fc.constantFrom(...fields), numbers, (field, value) => {
        const config = { breakers: { a: { trip: { [field]: value } } } };
        expect(editor.safeParse(config).success).toBe(readConfig(JSON.stringify(config)).config !== undefined);
      }),
    );
  });

  test('every field has a sentence for whoever hovers over it', () => {
    const without: string[] = [];
    const walk = (schema: unknown, path: string): void => {
      if (typeof schema !== 'object' || schema === null) return;
      const { properties = {} } = schema as { properties?: Record<string, { description?: string }> };
      for (const [name, field] of Object.entries(properties)) {
        if (!field.description) without.push(`${path}.${name}`);
        walk(field, `${path}.${name}`);
      }
      for (const key of ['items', 'additionalProperties', 'anyOf', 'oneOf'] as const) {
        const inner = (schema as Record<string, unknown>)[key];
        for (const one of [inner].flat()) walk(one, `${path}/${key}`);
      }
    };
    walk(jsonSchema(), '');
    expect(without).toEqual([]);
  });
});
