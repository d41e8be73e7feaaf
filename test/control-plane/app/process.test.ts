import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { askOnce, eventLogs, inFuture, statusMetrics } from './support.ts';

const MAIN = fileURLToPath(new URL('../../../src/control-plane/main.ts', import.meta.url));

describe('the process', () => {
  let folder: string;
  let running: ChildProcess[];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'switchgear-main-'));
    running = [];
  });
  afterEach(() => {
    for (const child of running) child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });

  function launch(environment: Record<string, string> = {}, args: readonly string[] = []) {
    const child = spawn(process.execPath, [MAIN, ...args], {
      cwd: folder,
      env: { PATH: process.env.PATH, SWITCHGEAR_PORT: '0', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    running.push(child);
    const output = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
    return { child, output };
  }

  async function start(environment: Record<string, string> = {}) {
    const { child, output } = launch(environment);
    const url = await new Promise<string>((resolve, reject) => {
      child.stdout.on('data', () => {
        const found = /^switchgear control plane listening on (http:\S+)$/m.exec(output.stdout)?.[1];
        if (found) resolve(found);
      });
      child.once('exit', () => reject(new Error(output.stderr)));
    });
    return { child, output, url };
  }

  async function end(environment: Record<string, string>, args: readonly string[] = []) {
    const { child, output } = launch(environment, args);
    const [code] = await once(child, 'close');
    return { code, ...output };
  }

  test('what was acknowledged is there after SIGKILL: events, overrides, audit, known breakers', async () => {
    const first = await start();
    const token = readFileSync(join(folder, 'data/operator-token'), 'utf8').trim();
    const path = '/api/v1/breakers/shop/payments';
    await askOnce(first.url, 'POST', '/v1/metrics', { token, body: statusMetrics('shop', 'payments', 'closed') });
    const expiresAt = inFuture(600_000);
    const override = await askOnce(first.url, 'PUT', `${path}/override`, {
      token,
      body: { mode: 'forced_open', reason: 'bad deploy', expiresAt },
    });
    expect(override.status).toBe(200);
    let acknowledged = 0;
    const storm = Array.from({ length: 40 }, async () => {
      const body = eventLogs('shop', 'payments', ['breaker.trip', 'breaker.reset']);
      const { status } = await askOnce(first.url, 'POST', '/v1/logs', { token, body });
      if (status === 200) acknowledged += 2;
      if (acknowledged === 40) first.child.kill('SIGKILL');
    });
    await Promise.allSettled(storm);
    expect(acknowledged).toBeGreaterThanOrEqual(40);

    const second = await start();
    expect(second.output.stdout).not.toContain('token');
    const events = await askOnce(second.url, 'GET', '/api/v1/events?limit=1000', { token });
    expect(events.body.items.length).toBeGreaterThanOrEqual(acknowledged);
    const breaker = await askOnce(second.url, 'GET', path, { token });
    expect(breaker.body.override).toEqual({ mode: 'forced_open', reason: 'bad deploy', actor: 'operator', expiresAt });
    const audit = await askOnce(second.url, 'GET', '/api/v1/audit', { token });
    expect(audit.body.items).toMatchObject([{ action: 'override', reason: 'bad deploy', revision: 1 }]);
  });

  test('tokens made at first start are printed once and kept for the owner alone', async () => {
    const first = await start();
    const file = join(folder, 'data/operator-token');
    const token = readFileSync(file, 'utf8').trim();
    expect(statSync(file).mode & 0o777).toBe(0o600);
    await expect.poll(() => first.output.stdout).toContain(token);
    expect((await askOnce(first.url, 'GET', '/api/v1/breakers', { token })).status).toBe(200);
  });

  test.each(['SIGTERM', 'SIGINT'] as const)('%s ends it with 0, its log on stderr as JSON', async (signal) => {
    const { child, output, url } = await start();
    await askOnce(url, 'GET', '/healthz');
    child.kill(signal);
    expect((await once(child, 'close'))[0]).toBe(0);
    expect(JSON.parse(output.stderr.trim().split('\n').at(-1)!)).toMatchObject({ msg: 'stopping', signal });
  });

  test('signals that come together are one, a later one ends it at once, though a request is still under way', async () => {
    const { child, url, output } = await start();
    const token = readFileSync(join(folder, 'data/operator-token'), 'utf8').trim();
    const endless = new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode('{')) });
    const hanging = fetch(`${url}/v1/logs`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: endless,
      duplex: 'half',
    } as RequestInit);
    const failed = expect(hanging).rejects.toThrow();
    await askOnce(url, 'GET', '/healthz');
    child.kill('SIGTERM');
    await expect.poll(() => output.stderr).toContain('stopping');
    const begun = performance.now();
    const again = setInterval(() => child.kill('SIGTERM'), 100);
    expect((await once(child, 'close'))[0]).toBe(1);
    clearInterval(again);
    expect(performance.now() - begun).toBeGreaterThan(300);
    expect(performance.now() - begun).toBeLessThan(3_000);
    await failed;
  });

  test.each([
    ['SWITCHGEAR_PORT', '70000', 'SWITCHGEAR_PORT must be an integer from 0 to 65535, got "70000"'],
    ['SWITCHGEAR_STORE', 'postgres://u:secret@h/d', 'PostgreSQL is not supported yet'],
    ['SWITCHGEAR_LOG_LEVEL', 'loud', 'SWITCHGEAR_LOG_LEVEL must be one of trace, debug'],
    ['SWITCHGEAR_TOKEN', 'two words', 'SWITCHGEAR_TOKEN must be 1 to 512 printable characters'],
  ])('a bad %s is one line and exit 2', async (variable, value, message) => {
    const { code, stdout, stderr } = await end({ [variable]: value });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('secret');
  });

  test('a port that is taken is one line and exit 1', async () => {
    const { url } = await start();
    const { code, stderr } = await end({ SWITCHGEAR_PORT: new URL(url).port, SWITCHGEAR_STORE: 'sqlite::memory:' });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^switchgear control plane: port \d+ on 127\.0\.0\.1 is taken: .*\n$/);
  });

  test('--version and --help answer at once; another option is refused', async () => {
    expect(await end({}, ['--version'])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
    const { stdout } = await end({}, ['--help']);
    for (const variable of ['SWITCHGEAR_PORT', 'SWITCHGEAR_STORE', 'SWITCHGEAR_TOKEN'])
      expect(stdout).toContain(variable);
    expect((await end({}, ['--wat'])).code).toBe(2);
  });
});
