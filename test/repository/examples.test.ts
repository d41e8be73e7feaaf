import { globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { ExampleFolder, type Setting } from '../support/repository/example-folder.ts';
import { examplesOf, runnable } from '../support/repository/examples.ts';

const root = join(import.meta.dirname, '../..');

/** What the readme's example takes for given: an order, how to post it, and a reply. */
const README_PRELUDE = `
interface Order { readonly customer: string }
const order: Order = { customer: 'jo' };
const reply = { status: (code: number) => ({ send: (body: unknown) => console.log('replied', code, JSON.stringify(body)) }) };
const postOrder = async (body: Order, signal: AbortSignal) => {
  const response = await fetch('http://stock.internal', { method: 'POST', body: JSON.stringify(body), signal });
  if (!response.ok) throw new Error(String(response.status));
  return response.text();
};
`;

/** Pages for those who run Switchgear, whose examples are commands and configurations. */
const WITHOUT_TYPESCRIPT = ['cli', 'control-plane', 'register', 'switchgear-yaml', 'telemetry', 'ten-minutes'].map(
  (page) => `docs/${page}.md`,
);
const PAGES = globSync('docs/*.md', { cwd: root })
  .filter((page) => !WITHOUT_TYPESCRIPT.includes(page))
  .sort();

/** Whose two files are run by migrations.test.ts, against each other. */
const MIGRATIONS = ['docs/migrating-from-cockatiel.md', 'docs/migrating-from-opossum.md'];

describe('the examples of the pages', () => {
  let folder: ExampleFolder;
  let upstream: Server;
  let setting: Setting;
  let env: Readonly<Record<string, string>>;

  beforeAll(async () => {
    folder = new ExampleFolder(root);
    upstream = createServer((request, response) => {
      response.statusCode = request.url === '/unwell' ? 503 : 200;
      response.end('charged');
    });
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
    setting = {
      replacements: [
        ['http://stock.internal', url],
        ['new PrometheusExporter({ ', 'new PrometheusExporter({ port: 0, '],
      ],
    };
    env = { OTEL_EXPORTER_OTLP_ENDPOINT: url };
  });

  afterAll(() => {
    folder.remove();
    upstream.close();
  });

  test('the readme’s breaker lets a good call through', async () => {
    const [example, ...others] = folder.write('README.md', { ...setting, prelude: README_PRELUDE });
    expect(others).toEqual([]);
    expect(await folder.run(example!.file)).toEqual({ exitCode: 0, output: '' });
  });

  test('the readme’s breaker answers with a receipt while it is open', async () => {
    const own = new ExampleFolder(root);
    onTestFinished(() => own.remove());
    const trips = ['const charge', "payments.trip({ reason: 'example' }); const charge"] as const;
    const replacements = [...setting.replacements!, trips];
    const [example] = own.write('README.md', { prelude: README_PRELUDE, replacements });
    const { output } = await own.run(example!.file);
    expect(output).toBe('replied 202 {"receipt":"payments/buffer/1"}\n');
  });

  test.each(PAGES)('each example of %s runs, and each result it shows is right', { timeout: 60_000 }, async (page) => {
    const examples = folder.write(page, setting);
    expect(examples.length, `${page} has no TypeScript example`).toBeGreaterThan(0);
    for (const { example, file } of examples.filter(({ example: { fileName } }) => fileName === undefined)) {
      const run = await folder.run(file, env);
      expect(run, `${page}:${example.line}`).toEqual({ exitCode: 0, output: '' });
    }
    const reached = new Set(folder.reached().map(({ example, line }) => `${example} ${line}`));
    const unreached = examples
      .filter(({ example: { fileName } }) => fileName === undefined || !MIGRATIONS.includes(page))
      .flatMap(({ example, checkedLines }) =>
        [0, ...checkedLines].map((line) => `${page}:${example.line} ${line}`).filter((at) => !reached.has(at)),
      );
    expect(unreached).toEqual([]);
  });

  test('the types of all of them are right', { timeout: 60_000 }, async () => {
    expect(await folder.typeProblems()).toBe('');
  });
});

describe('how an example is checked', () => {
  test('a wrong result fails, a right one does not', async () => {
    expect(await runPage('const sum = 1 + 1; // => 2')).toMatchObject({ exitCode: 0, output: '' });
    expect(await runPage('const sum = 1 + 1; // => 3')).toMatchObject({
      exitCode: 1,
      output: expect.stringContaining('line 2 shows 3, and it is 2'),
    });
    expect(await runPage("'open'.length; // => 4")).toMatchObject({ exitCode: 0 });
  });

  test('an error is checked by its name', async () => {
    const rejects = "await Promise.reject(new TypeError('no'));";
    expect(await runPage(`${rejects} // => throws TypeError`)).toMatchObject({ exitCode: 0 });
    expect(await runPage(`${rejects} // => throws RangeError`)).toMatchObject({ exitCode: 1 });
    expect(await runPage('await 1; // => throws TypeError')).toMatchObject({
      exitCode: 1,
      output: expect.stringContaining('nothing was thrown'),
    });
  });

  test('a result that is never reached is told apart from one that is', async () => {
    const { reached } = await runPage('1; // => 1\nif (Date.now() < 0) {\n  2; // => 2\n}');
    expect(reached).toEqual([0, 2]);
  });

  test('a result on a line that cannot be checked is refused', () => {
    const example = { page: 'page.md', line: 7, fileName: undefined, code: 'call({\n  deep: 1, // => 1\n});' };
    expect(() => runnable(example)).toThrow('page.md:8: cannot check what this line shows');
  });

  test('a block is named by its first line alone', () => {
    const page = makePage('// worker.ts\n1; // => 1\n```\n```ts\n// What follows is no name.ts at all\n1; // => 1');
    expect(examplesOf(page, 'page.md').map(({ fileName, line }) => [fileName, line])).toEqual([
      ['worker.ts', 2],
      [undefined, 6],
    ]);
  });

  async function runPage(code: string) {
    const folder = new ExampleFolder(makePage(code));
    const [example] = folder.write('page.md');
    const run = await folder.run(example!.file);
    return { ...run, reached: folder.reached().map(({ line }) => line) };
  }

  function makePage(code: string): string {
    const path = mkdtempSync(join(tmpdir(), 'switchgear-page-'));
    onTestFinished(() => rmSync(path, { recursive: true }));
    writeFileSync(join(path, 'page.md'), `\`\`\`ts\n${code}\n\`\`\`\n`);
    return path;
  }
});
