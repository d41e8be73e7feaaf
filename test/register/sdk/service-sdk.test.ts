import { cpSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { METRICS } from '@switchgear/conventions';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { temporaryFolder } from '../../support/folders.ts';
import { Child, freePort, ROOT } from '../../support/processes.ts';
import { startReceiver } from '../otlp-receiver.ts';

const SERVICES = join(import.meta.dirname, '../services/service-sdk');
const REGISTER = ['--import', join(ROOT, 'src/register/index.ts')];
const INCOMING_TRACE = 'a'.repeat(32);

interface Report {
  readonly spans: readonly { name: string; scope: string; traceId: string; spanId: string; parentId?: string }[];
  readonly events: readonly string[];
  readonly metrics: readonly string[];
  readonly ownContextManager: boolean;
  readonly propagationFields: readonly string[];
  readonly rejections: readonly string[];
}

/** What the upstream was asked, with which headers. */
const asked: IncomingHttpHeaders[] = [];
const upstream = createServer((request, response) => {
  asked.push(request.headers);
  response.writeHead(503).end();
});
beforeAll(() => new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve)));
afterAll(() => {
  upstream.closeAllConnections();
  upstream.close();
});

describe('a service that starts its own SDK in its code', () => {
  test.each([
    ['main.mjs', 'traces'],
    ['main.mjs', 'traces,metrics,logs'],
    ['main.cjs', 'traces'],
    ['main.cjs', 'traces,metrics,logs'],
  ])('%s, for %s: has all it has without register, and what its breakers tell', async (entry, signals) => {
    const alone = await run([], entry, { TEST_SIGNALS: signals });
    const { report, output } = await run(REGISTER, entry, { TEST_SIGNALS: signals });
    const own = withoutBreakers(report);
    const httpSpans = own.filter((line) => line.startsWith('@opentelemetry/instrumentation-http'));
    const traces = new Set(report.spans.map(({ traceId }) => traceId));
    if (entry === 'main.cjs') {
      expect(own).toEqual(withoutBreakers(alone.report));
      expect(httpSpans).toHaveLength(2);
      expect(traces).toEqual(new Set([INCOMING_TRACE]));
    } else {
      // In ESM its instrumentation of http sees nothing alone; under register it does, where Node.js has hooks for both kinds.
      expect(own).toEqual(expect.arrayContaining(withoutBreakers(alone.report).map(withoutParent).map(startingWith)));
      expect([0, 2]).toContain(httpSpans.length);
      expect(traces.size).toBe(1);
    }
    expect(own.filter((line) => line.startsWith('@opentelemetry/instrumentation-undici'))).toHaveLength(1);
    expect(breakerSpans(report)).toEqual(['breaker.call', 'breaker.call']);
    expect(report).toMatchObject({ ownContextManager: true, rejections: [] });
    expect(report.propagationFields).toContain('x-own-propagator');
    expect(output).not.toContain('switchgear: ');
    if (signals === 'traces') return;
    expect(report.events).toEqual(['breaker.call.exception', 'breaker.call.exception']);
    expect(report.metrics).toEqual(expect.arrayContaining([...alone.report.metrics, METRICS.calls.name]));
  });

  test.each(['main.mjs', 'main.cjs'])('%s, without instrumentations: has none of register either', async (entry) => {
    const env = { TEST_SIGNALS: 'traces', TEST_BY_HAND: '1' };
    const alone = await run([], entry, env);
    const { report } = await run(REGISTER, entry, env);
    expect(withoutBreakers(report)).toEqual(withoutBreakers(alone.report));
    expect(new Set(report.spans.map(({ traceId }) => traceId))).not.toContain(INCOMING_TRACE);
    expect(breakerSpans(report)).toHaveLength(2);
  });

  test('what it has no place for goes on by register: metrics and events of one with traces only', async () => {
    const receiver = await startReceiver();
    const { report } = await run(REGISTER, 'main.cjs', {
      TEST_SIGNALS: 'traces',
      OTEL_METRICS_EXPORTER: 'otlp',
      OTEL_LOGS_EXPORTER: 'otlp',
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    });
    await receiver.close();
    expect(breakerSpans(report)).toHaveLength(2);
    const bodies = (path: string) => Buffer.concat(receiver.at(path).map(({ body }) => body));
    expect(bodies('/v1/metrics').includes(METRICS.calls.name)).toBe(true);
    expect(bodies('/v1/logs').includes('breaker.call.exception')).toBe(true);
    expect(bodies('/v1/traces').includes('breaker.call')).toBe(false);
  });
});

