import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { ReportedLine } from './example-checks.ts';
import { type Example, examplesOf, runnable } from './examples.ts';

/** What a page's examples take for given. */
export interface Setting {
  /** Code before each of them. */
  readonly prelude?: string;
  /** What is written differently where they run, such as the address of a server. */
  readonly replacements?: readonly (readonly [from: string, to: string])[];
}

/** How the run of one example ended. */
export interface ExampleRun {
  readonly exitCode: number;
  readonly output: string;
}

/** Milliseconds after which an example hangs. */
const HANGS_AFTER_MS = 20_000;

/** The examples of pages as files, each page in a folder of its own, to be run by Node.js. */
export class ExampleFolder {
  readonly path: string;
  readonly #root: string;

  /** Inside the checkout, so that the workspaces resolve. */
  constructor(root: string) {
    this.#root = root;
    this.path = mkdtempSync(join(root, '.examples-'));
  }

  /** Writes all examples of a page and returns them with their files. */
  write(
    page: string,
    { prelude = '', replacements = [] }: Setting = {},
  ): { example: Example; file: string; checkedLines: readonly number[] }[] {
    const folder = join(this.path, basename(page, '.md'));
    mkdirSync(folder, { recursive: true });
    return examplesOf(this.#root, page).map((example) => {
      const { code, checkedLines } = runnable(example, example.fileName ? '' : prelude);
      const file = join(folder, example.fileName ?? `line-${example.line}.ts`);
      if (existsSync(file)) throw new Error(`${page} has two examples of the name ${basename(file)}`);
      writeFileSync(
        file,
        replacements.reduce((text, [from, to]) => text.replaceAll(from, to), code),
      );
      return { example, file, checkedLines };
    });
  }

  /** Runs one file and notes what it reached. */
  run(file: string, env: Readonly<Record<string, string>> = {}): Promise<ExampleRun> {
    return new Promise((resolve) => {
      const options = {
        cwd: this.#root,
        // Each run loads the same library: stripped and compiled once, it takes a third of the time.
        env: { ...process.env, ...env, EXAMPLE_REPORT: this.#reportFile, NODE_COMPILE_CACHE: join(this.path, 'cache') },
        timeout: HANGS_AFTER_MS,
      };
      execFile(process.execPath, [file], options, (error, stdout, stderr) => {
        const exitCode = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
        const hung = error?.killed ? `It did not end within ${HANGS_AFTER_MS} ms\n` : '';
        resolve({ exitCode, output: hung + stdout + stderr });
      });
    });
  }

  /** What the examples that ran have reached so far. */
  reached(): ReportedLine[] {
    if (!existsSync(this.#reportFile)) return [];
    const lines = readFileSync(this.#reportFile, 'utf8').trim().split('\n');
    return lines.map((line) => JSON.parse(line) as ReportedLine);
  }

  /** What the type checker says of all files written so far; nothing where all is well. */
  async typeProblems(): Promise<string> {
    const config = {
      extends: '../tsconfig.json',
      compilerOptions: { noUnusedLocals: false, noUnusedParameters: false },
      include: ['**/*.ts'],
      exclude: [],
    };
    writeFileSync(join(this.path, 'tsconfig.json'), JSON.stringify(config));
    const compiler = join(this.#root, 'node_modules/typescript/bin/tsc');
    return new Promise((resolve) => {
      execFile(process.execPath, [compiler, '-p', this.path], { cwd: this.#root }, (error, stdout, stderr) => {
        const lines = (stdout + stderr).split('\n');
        // What they import is checked with the checkout.
        const ours = lines.filter((line) => line.startsWith(basename(this.path)));
        const isCheck = error === null || lines.some((line) => line.includes('error TS'));
        resolve(isCheck ? ours.join('\n') : lines.join('\n'));
      });
    });
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }

  get #reportFile(): string {
    return join(this.path, 'report.jsonl');
  }
}
