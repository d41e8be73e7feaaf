import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const run = promisify(execFile);
const root = new URL('../../', import.meta.url).pathname;

/** What the readme's example takes for given: an order, how to post it, and a reply. */
const README_PRELUDE = `
interface Order { readonly customer: string }
const order: Order = { customer: 'jo' };
const reply = { status: (code: number) => ({ send: (body: unknown) => console.log('replied', code, JSON.stringify(body)) }) };
const postOrder = async (body: Order, signal: AbortSignal) => {
  const response = await fetch(process.env.PAYMENTS_URL!, { method: 'POST', body: JSON.stringify(body), signal });
  if (!response.ok) throw new Error(String(response.status));
  return response.text();
};
`;

/** The TypeScript examples of a page, in order. */
function examples(page: string): string[] {
  const text = readFileSync(join(root, page), 'utf8');
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map((match) => match[1]!);
}

describe('the examples of the pages', () => {
  let folder: string;
  let upstream: Server;
  let url: string;

  beforeAll(async () => {
    // Inside the checkout, so that the workspaces resolve.
    folder = mkdtempSync(join(root, '.examples-'));
    upstream = createServer((_request, response) => void response.end('charged'));
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}/`;
  });

  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
    upstream.close();
  });

  async function runExample(name: string, code: string) {
    const file = join(folder, `${name}.ts`);
    writeFileSync(file, code);
    return run(process.execPath, [file], { cwd: root, env: { ...process.env, PAYMENTS_URL: url } });
  }

  test('the readme’s breaker lets a good call through', async () => {
    const [example, ...others] = examples('README.md');
    expect(others).toEqual([]);
    const { stdout } = await runExample('good', `${README_PRELUDE}${example}\nconsole.log('result', result);`);
    expect(stdout).toBe('result charged\n');
  });

  test('the readme’s breaker answers with a receipt while it is open', async () => {
    const [example] = examples('README.md');
    const open = example!.replace('const charge', "payments.trip({ reason: 'example' });\nconst charge");
    const { stdout } = await runExample('open', `${README_PRELUDE}${open}`);
    expect(stdout).toBe('replied 202 {"receipt":"payments/buffer/1"}\n');
  });

  test('each example of the breaker’s page runs', async () => {
    const codes = examples('docs/breaker.md');
    expect(codes.length).toBeGreaterThan(1);
    for (const [index, code] of codes.entries()) {
      await runExample(`page-${index}`, code.replace('http://stock.internal/items', url));
    }
  });
});