describe('a Prometheus endpoint that both are told of', () => {
  test.each([
    ['in its code', []],
    ['by an earlier --import', ['--import', join(SERVICES, 'sdk.cjs')]],
  ])("is that of the service's SDK, started %s, and the breakers are on it", async (_, preload) => {
    const port = await freePort();
    const child = start([...preload, ...REGISTER], 'main.cjs', {
      TEST_SIGNALS: 'traces,metrics',
      TEST_METRICS_BY_ENVIRONMENT: '1',
      TEST_STAYS: '1',
      OTEL_METRICS_EXPORTER: 'prometheus',
      OTEL_EXPORTER_PROMETHEUS_HOST: '127.0.0.1',
      OTEL_EXPORTER_PROMETHEUS_PORT: String(port),
    });
    await child.waitForOutput(/REPORT /);
    const page = await child.waitForHttp(`http://127.0.0.1:${port}/metrics`);
    expect(page).toContain('service_requests_total');
    expect(page).toMatch(/breaker_calls_total\{.*"failure".*\} 2/);
    await child.end();
    expect(child.output).not.toMatch(/EADDRINUSE|the port is taken/);
  });
});

describe('a service whose SDK an earlier --import starts', () => {
  test.each([
    ['sdk.mjs', 'main.mjs', 'traces,metrics,logs'],
    ['sdk.mjs', 'main.mjs', 'traces'],
    ['sdk.cjs', 'main.cjs', 'traces,metrics,logs'],
    ['sdk.cjs', 'main.cjs', 'traces'],
  ])('%s, %s, for %s: its spans are its own, and the breakers are among them', async (sdk, entry, signals) => {
    const preload = ['--import', join(SERVICES, sdk)];
    const alone = await run(preload, entry, { TEST_SIGNALS: signals });
    const { report, output } = await run([...preload, ...REGISTER], entry, { TEST_SIGNALS: signals });
    expect(withoutBreakers(report)).toEqual(withoutBreakers(alone.report));
    expect(breakerSpans(report)).toEqual(['breaker.call', 'breaker.call']);
    expect(report).toMatchObject({ ownContextManager: true, rejections: [] });
    expect(output).not.toContain('switchgear: ');
    if (signals === 'traces') return;
    expect(report.events).toEqual(['breaker.call.exception', 'breaker.call.exception']);
    expect(report.metrics).toContain(METRICS.calls.name);
  });
});

describe('a service with a copy of the API of its own', () => {
  test.each(['1.9.7', '1.11.3'])(
    'version %s: it registers, and the breakers tell it what they tell',
    async (version) => {
      const folder = temporaryFolder('api');
      const env = { TEST_API: copyOfApi(folder.path, version), TEST_BY_HAND: '1', TEST_SIGNALS: 'traces,metrics' };
      const alone = await run([], 'main.cjs', env);
      const late = await run(REGISTER, 'main.cjs', env);
      const early = await run(['--require', join(SERVICES, 'sdk.cjs'), ...REGISTER], 'main.cjs', env);
      folder.remove();
      for (const { report, output } of [late, early]) {
        expect(withoutBreakers(report).map(withoutParent)).toEqual(withoutBreakers(alone.report).map(withoutParent));
        expect(breakerSpans(report)).toEqual(['breaker.call', 'breaker.call']);
        const [work] = report.spans.filter(({ name }) => name === 'own work');
        expect(report.spans.filter(({ parentId }) => parentId === work!.spanId)).toHaveLength(4);
        expect(report).toMatchObject({ ownContextManager: true, rejections: [] });
        expect(report.metrics).toEqual(expect.arrayContaining([...alone.report.metrics, METRICS.calls.name]));
        expect(output).not.toContain('switchgear: ');
      }
    },
  );
});

