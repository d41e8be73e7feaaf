import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { METRICS } from '@switchgear/conventions';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { waitUntil } from '../../support/deadline.ts';
import { type TemporaryFolder, temporaryFolder } from '../../support/folders.ts';
import { Child, ROOT } from '../../support/processes.ts';
import { Upstream } from '../../support/upstream.ts';

const SERVICES = join(import.meta.dirname, '../services/frameworks');
const REGISTER = ['--import', join(ROOT, 'src/register/index.ts')];
const CLIENTS = ['fetch', 'http', 'axios'];
/** Different at each request, or of the process. */
const CHANGING_HEADERS = ['date'];

let upstream: Upstream;
beforeAll(async () => {
  upstream = await Upstream.start();
});
afterAll(() => upstream.stop());

let folder: TemporaryFolder;
const running: Child[] = [];
beforeEach(() => {
  folder = temporaryFolder('frameworks');
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((child) => child.crash()));
  folder.remove();
});

describe.each(['plain', 'express', 'fastify', 'nest'])('a service in %s', (framework) => {
  test.each(['mjs', 'cjs'])(
    'as .%s: breakers look on and change no answer, then guard as its file says',
    async (kind) => {
      writeFileSync(join(folder.path, 'switchgear.yaml'), '');
      const entry = join(SERVICES, `${framework}.${kind}`);
      const [alone, guarded] = await Promise.all([start([], entry), start(REGISTER, entry)]);

      for (const mood of ['well', 'failing', 'refusing'] as const) {
        await upstream.turn(mood);
        for (const client of CLIENTS) {
          expect(await guarded.ask(client), `${mood}, by ${client}`).toEqual(await alone.ask(client));
        }
      }
      await upstream.turn('well');
      // One call by one breaker, whatever the client is built on.
      expect(await guarded.numbers()).toEqual({
        state: `${upstream.host} shadow`,
        calls: { success: CLIENTS.length, failure: 2 * CLIENTS.length },
      });

      writeFileSync(join(folder.path, 'switchgear.yaml'), JSON.stringify(CONFIG));
      guarded.child.signal('SIGHUP');
      await waitUntil('the breaker of the file', async () => (await guarded.numbers()).state === 'upstream closed');
      await upstream.turn('failing');
      for (let call = 0; call < 3; call++) await guarded.ask('fetch');
      for (const client of CLIENTS) {
        const { body } = await guarded.ask(client);
        expect(JSON.parse(body)).toEqual({ status: 200, body: 'from the wire' });
      }
      await upstream.turn('well');
      expect(guarded.child.output).not.toMatch(/switchgear: (?!Prometheus)/);
    },
  );
});

const CONFIG = {
  breakers: {
    upstream: {
      trip: { consecutive: 3 },
      cooldownMs: 600_000,
      wires: [{ kind: 'answer', headers: { 'content-type': 'text/plain' }, body: 'from the wire' }],
    },
  },
  rules: [{ match: { path: '/items' }, breaker: 'upstream' }],
  unmatched: 'none',
};

async function start(args: readonly string[], entry: string) {
  const child = new Child(process.execPath, [...args, entry], {
    cwd: folder.path,
    env: {
      NODE_OPTIONS: '',
      UPSTREAM_URL: upstream.url,
      OTEL_TRACES_EXPORTER: 'none',
      OTEL_LOGS_EXPORTER: 'none',
      OTEL_METRICS_EXPORTER: 'prometheus',
      OTEL_EXPORTER_PROMETHEUS_HOST: '127.0.0.1',
      OTEL_EXPORTER_PROMETHEUS_PORT: '0',
    },
  });
  running.push(child);
  const [, port] = await child.waitForOutput(/listening on (\d+)/);
  return {
    child,
    async ask(client: string) {
      const response = await fetch(`http://127.0.0.1:${port}/${client}`, { headers: { connection: 'close' } });
      const headers = [...response.headers].filter(([name]) => !CHANGING_HEADERS.includes(name));
      return { status: response.status, headers, body: await response.text() };
    },
    /** What the breaker that is not disabled tells, without what is 0. */
    async numbers() {
      const [, metrics] = await child.waitForOutput(/Prometheus endpoint on (\S+)/);
      const page = await (await fetch(metrics!)).text();
      const rows = page.split('\n').filter((line) => !line.startsWith('#') && !line.endsWith(' 0'));
      const [status] = rows.filter(
        (row) => row.startsWith(`${METRICS.status.prometheus}{`) && !row.includes('disabled'),
      );
      const name = labelOf(status!, 'breaker_name');
      const counts = rows
        .filter((row) => row.startsWith(`${METRICS.calls.prometheus}{breaker_name="${name}"`))
        .map((row) => [labelOf(row, 'breaker_call_outcome'), Number(row.split(' ').at(-1))]);
      return { state: `${name} ${labelOf(status!, 'breaker_state')}`, calls: Object.fromEntries(counts) };
    },
  };
}

function labelOf(row: string, label: string): string {
  return new RegExp(`${label}="([^"]*)"`).exec(row)?.[1] ?? '';
}
