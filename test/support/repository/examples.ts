import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const CHECKS = join(import.meta.dirname, 'example-checks.ts');

/** A fenced `ts` block of a page. */
export interface Example {
  /** Relative to the root of the checkout. */
  readonly page: string;
  /** Line of the page that the block's first line is. */
  readonly line: number;
  /** Named by a first line such as `// worker.ts`: other examples of the page import it, and it is not run by itself. */
  readonly fileName: string | undefined;
  readonly code: string;
}

/** An example as a module that checks what its comments show. */
export interface RunnableExample {
  readonly code: string;
  /** Lines of the page that show a result: each must be reached and must be right. */
  readonly checkedLines: readonly number[];
}

/** The TypeScript examples of a page, in order. */
export function examplesOf(root: string, page: string): Example[] {
  const text = readFileSync(join(root, page), 'utf8');
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map((match) => {
    const code = match[1]!;
    return {
      page,
      line: text.slice(0, match.index).split('\n').length + 1,
      fileName: /^\/\/ ([a-z-]+\.ts)$/m.exec(code.split('\n', 1)[0]!)?.[1],
      code,
    };
  });
}

/**
 * Makes the results that an example shows into checks. `expression; // => value` and `const name = expression; // => value`
 * compare with the value, a JavaScript expression; `expression; // => throws Name` expects an error of that name.
 * @param prelude code that the example takes for given
 * @throws Error for a shown result that is on no such line
 */
export function runnable({ page, line, code }: Example, prelude = ''): RunnableExample {
  const checkedLines: number[] = [];
  const lines = code.split('\n').map((text, index) => {
    if (!text.includes('// =>')) return text;
    const at = line + index;
    checkedLines.push(at);
    const checked = checkedStatement(text, at);
    if (checked === undefined) throw new Error(`${page}:${at}: cannot check what this line shows: ${text.trim()}`);
    return checked;
  });
  // On one line with the first, so that the lines of an error are those of the block.
  const header = `import { checksOf } from '${CHECKS}'; const { shows$, throws$ } = checksOf('${page}:${line}');`;
  return { code: `${header} ${prelude.replaceAll('\n', ' ')} ${lines.join('\n')}`, checkedLines };
}

function checkedStatement(text: string, at: number): string | undefined {
  const [, indent = '', statement, shown] = /^(\s*)(.+); \/\/ => (.+)$/.exec(text) ?? [];
  if (statement === undefined || shown === undefined) return undefined;
  const [, error] = /^throws (\w+)$/.exec(shown) ?? [];
  if (error) return `${indent}await throws$(${at}, async () => ${statement}, '${error}');`;
  const [, name] = /^(?:const|let) (\w+)\b/.exec(statement) ?? [];
  if (name) return `${indent}${statement}; shows$(${at}, ${name}, (${shown}));`;
  return `${indent}shows$(${at}, (${statement}), (${shown}));`;
}
