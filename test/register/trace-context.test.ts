import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TemporaryFolder, temporaryFolder } from '../support/folders.ts';
import { Child, ROOT } from '../support/processes.ts';
import { Upstream } from '../support/upstream.ts';
import { startReceiver } from './otlp-receiver.ts';

const SERVICES = join(import.meta.dirname, 'services/frameworks');
const REGISTER = ['--import', join(ROOT, 'src/register/index.ts')];
const CLIENT_SPAN = 3;
const SERVER_SPAN = 2;

interface Span {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly kind: number;
}

describe.each([
  ['plain.mjs', 'a breaker that guards'],
  ['plain.mjs', 'a breaker that looks on'],
  ['plain.cjs', 'a breaker that guards'],
  ['plain.cjs', 'a breaker that looks on'],
])('%s under register alone, with %s', (entry, what) => {
  let folder: TemporaryFolder;
  let upstream: Upstream;
  let receiver: Awaited<ReturnType<typeof startReceiver>>;
  let child: Child;
  let url: string;

  beforeAll(async () => {
    folder = temporaryFolder('traces');
    [upstream, receiver] = await Promise.all([Upstream.start(), startReceiver()]);
    if (what === 'a breaker that guards') {
      const config = { breakers: { upstream: {} }, rules: [{ match: { path: '/items' }, breaker: 'upstream' }] };
      writeFileSync(join(folder.path, 'switchgear.yaml'), JSON.stringify(config));
    }
    child = new Child(process.execPath, [...REGISTER, join(SERVICES, entry)], {
      cwd: folder.path,
      env: {
        NODE_OPTIONS: '',
        UPSTREAM_URL: upstream.url,
        OTEL_METRICS_EXPORTER: 'none',
        OTEL_LOGS_EXPORTER: 'none',
        OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
        OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/json',
      },
    });
    const [, port] = await child.waitForOutput(/listening on (\d+)/);
    url = `http://127.0.0.1:${port}`;
    for (const mood of ['well', 'failing'] as const) {
      await upstream.turn(mood);
      for (const client of ['fetch', 'http', 'axios']) await ask(client, traceOf(mood, client));
    }
    await child.end();
  });

  afterAll(async () => {
    await child?.crash();
    await Promise.all([upstream?.stop(), receiver?.close()]);
    folder?.remove();
  });

  test.each(['fetch', 'http', 'axios'])('by %s: the upstream stands in the trace that came in, once', (client) => {
    const trace = traceOf('well', client);
    const spans = spansOf(trace);
    const [server] = spans.filter(({ kind }) => kind === SERVER_SPAN);
    const calls = spans.filter(({ kind }) => kind === CLIENT_SPAN);
    expect(server!.parentSpanId).toBe('b'.repeat(16));
    expect(calls.map(({ parentSpanId }) => parentSpanId)).toEqual([server!.spanId]);
    const told = upstream.answered.map(({ headers }) => headers.traceparent).filter((each) => each?.includes(trace));
    expect(told).toEqual([`00-${trace}-${calls[0]!.spanId}-01`]);
  });

  test.each(['fetch', 'http', 'axios'])('by %s: the span of a call that failed stands in that trace too', (client) => {
    const spans = spansOf(traceOf('failing', client));
    const failed = spans.filter(({ name }) => name.startsWith('breaker.call '));
    expect(failed).toHaveLength(1);
    expect(spans.map(({ spanId }) => spanId)).toContain(failed[0]!.parentSpanId);
    expect(spans.filter(({ kind }) => kind === CLIENT_SPAN)).toHaveLength(1);
  });

  test('the exports stand in none', () => {
    const all = receiver.at('/v1/traces').flatMap(({ body }) => spansIn(body));
    expect(all.filter(({ kind }) => kind === CLIENT_SPAN)).toHaveLength(6);
    expect(child.output).not.toContain('switchgear: ');
  });

  async function ask(client: string, trace: string): Promise<number> {
    const headers = { traceparent: `00-${trace}-${'b'.repeat(16)}-01`, connection: 'close' };
    const response = await fetch(`${url}/${client}`, { headers });
    await response.text();
    return response.status;
  }

  function spansOf(trace: string): Span[] {
    return receiver.at('/v1/traces').flatMap(({ body }) => spansIn(body).filter(({ traceId }) => traceId === trace));
  }
});

function traceOf(mood: string, client: string): string {
  return Buffer.from(`${mood} ${client}`).toString('hex').padEnd(32, '0').slice(0, 32);
}

function spansIn(body: Buffer): Span[] {
  const { resourceSpans } = JSON.parse(body.toString()) as {
    resourceSpans: { scopeSpans: { spans: Span[] }[] }[];
  };
  return resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans));
}
