import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { documentText } from '../support/repository/tables.ts';

const FOLDER = join(import.meta.dirname, '../../src/adapters');
const { exports } = JSON.parse(readFileSync(join(FOLDER, 'package.json'), 'utf8')) as {
  readonly exports: Readonly<Record<string, string>>;
};
const ROWS = documentText('docs/adapters.md')
  .split('\n')
  .filter((line) => line.startsWith('| '));

test.each(Object.entries(exports))('the page of the adapters has every function of %s', async (name, file) => {
  const library: Record<string, unknown> = await import(join(FOLDER, file));
  const functions = Object.keys(library).filter((key) => typeof library[key] === 'function' && /^[a-z]/.test(key));
  expect(functions).not.toEqual([]);
  const shown = ROWS.map((row) => row.split(' | ')[1] ?? '').filter((cell) =>
    cell.startsWith(`\`${name.slice(2)}\`: `),
  );
  const told = shown
    .flatMap((cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, word]) => word))
    .filter((word) => word !== name.slice(2));
  expect(told.sort()).toEqual(functions.sort());
});
