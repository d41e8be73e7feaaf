import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import {
  type AppliedRevision,
  BREAKER_STATES,
  type BreakerState,
  CALL_OUTCOMES,
  type CallOutcome,
  DEFAULT_SETTINGS,
  type Override,
} from '@switchgear/conventions';
import type { BreakerDetail, BreakerView, InstanceView, WireView } from '../../src/control-plane/fleet/view.ts';

/** What the fake answers with instead of the truth. */
export interface FakeRefusal {
  readonly status: number;
  readonly detail: string;
  readonly errors?: readonly { field: string; detail: string }[];
}

export interface FakeRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: unknown;
}

export interface FakeControlPlane {
  readonly url: string;
  readonly token: string;
  /** Every API request so far, in order. */
  readonly requests: FakeRequest[];
  /** What instances do with desired state: `hold` leaves it pending until `deliver`. */
  delivery: 'apply' | 'fail' | 'hold';
  /** Puts a breaker in, or replaces it, and tells the streams. */
  put(breaker: BreakerDetail): void;
  get(service: string, breaker: string): BreakerDetail | undefined;
  remove(service: string, breaker: string): void;
  event(item: Record<string, unknown>): void;
  audit(item: Record<string, unknown>): void;
  /** Lets this many pending instances apply (or fail) what is desired. */
  deliver(service: string, breaker: string, instances: number, status?: 'applied' | 'failed'): void;
  /** Answers API requests whose `METHOD /path` begins so with a problem document, until `null`. */
  refuse(prefix: string, refusal: FakeRefusal | null): void;
  /** Ends the open streams; how many there were. */
  dropStreams(): number;
  /** Open streams. */
  streams(): number;
  close(): Promise<void>;
}

/**
 * Plays the control plane's REST and SSE contract from memory, and serves static files under the policy the real server
 * sets. It decides nothing about breakers: tests put them in.
 */
