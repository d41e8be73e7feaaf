import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ATTR, EVENTS, METRICS, type MetricSpec, SPANS } from '@switchgear/conventions';
import { expect, test } from 'vitest';
import { parseAst } from 'vitest/node';

const ROOT = join(import.meta.dirname, '../..');

/** Every name that the conventions file gives, and what Prometheus makes of it. */
const NAMES = new Set<string>([
  ...Object.values<string>(ATTR).filter((name) => name.startsWith('breaker.')),
  ...Object.values<MetricSpec>(METRICS).flatMap(({ name, prometheus }) => [name, prometheus]),
  ...Object.values<string>(SPANS),
  ...Object.values(EVENTS).map(({ name }) => name),
]);

/** The console runs in a browser, which has no way to the conventions: its names must be those, letter by letter. */
const CONSOLE = 'src/control-plane/console/';

test('only the conventions spell a name of the telemetry', () => {
  const files = globSync('src/**/*.{ts,js}', { cwd: ROOT, exclude: (path) => path.includes('node_modules') });
  const sources = files.filter((path) => !path.startsWith('src/conventions/'));
  expect(sources.length).toBeGreaterThan(100);
  const found = sources.flatMap((path) =>
    namesIn(readFileSync(join(ROOT, path), 'utf8'), path)
      .filter((name) => !path.startsWith(CONSOLE) || !NAMES.has(name))
      .map((name) => `${path}: ${name}`),
  );
  expect(found).toEqual([]);
});

test('a name in a literal or a template is found, one in prose or in a comment is not', () => {
  const lines = [
    "// 'breaker.calls'",
    "const a = 'breaker.calls';",
    'const b = `breaker.trip \u0024{a}`;',
    "const c = 'see `breaker.trip`.', d = 'breaker.new_one', e = 'breaker_calls_total', f = 'breaker';",
  ];
  expect(namesIn(lines.join('\n'), 'a.ts')).toEqual([
    'breaker.calls',
    'breaker.trip',
    'breaker.new_one',
    'breaker_calls_total',
  ]);
});

/** Literals that are a name of the telemetry, or look like one. */
function namesIn(text: string, path: string): string[] {
  return literalsOf(text, path)
    .map((literal) => literal.trim())
    .filter((literal) => NAMES.has(literal) || /^breaker\.[a-z_.]+$/.test(literal));
}

interface SyntaxNode {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** The texts of a file: string literals, and the fixed parts of templates. */
function literalsOf(text: string, path: string): string[] {
  const found: string[] = [];
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    if (Array.isArray(value)) {
      for (const item of value) visit(item);
      return;
    }
    const node = value as SyntaxNode;
    if (node.type === 'Literal' && typeof node.value === 'string') found.push(node.value);
    if (node.type === 'TemplateElement') found.push((node.value as { cooked: string }).cooked ?? '');
    for (const child of Object.values(node)) visit(child);
  };
  visit(parseAst(text, { lang: path.endsWith('.ts') ? 'ts' : 'jsx' }));
  return found;
}
