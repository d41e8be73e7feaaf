import { execFile } from 'node:child_process';
import { glob, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const PROJECT = join(import.meta.dirname, 'tsconfig.json');
const TSC = fileURLToPath(new URL('bin/tsc', import.meta.resolve('typescript/package.json')));

/**
 * Compiles `src/` into a folder, each workspace under its own name. Types are not checked: `npm run check` does.
 * @throws Error where the sources do not parse, with what the compiler says
 */
export async function compile(out: string): Promise<void> {
  try {
    await promisify(execFile)(process.execPath, [TSC, '--project', PROJECT, '--outDir', out]);
  } catch (error) {
    throw new Error(`tsc failed:\n${(error as { stdout?: string }).stdout ?? String(error)}`);
  }
  for await (const path of glob('**/*.d.ts', { cwd: out })) {
    const file = join(out, path);
    const text = await readFile(file, 'utf8');
    await writeFile(file, withoutTypeScriptSpecifiers(text));
  }
}

/** The compiler rewrites relative specifiers in what it makes of code, but leaves those of declarations as they are. */
function withoutTypeScriptSpecifiers(declarations: string): string {
  return declarations.replace(/(\b(?:from|import) ?\(?['"])(\.{1,2}\/[^'"\n]+)\.ts(?=['"])/g, '$1$2.js');
}