export async function startFakeControlPlane(
  options: { token?: string; staticFolder?: string } = {},
): Promise<FakeControlPlane> {
  const token = options.token ?? 'operator-token';
  const breakers = new Map<string, BreakerDetail>();
  const configs = new Map<string, unknown>();
  const events: Record<string, unknown>[] = [];
  const audits: Record<string, unknown>[] = [];
  const requests: FakeRequest[] = [];
  const refusals = new Map<string, FakeRefusal>();
  const streams = new Set<ServerResponse>();
  let revision = 0;
  let sequence = 0;

  const tell = (event: string, data: unknown) => {
    sequence += 1;
    for (const stream of streams) stream.write(`id: ${sequence}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  };
  const items = () => [...breakers.values()].map(viewOf).sort(byName);

  const fake: FakeControlPlane = {
    url: '',
    token,
    requests,
    delivery: 'apply',
    put(breaker) {
      breakers.set(keyOf(breaker.service, breaker.breaker), breaker);
      tell('breaker', viewOf(breaker));
    },
    get: (service, breaker) => breakers.get(keyOf(service, breaker)),
    remove(service, breaker) {
      breakers.delete(keyOf(service, breaker));
      tell('removed', { service, breaker });
    },
    event(item) {
      events.unshift(item);
      tell('event', item);
    },
    audit(item) {
      audits.unshift(item);
      tell('audit', item);
    },
    deliver(service, breaker, instances, status = 'applied') {
      const found = breakers.get(keyOf(service, breaker));
      if (!found) throw new Error(`no breaker ${service}/${breaker}`);
      fake.put(withDelivery(found, found.delivery.revision, instances, status));
    },
    refuse(prefix, refusal) {
      if (refusal) refusals.set(prefix, refusal);
      else refusals.delete(prefix);
    },
    dropStreams() {
      const count = streams.size;
      for (const stream of streams) stream.destroy();
      streams.clear();
      return count;
    },
    streams: () => streams.size,
    async close() {
      for (const stream of streams) stream.destroy();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };

  const server = createServer((request, response) => {
    answer(request, response).catch((error) => response.destroy(error as Error));
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://fake');
    if (!url.pathname.startsWith('/api/')) return serveFile(options.staticFolder, url.pathname, response);
    const text = await bodyOf(request);
    const body: unknown = text === '' ? undefined : JSON.parse(text);
    const method = request.method ?? 'GET';
    requests.push({ method, path: url.pathname + url.search, headers: request.headers, body });
    for (const [prefix, refusal] of refusals) {
      if (`${method} ${url.pathname}`.startsWith(prefix)) return problem(response, refusal);
    }
    if (request.headers.authorization !== `Bearer ${token}`)
      return problem(response, { status: 401, detail: 'The token is missing or unknown.' });
    const parts = url.pathname.split('/').slice(3).map(decodeURIComponent);
    if (parts[0] === 'stream') return openStream(response);
    if (parts[0] === 'events') {
      const names = url.searchParams.get('event')?.split(',');
      return json(
        response,
        200,
        page(names ? events.filter(({ event }) => names.includes(String(event))) : events, url),
      );
    }
    if (parts[0] === 'audit') return json(response, 200, page(audits, url));
    if (parts[0] === 'agents')
      return json(response, 200, { items: agentsOf([...breakers.values()]), nextCursor: null });
    if (parts[0] !== 'breakers') return problem(response, { status: 404, detail: 'No such path.' });
    if (parts.length === 1) return json(response, 200, list(items(), url));
    const found = breakers.get(keyOf(parts[1] ?? '', parts[2] ?? ''));
    if (!found) return problem(response, { status: 404, detail: `No breaker ${parts[2]} of ${parts[1]} is known.` });
    return act(found, method, parts[3], body, request, response);
  }

  function openStream(response: ServerResponse): void {
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    response.write(
      `: hello\n\nid: ${sequence}\nevent: snapshot\ndata: ${JSON.stringify({ items: items(), nextCursor: null })}\n\n`,
    );
    streams.add(response);
    response.on('close', () => streams.delete(response));
  }

  function act(
    found: BreakerDetail,
    method: string,
    verb: string | undefined,
    body: unknown,
    request: IncomingMessage,
    response: ServerResponse,
  ) {
    const key = keyOf(found.service, found.breaker);
    if (verb === undefined) return json(response, 200, found);
    if (verb === 'config' && method === 'GET')
      return json(response, 200, { revision: found.delivery.revision, config: configs.get(key) ?? null });
    const claimed = request.headers['switchgear-actor'];
    const actor = claimed === undefined ? 'operator' : `operator:${claimed}`;
    const given = (body ?? {}) as Record<string, unknown>;
    revision += 1;
    const after =
      verb === 'override'
        ? { ...found, override: method === 'DELETE' ? null : ({ ...given, actor } as unknown as Override) }
        : found;
    const reset = { ...after, byInstance: after.byInstance.map((instance) => ({ ...instance, applied: null })) };
    const pending = withDelivery(reset, revision, 0, 'applied');
    fake.put(pending);
    if (fake.delivery !== 'hold')
      fake.put(
        withDelivery(pending, revision, Number.MAX_SAFE_INTEGER, fake.delivery === 'fail' ? 'failed' : 'applied'),
      );
    fake.audit({
      id: revision,
      at: new Date().toISOString(),
      actor,
      action: verb === 'override' && method === 'DELETE' ? 'release' : verb,
      service: found.service,
      breaker: found.breaker,
      reason: given.reason ?? null,
      revision,
      before: null,
      after: null,
    });
    if (verb === 'override') return json(response, 200, { revision, override: after.override });
    if (verb === 'config') {
      const config = Object.keys(given).length > 0 ? given : null;
      configs.set(key, config);
      return json(response, 200, { revision, config });
    }
    return json(response, 202, { revision, action: { kind: verb, generation: revision, reason: given.reason, actor } });
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(fake, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}

/** A breaker with one closed live instance; the rest is yours to lay over it. */
export function fakeBreaker(
  service: string,
  breaker: string,
  options: {
    states?: readonly (BreakerState | null)[];
    calls?: Partial<Record<CallOutcome, number>>;
    wires?: readonly Partial<WireView>[];
    override?: Override;
    liveness?: InstanceView['liveness'];
    lastSeenAt?: string;
  } = {},
): BreakerDetail {
  const lastSeenAt = options.lastSeenAt ?? new Date().toISOString();
  const calls = { ...zeros(CALL_OUTCOMES), success: 1_000, ...options.calls };
  const wires = (options.wires ?? []).map((wire) => ({ ...EMPTY_WIRE, ...wire }));
  const liveness = options.liveness ?? 'live';
  const byInstance = (options.states ?? ['closed']).map((state, index) => ({
    instance: `${service}-${index + 1}`,
    version: '1.4.0',
    environment: 'production',
    liveness,
    lastSeenAt,
    state,
    stateSince: lastSeenAt,
    failureRatio: 0.25,
    calls: index === 0 ? calls : zeros(CALL_OUTCOMES),
    wires: index === 0 ? wires : [],
    applied: null,
    settings: DEFAULT_SETTINGS,
  }));
  const live = byInstance.filter((instance) => instance.liveness === 'live');
  const states = zeros(BREAKER_STATES);
  for (const { state } of live) if (state) states[state] += 1;
  const worst = (['forced_open', 'open', 'half_open', 'disabled', 'shadow', 'closed'] as const).find(
    (s) => states[s] > 0,
  );
  return {
    service,
    breaker,
    state: worst ?? null,
    states,
    instances: { live: 0, stale: 0, gone: 0, [liveness]: byInstance.length },
    calls,
    wires,
    override: options.override ?? null,
    delivery: { revision: 0, applied: 0, failed: 0, pending: 0 },
    lastSeenAt,
    byInstance,
  };
}

const EMPTY_WIRE: WireView = {
  name: 'buffer',
  served: 0,
  buffered: 0,
  failed: 0,
  depth: 0,
  capacity: 0,
  oldestAgeSeconds: 0,
  replayed: 0,
  dead: 0,
  dropped: 0,
};

function zeros<Key extends string>(keys: readonly Key[]): Record<Key, number> {
  return Object.fromEntries(keys.map((key) => [key, 0])) as Record<Key, number>;
}

function withDelivery(
  breaker: BreakerDetail,
  revision: number,
  count: number,
  status: AppliedRevision['status'],
): BreakerDetail {
  let left = count;
  const byInstance = breaker.byInstance.map((instance) => {
    if (instance.liveness !== 'live' || instance.applied?.revision === revision || left === 0) return instance;
    left -= 1;
    return { ...instance, applied: { revision, status, ...(status === 'failed' && { error: 'window is too short' }) } };
  });
  const live = byInstance.filter((instance) => instance.liveness === 'live');
  const reported = live.filter((instance) => instance.applied?.revision === revision);
  const failed = reported.filter((instance) => instance.applied?.status === 'failed').length;
  const delivery = { revision, applied: reported.length - failed, failed, pending: live.length - reported.length };
  return { ...breaker, byInstance, delivery };
}

function agentsOf(all: readonly BreakerDetail[]): Record<string, unknown>[] {
  const agents = new Map<string, Record<string, unknown>>();
  for (const { service, byInstance } of all) {
    for (const { instance, version, environment, liveness, lastSeenAt } of byInstance) {
      const key = keyOf(service, instance);
      const breakers = Number(agents.get(key)?.breakers ?? 0) + 1;
      agents.set(key, { service, instance, version, environment, liveness, lastSeenAt, breakers, connected: true });
    }
  }
  return [...agents.values()];
}

function viewOf({ byInstance: _, ...view }: BreakerDetail): BreakerView {
  return view;
}

function byName(a: BreakerView, b: BreakerView): number {
  return keyOf(a.service, a.breaker) < keyOf(b.service, b.breaker) ? -1 : 1;
}

function keyOf(service: string, breaker: string): string {
  return JSON.stringify([service, breaker]);
}

function list(all: readonly BreakerView[], url: URL): { items: readonly BreakerView[]; nextCursor: string | null } {
  const { service, state, q } = Object.fromEntries(url.searchParams) as Record<string, string | undefined>;
  const found = all.filter(
    (item) =>
      (service === undefined || item.service === service) &&
      (state === undefined || item.state === state) &&
      (q === undefined || `${item.service} ${item.breaker}`.includes(q)),
  );
  return page(found, url);
}

function page<Item>(found: readonly Item[], url: URL): { items: readonly Item[]; nextCursor: string | null } {
  const limit = Number(url.searchParams.get('limit') ?? 100);
  const from = Number(url.searchParams.get('cursor') ?? 0);
  const next = from + limit < found.length ? String(from + limit) : null;
  return { items: found.slice(from, from + limit), nextCursor: next };
}

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

async function serveFile(folder: string | undefined, path: string, response: ServerResponse): Promise<void> {
  const name = path === '/' ? 'index.html' : path.slice(1);
  const type = CONTENT_TYPES[extname(name)];
  if (folder === undefined || type === undefined || name.includes('..')) {
    response.writeHead(404).end();
    return;
  }
  const content = await readFile(join(folder, name)).catch(() => undefined);
  if (content === undefined) response.writeHead(404).end();
  else response.writeHead(200, { 'Content-Type': type, 'Content-Security-Policy': "default-src 'self'" }).end(content);
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk;
  return text;
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}

function problem(response: ServerResponse, { status, detail, errors }: FakeRefusal): void {
  const document = { type: 'about:blank', title: `Status ${status}`, status, detail, ...(errors && { errors }) };
  response.writeHead(status, { 'Content-Type': 'application/problem+json' }).end(JSON.stringify(document));
}
