import { cpSync, readdirSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { METRICS } from '@switchgear/conventions';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { waitUntil } from '../support/deadline.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/folders.ts';
import { LocalRegistry } from '../support/local-registry.ts';
import { withLockedVersion } from '../support/locked-version.ts';
import { describeWithNode, oldestNodeVersion } from '../support/other-node.ts';
import { exportsOf } from '../support/package-exports.ts';
import { Child, freePort, ROOT } from '../support/processes.ts';
import { Upstream } from '../support/upstream.ts';

const VERSION = oldestNodeVersion();
const CLIENTS = ['grpc', 'ioredis', 'pg', 'undici'];
/** undici of the line that runs on the oldest; the others as the repository has them. */
const BESIDE = [...['@grpc/grpc-js', 'axios', 'express', 'ioredis', 'pg'].map(withLockedVersion), 'undici@7.30.2'];
const REGISTER = ['--import', '@switchgear/register'];
const QUIET_TELEMETRY = { OTEL_TRACES_EXPORTER: 'none', OTEL_LOGS_EXPORTER: 'none', OTEL_METRICS_EXPORTER: 'none' };
/** What is experimental there is known, and no part of what is tested. */
const QUIET = '--disable-warning=ExperimentalWarning';

await describeWithNode(VERSION, `the published packages on Node.js ${VERSION}`, (node) => {
  let registry: LocalRegistry;
  let project: TemporaryFolder;
  let upstream: Upstream;
  const running: Child[] = [];

  beforeAll(async () => {
    upstream = await Upstream.start();
    registry = await LocalRegistry.start();
    project = temporaryFolder('oldest-node');
    write('package.json', { name: 'consumer', version: '1.0.0', private: true, type: 'module' });
    for (const folder of ['test/support/oldest-node', 'test/register/services']) {
      for (const file of readdirSync(join(ROOT, folder)).filter((name) => /\.[cm]js$/.test(name))) {
        cpSync(join(ROOT, folder, file), join(project.path, file));
      }
    }
    const names = registry.packages.map(({ name }) => name);
    // Strict: no package that comes along asks for a newer Node.js.
    const installed = await run('npm', ['install', '--engine-strict', ...names, ...BESIDE], registry.environment);
    expect(installed.exitCode, installed.output).toBe(0);
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((child) => child.crash()));
    await upstream.turn('well');
  });
  afterAll(async () => {
    registry?.stop();
    project?.remove();
    await upstream?.stop();
  });

  test('every export can be imported and required', async () => {
    const specifiers = exportsOf(registry.packages).map(({ specifier }) => specifier);
    write(
      'exports.js',
      `import { createRequire } from 'node:module';
      const require = createRequire(import.meta.url);
      console.log(process.version);
      for (const specifier of ${JSON.stringify(specifiers)}) {
        const isJson = specifier.endsWith('.json');
        const imported = await import(specifier, isJson ? { with: { type: 'json' } } : {});
        if (require(specifier) !== imported && !isJson) console.log(specifier, 'is there twice');
        console.log(specifier);
      }`,
    );
    const { output } = await run(node, [QUIET, 'exports.js'], { OTEL_SDK_DISABLED: 'true' });
    expect(output.trimEnd().split('\n')).toEqual([`v${VERSION}`, ...specifiers]);
  });

  test('what a SQLite file holds is replayed after a crash', async () => {
    expect(await run(node, [QUIET, 'hold-calls.mjs', 'hold'])).toEqual({
      output: 'true\ntrue\ntrue\n',
      exitCode: null,
    });
    expect(await run(node, [QUIET, 'hold-calls.mjs'])).toEqual({
      output: 'sent to ada\nsent to bob\nsent to eve\n3 replayed, 0 held\n',
      exitCode: 0,
    });
  });

  test('worker threads share a breaker', async () => {
    const { output } = await run(node, ['share-breaker.mjs']);
    expect(output.trimEnd().split('\n')).toEqual([
      'charged 10 closed',
      'the bank is down closed',
      'the bank is down open',
      'BREAKER_OPEN open',
      'charged 20 closed',
      '2 charged, 2 failed, 1 rejected',
    ]);
  });

  test('bodies that are sent again go where a redirect leads', async () => {
    const { output } = await run(node, ['redirected-bodies.mjs']);
    expect(output.trimEnd().split('\n')).toEqual(['POST /there an order', 'PUT /there a name']);
  });

  describe.each(['service.mjs', 'service.cjs'])('--import @switchgear/register %s', (entry) => {
    test.each(['fetch', 'http'])('trips on its upstream by %s, answers from the wire, and resets', async (client) => {
      writeRules({ cooldownMs: 500, halfOpen: { probes: 1 } });
      const { ask } = await startService(entry, { OTEL_TRACES_EXPORTER: 'console' });
      expect(await ask(client)).toBe('upstream GET /items');
      expect(upstream.answered.at(-1)!.headers.traceparent).toMatch(/^00-/);
      await upstream.turn('failing');
      expect(await ask(client)).toBe('upstream is unwell');
      // The one that trips it is diverted itself.
      expect(await ask(client)).toBe('from the wire');
      expect(await ask(client)).toBe('from the wire');
      await upstream.turn('well');
      await waitUntil('an answer of the upstream', async () => (await ask(client)) === 'upstream GET /items');
    });
  });

  test.each(['clients.mjs', 'clients.cjs'])('clients that %s loads have breakers', async (entry) => {
    const rules = CLIENTS.map((client) => ({ match: { client }, breaker: client }));
    const breakers = Object.fromEntries(CLIENTS.map((client) => [client, {}]));
    write('switchgear.yaml', { breakers, rules, unmatched: 'none' });
    const child = start(node, [...REGISTER, entry], {
      ...QUIET_TELEMETRY,
      REFUSING_PORT: String(await freePort()),
      OTEL_METRICS_EXPORTER: 'prometheus',
      OTEL_EXPORTER_PROMETHEUS_PORT: '0',
    });
    const [, metrics] = await child.waitForOutput(/Prometheus endpoint on (\S+)/);
    await waitUntil('a failure of each', async () => {
      const page = await (await fetch(metrics!)).text();
      const row = new RegExp(`^${METRICS.calls.prometheus}\\{breaker_name="([^"]*)".*"failure".*\\} [1-9]`, 'gm');
      const failed = [...page.matchAll(row)].map(([, name]) => name!).sort();
      if (JSON.stringify(failed) === JSON.stringify(CLIENTS)) return true;
      throw new Error(`failures of ${failed}`);
    });
  });

  test('the control plane starts, knows the service, and the command line holds its breaker open', async () => {
    const commands = join(project.path, 'node_modules/.bin');
    const controlPlane = start(join(commands, 'switchgear-control-plane'), [], {
      SWITCHGEAR_PORT: '0',
      SWITCHGEAR_STORE: 'sqlite:control-plane.db',
      SWITCHGEAR_TOKEN: 'operator-token-of-the-tests',
      SWITCHGEAR_AGENT_TOKEN: 'agent-token-of-the-tests',
    });
    const [, url] = await controlPlane.waitForOutput(/listening on (http:\S+)/);
    expect(await (await fetch(url!)).text()).toContain('<script');
    writeRules();
    const { ask } = await startService('service.mjs', {
      SWITCHGEAR_URL: url!,
      SWITCHGEAR_TOKEN: 'agent-token-of-the-tests',
      OTEL_SERVICE_NAME: 'shop',
      OTEL_METRIC_EXPORT_INTERVAL: '200',
    });
    const switchgear = (...args: string[]) =>
      run(join(commands, 'switchgear'), args, {
        SWITCHGEAR_URL: url!,
        SWITCHGEAR_TOKEN: 'operator-token-of-the-tests',
      });
    await waitUntil('the breaker', async () => /shop +fetch/.test((await switchgear('ls')).output));
    const held = await switchgear(...'lockout shop fetch --reason maintenance --for 5m --wait'.split(' '));
    expect(held.exitCode, held.output).toBe(0);
    expect(await ask('fetch')).toBe('from the wire');
    const released = await switchgear(...'release shop fetch --wait'.split(' '));
    expect(released.exitCode, released.output).toBe(0);
    expect(await ask('fetch')).toBe('upstream GET /items');
    expect((await switchgear('config', 'check', 'switchgear.yaml')).output).toContain('is in order: 2 breakers');
  });

  /** A breaker for each way to its upstream. */
  function writeRules(patch: object = {}): void {
    const settings = { trip: { consecutive: 2 }, wires: [{ kind: 'answer', body: 'from the wire' }], ...patch };
    const rules = ['fetch', 'http'].map((client) => ({ match: { client, host: upstream.host }, breaker: client }));
    write('switchgear.yaml', { breakers: { fetch: settings, http: settings }, rules, unmatched: 'none' });
  }

  async function startService(entry: string, env: Readonly<Record<string, string>> = {}) {
    const child = start(node, [...REGISTER, entry], { ...QUIET_TELEMETRY, UPSTREAM_URL: upstream.url, ...env });
    const [, version, url] = await child.waitForOutput(/(\S+) listens on (http:\S+)/);
    expect(version).toBe(`v${VERSION}`);
    return { ask: async (client: string) => (await fetch(`${url}/${client}`)).text() };
  }

  function write(path: string, content: object | string): void {
    writeFileSync(join(project.path, path), typeof content === 'string' ? content : JSON.stringify(content));
  }

  /** Commands find the oldest Node.js first as well. */
  function start(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Child {
    const PATH = [dirname(node), process.env.PATH].join(delimiter);
    const child = new Child(command, args, { cwd: project.path, env: { ...env, NODE_OPTIONS: '', PATH } });
    running.push(child);
    return child;
  }

  async function run(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const child = start(command, args, env);
    const exitCode = await child.ended;
    return { output: child.output, exitCode };
  }
});
