import { parseAst } from 'vitest/node';

/** One file of the repository, by its path from the root with `/` between folders. */
export interface Source {
  readonly path: string;
  readonly text: string;
}

export interface Finding {
  /** What was found, such as an imported specifier or `Date.now`. */
  readonly name: string;
  readonly line: number;
}

/** What the rules look at in one file. */
export interface ParsedSource {
  readonly path: string;
  /** Every module it names: import, export from, import(), import types, require() and import.meta.resolve(). */
  readonly imports: readonly Finding[];
  /** Reads of a raw clock: `Date.now`, `performance.now`, `new Date()` without an argument. */
  readonly clocks: readonly Finding[];
  /** Timers that are called or handed on. */
  readonly timers: readonly Finding[];
  /** Syntax the house does without: enum, namespace, default export. The linter holds `any`. */
  readonly banned: readonly Finding[];
}

/** Parses a file and collects what the rules need. Comments and strings never count. */
export function parseSource({ path, text }: Source): ParsedSource {
  const found = { imports: [] as Finding[], clocks: [] as Finding[], timers: [] as Finding[], banned: [] as Finding[] };
  const root = parseAst(text, { lang: languageOf(path) }) as unknown as SyntaxNode;
  const lineAt = lineCounter(text);
  visit(root, (node) => {
    const line = lineAt(node.start);
    const imported = importOf(node);
    if (imported !== undefined) found.imports.push({ name: imported, line });
    const clock = clockOf(node);
    if (clock !== undefined) found.clocks.push({ name: clock, line });
    const timer = timerOf(node);
    if (timer !== undefined) found.timers.push({ name: timer, line });
    const banned = BANNED[node.type];
    if (banned !== undefined && node.declare !== true) found.banned.push({ name: banned, line });
  });
  return { path, ...found };
}

interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly [field: string]: unknown;
}

const BANNED: Readonly<Record<string, string>> = {
  TSEnumDeclaration: 'enum',
  TSModuleDeclaration: 'namespace',
  ExportDefaultDeclaration: 'default export',
};

const TIMERS = ['setTimeout', 'setInterval', 'setImmediate'];

function importOf(node: SyntaxNode): string | undefined {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportAllDeclaration':
    case 'ExportNamedDeclaration':
    case 'ImportExpression':
    case 'TSImportType':
      return literalOf(node.source);
    case 'TSExternalModuleReference':
      return literalOf(node.expression);
    case 'CallExpression': {
      const callee = pathOf(node.callee);
      if (callee !== 'require' && callee !== 'require.resolve' && callee !== 'import.meta.resolve') return undefined;
      return literalOf((node.arguments as readonly unknown[])[0]);
    }
    default:
      return undefined;
  }
}

function clockOf(node: SyntaxNode): string | undefined {
  if (node.type === 'NewExpression' && pathOf(node.callee) === 'Date' && (node.arguments as unknown[]).length === 0) {
    return 'new Date()';
  }
  const path = node.type === 'MemberExpression' ? withoutGlobal(pathOf(node)) : undefined;
  return path === 'Date.now' || path === 'performance.now' || path === 'process.hrtime' ? path : undefined;
}

/** A call of a timer, or a timer handed on as a value; a property that is merely named so does not count. */
function timerOf(node: SyntaxNode): string | undefined {
  const candidates =
    node.type === 'CallExpression'
      ? [node.callee, ...(node.arguments as unknown[])]
      : node.type === 'VariableDeclarator'
        ? [node.init]
        : [];
  return candidates.map((candidate) => withoutGlobal(pathOf(candidate))).find((name) => TIMERS.includes(name ?? ''));
}

/** `a.b.c` of an identifier or of a chain of plain members. */
function pathOf(value: unknown): string | undefined {
  if (!isNode(value)) return undefined;
  if (value.type === 'Identifier') return value.name as string;
  if (value.type === 'MetaProperty') return 'import.meta';
  if (value.type !== 'MemberExpression') return undefined;
  const object = pathOf(value.object);
  const property = value.computed === true ? literalOf(value.property) : pathOf(value.property);
  return object === undefined || property === undefined ? undefined : `${object}.${property}`;
}

function withoutGlobal(path: string | undefined): string | undefined {
  return path?.replace(/^(globalThis|global|window)\./, '');
}

function literalOf(value: unknown): string | undefined {
  if (!isNode(value)) return undefined;
  if (value.type === 'Literal' && typeof value.value === 'string') return value.value;
  if (value.type === 'TSLiteralType') return literalOf(value.literal);
  const quasis = value.type === 'TemplateLiteral' ? (value.quasis as readonly SyntaxNode[]) : [];
  return quasis.length === 1 ? (quasis[0]!.value as { cooked: string }).cooked : undefined;
}

function visit(node: SyntaxNode, see: (node: SyntaxNode) => void): void {
  see(node);
  for (const value of Object.values(node)) {
    if (Array.isArray(value)) for (const item of value) isNode(item) && visit(item, see);
    else if (isNode(value)) visit(value, see);
  }
}

function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string';
}

function languageOf(path: string): 'ts' | 'tsx' | 'jsx' {
  if (path.endsWith('.tsx')) return 'tsx';
  return path.endsWith('ts') ? 'ts' : 'jsx';
}

function lineCounter(text: string): (offset: number) => number {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return (offset) => {
    const next = starts.findIndex((start) => start > offset);
    return next === -1 ? starts.length : next;
  };
}