describe('a service with a copy of the API in a bundle, which cannot be watched', () => {
  test.each(['1.9.7', '1.10.0'])(
    'version %s: has its spans, with those of the breakers, and one line says so',
    async (version) => {
      const folder = temporaryFolder('bundle');
      const env = {
        TEST_API: copyOfApi(folder.path, version, 'bundle/api'),
        TEST_BY_HAND: '1',
        TEST_SIGNALS: 'traces',
      };
      const { report, output } = await run(REGISTER, 'main.cjs', env);
      folder.remove();
      expect(report.spans.map(({ name }) => name)).toEqual(expect.arrayContaining(['own work', 'child after await']));
      expect(breakerSpans(report)).toEqual(['breaker.call', 'breaker.call']);
      expect(new Set(report.spans.map(({ traceId }) => traceId)).size).toBe(1);
      expect(report.rejections).toEqual([]);
      expect(output.match(/switchgear: .*/g)).toEqual([expect.stringContaining('such as one in a bundle')]);
    },
  );
});

describe('settings', () => {
  test('OTEL_SDK_DISABLED leaves the service alone, and its SDK off', async () => {
    const { report } = await run(REGISTER, 'main.cjs', { OTEL_SDK_DISABLED: 'true', TEST_SIGNALS: 'traces' });
    expect(report.spans).toEqual([]);
    expect(report.rejections).toEqual([]);
  });

  test("OTEL_LOG_LEVEL shows OpenTelemetry's own lines, for all of the life of the process", async () => {
    const child = new Child(process.execPath, [...REGISTER, '--eval', 'require("http")'], {
      env: { NODE_OPTIONS: '', OTEL_LOG_LEVEL: 'debug', OTEL_TRACES_EXPORTER: 'none', OTEL_METRICS_EXPORTER: 'none' },
    });
    expect(await child.ended).toBe(0);
    expect(child.output).toContain('Applying instrumentation patch for nodejs core module');
  });

  test('SWITCHGEAR_GUARDS=off makes no breakers', async () => {
    const { report } = await run(REGISTER, 'main.cjs', { SWITCHGEAR_GUARDS: 'off', TEST_SIGNALS: 'traces' });
    expect(breakerSpans(report)).toEqual([]);
    expect(withoutBreakers(report)).toHaveLength(6);
  });
});

/** The service with a Node of its own. It must not read a configuration that lies about. */
function start(args: readonly string[], entry: string, env: Readonly<Record<string, string>>): Child {
  const { port } = upstream.address() as AddressInfo;
  return new Child(process.execPath, [...args, join(SERVICES, entry)], {
    env: {
      NODE_OPTIONS: '',
      OTEL_METRICS_EXPORTER: 'none',
      OTEL_LOGS_EXPORTER: 'none',
      UPSTREAM_URL: `http://127.0.0.1:${port}`,
      ...env,
    },
  });
}

async function run(args: readonly string[], entry: string, env: Readonly<Record<string, string>>) {
  const child = start(args, entry, env);
  const [, report] = await child.waitForOutput(/REPORT (.*)\n/);
  expect(await child.ended, child.output).toBe(0);
  return { report: JSON.parse(report!) as Report, output: child.output };
}

const SCOPE = '@switchgear/breaker';

function breakerSpans({ spans }: Report): string[] {
  return spans.filter(({ scope }) => scope === SCOPE).map(({ name }) => name.split(' ')[0]!);
}

/** A line for each other span: scope, name and the name of its parent. */
function withoutBreakers({ spans }: Report): string[] {
  const names = new Map(spans.map(({ spanId, name }) => [spanId, name]));
  return spans
    .filter(({ scope }) => scope !== SCOPE)
    .map(({ scope, name, parentId }) => `${scope} ${name} < ${parentId && (names.get(parentId) ?? 'remote')}`)
    .sort();
}

function withoutParent(line: string): string {
  return line.split(' < ')[0]!;
}

function startingWith(line: string): unknown {
  return expect.stringMatching(new RegExp(`^${line} < `));
}

function copyOfApi(folder: string, version: string, name = 'node_modules/@opentelemetry/api'): string {
  const path = join(folder, name);
  mkdirSync(path, { recursive: true });
  cpSync(join(ROOT, 'node_modules/@opentelemetry/api'), path, { recursive: true });
  for (const file of globSync('{package.json,dist/**/*.cjs}', { cwd: path })) {
    const text = readFileSync(join(path, file), 'utf8');
    writeFileSync(join(path, file), text.replaceAll('1.10.0', version));
  }
  return path;
}
