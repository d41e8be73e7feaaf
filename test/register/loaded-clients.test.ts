import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { METRICS } from '@switchgear/conventions';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { waitUntil } from '../support/deadline.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/folders.ts';
import { Child, freePort, ROOT } from '../support/processes.ts';

const SERVICES = join(import.meta.dirname, 'services');
const REGISTER = ['--import', join(ROOT, 'src/register/index.ts')];
const CLIENTS = ['grpc', 'ioredis', 'pg', 'undici'];

let folder: TemporaryFolder;
const running: Child[] = [];
beforeEach(() => {
  folder = temporaryFolder('clients');
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((child) => child.crash()));
  folder.remove();
});

describe.each(['clients.mjs', 'clients.cjs'])('clients that a service loads, in %s', (entry) => {
  test('are guarded as its file says, and tell their callers what they told before', async () => {
    const rules = CLIENTS.map((client) => ({ match: { client }, breaker: client }));
    const breakers = Object.fromEntries(CLIENTS.map((client) => [client, { trip: { consecutive: 3 } }]));
    writeFileSync(join(folder.path, 'switchgear.yaml'), JSON.stringify({ breakers, rules, unmatched: 'none' }));
    const port = await freePort();
    const [alone, guarded] = await Promise.all([
      start([], entry, { REFUSING_PORT: String(port), TEST_ENDS: '1' }),
      start(REGISTER, entry, { REFUSING_PORT: String(port) }),
    ]);
    expect(await guarded.told()).toEqual(await alone.told());
    await waitUntil('a failure of each', async () => {
      const failures = await guarded.failures();
      if (CLIENTS.every((client) => failures[client] === 1)) return true;
      throw new Error(JSON.stringify(failures));
    });
  });

  test('have a breaker that looks on for each host where there is no file', async () => {
    const port = await freePort();
    const { told, failures, child } = await start(REGISTER, entry, { REFUSING_PORT: String(port) });
    expect(Object.keys(await told()).sort()).toEqual(CLIENTS);
    await waitUntil('four failures', async () => {
      const all = Object.values(await failures());
      return all.reduce((sum, count) => sum + count, 0) === CLIENTS.length;
    });
    expect(
      Object.keys(await failures()).every((name) => name.endsWith(`127.0.0.1:${port}`) || name.includes(String(port))),
    ).toBe(true);
    expect(child.output).not.toMatch(/switchgear: (?!Prometheus)/);
  });
});

async function start(args: readonly string[], entry: string, env: Readonly<Record<string, string>>) {
  const child = new Child(process.execPath, [...args, join(SERVICES, entry)], {
    cwd: folder.path,
    env: {
      NODE_OPTIONS: '',
      OTEL_TRACES_EXPORTER: 'none',
      OTEL_LOGS_EXPORTER: 'none',
      OTEL_METRICS_EXPORTER: 'prometheus',
      OTEL_EXPORTER_PROMETHEUS_HOST: '127.0.0.1',
      OTEL_EXPORTER_PROMETHEUS_PORT: '0',
      ...env,
    },
  });
  running.push(child);
  return {
    child,
    told: async () => JSON.parse((await child.waitForOutput(/TOLD (.*)\n/))[1]!) as Record<string, string>,
    /** By breaker, without what is 0. */
    async failures(): Promise<Record<string, number>> {
      const [, metrics] = await child.waitForOutput(/Prometheus endpoint on (\S+)/);
      const page = await (await fetch(metrics!)).text();
      const row = new RegExp(
        `^${METRICS.calls.prometheus}\\{breaker_name="([^"]*)".*"failure".*\\} ([1-9]\\d*)$`,
        'gm',
      );
      return Object.fromEntries([...page.matchAll(row)].map(([, name, count]) => [name!, Number(count)]));
    },
  };
}
