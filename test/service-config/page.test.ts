import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { jsonSchema, readConfig } from '../../src/service-config/index.ts';

const read = (path: string) => readFileSync(join(import.meta.dirname, '../..', path), 'utf8');
const page = read('docs/switchgear-yaml.md');
const examplesIn = (text: string) => [...text.matchAll(/```yaml\n(.*?)```/gs)].map(([, example]) => example!);

describe('the page of switchgear.yaml', () => {
  test.each(['docs/switchgear-yaml.md', 'README.md'])('the examples of %s are in order', (path) => {
    const examples = examplesIn(read(path));
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples) expect(readConfig(example).problems).toEqual([]);
  });

  test('names every key of the file', () => {
    const keys = new Set<string>();
    const collect = (schema: unknown): void => {
      if (Array.isArray(schema)) schema.forEach(collect);
      if (typeof schema !== 'object' || schema === null) return;
      const { properties = {}, ...rest } = schema as { properties?: Record<string, unknown> };
      for (const name of Object.keys(properties)) keys.add(name);
      // The settings of a breaker have a page of their own.
      for (const [name, field] of Object.entries(properties))
        if (!['trip', 'halfOpen', 'cooldownMs'].includes(name)) collect(field);
      Object.values(rest).forEach(collect);
    };
    collect(jsonSchema());
    const words = new Set(page.match(/[A-Za-z]+/g));
    expect([...keys].filter((key) => !words.has(key))).toEqual([]);
    expect(keys.size).toBeGreaterThan(30);
  });
});
