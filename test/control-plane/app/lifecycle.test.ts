import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { AGENT, eventLogs, inFuture, opampAgent, startControlPlane, statusMetrics } from './support.ts';

test('an override lets go when its time is over by the clock of the control plane, and the agent hears of it', async () => {
  let ahead = 0;
  const plane = await startControlPlane({ now: () => Date.now() + ahead });
  const agent = opampAgent(plane.url, 'shop');
  await agent.send(agent.describe('payments'));
  await plane.ask('PUT', '/api/v1/breakers/shop/payments/override', {
    body: { mode: 'shadow', reason: 'why', expiresAt: inFuture(60_000) },
  });
  const { hash, document } = await agent.send();
  expect(document.breakers.payments.override).toMatchObject({ mode: 'shadow' });
  const poll = agent.send(agent.holds(hash), { wait: 25 });
  ahead = 60_000;
  expect((await poll).document.breakers).toEqual({ payments: { revision: 2 } });
  expect((await plane.ask('GET', '/api/v1/breakers/shop/payments')).body.override).toBeNull();
  expect((await plane.ask('GET', '/api/v1/audit')).body.items[0]).toMatchObject({ actor: 'system', action: 'expire' });
  await plane.controlPlane.stop();
});

test('an instance turns stale and gone by the clock of the control plane', async () => {
  let ahead = 0;
  const plane = await startControlPlane({ now: () => Date.now() + ahead });
  await plane.ask('POST', '/v1/metrics', { body: statusMetrics('shop', 'payments', 'open') });
  const liveness = async () => (await plane.ask('GET', '/api/v1/agents')).body.items[0].liveness;
  expect(await liveness()).toBe('live');
  ahead = 95_000;
  await vi.waitFor(async () => expect(await liveness()).toBe('stale'), 3_000);
  ahead = 605_000;
  await vi.waitFor(async () => expect(await liveness()).toBe('gone'), 3_000);
  await plane.controlPlane.stop();
});

test('a stop answers held polls and takes no new connection', async () => {
  const plane = await startControlPlane();
  const agent = opampAgent(plane.url, 'shop');
  const { hash } = await agent.send(agent.describe('payments'));
  const poll = agent.send(agent.holds(hash), { wait: 25 });
  await vi.waitFor(async () => expect((await plane.ask('GET', '/metrics')).body).toContain('switchgear_opamp_held 1'));
  const start = performance.now();
  const stopped = plane.controlPlane.stop();
  expect((await poll).status).toBe(200);
  await stopped;
  expect(performance.now() - start).toBeLessThan(2_000);
  await expect(plane.ask('GET', '/healthz')).rejects.toThrow();
  await plane.controlPlane.stop();
});

test('a request that was under way when the stop began is finished, stored and acknowledged', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'switchgear-stop-'));
  const store = { SWITCHGEAR_STORE: `sqlite:${folder}/fleet.db` };
  const plane = await startControlPlane({}, store);
  const body = JSON.stringify(eventLogs('shop', 'payments', ['breaker.trip']));
  const begun = request(`${plane.url}/v1/logs`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${AGENT}`,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      expect: '100-continue',
    },
  });
  begun.flushHeaders();
  // The server says "continue" once it has the request: from here on it is under way.
  await once(begun, 'continue');
  begun.write(body.slice(0, 20));
  const stopped = plane.controlPlane.stop();
  await vi.waitFor(() => expect(plane.ask('GET', '/healthz')).rejects.toThrow());
  begun.end(body.slice(20));
  const [response] = (await once(begun, 'response')) as [IncomingMessage];
  expect(response.statusCode).toBe(200);
  response.resume();
  await stopped;

  const restarted = await startControlPlane({}, store);
  expect((await restarted.ask('GET', '/api/v1/events')).body.items).toMatchObject([{ event: 'breaker.trip' }]);
  await restarted.controlPlane.stop();
  rmSync(folder, { recursive: true });
});

test('an instance that said goodbye is still gone after a restart, one that did not is stale', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'switchgear-gone-'));
  const store = { SWITCHGEAR_STORE: `sqlite:${folder}/fleet.db` };
  const plane = await startControlPlane({}, store);
  const leaving = opampAgent(plane.url, 'shop');
  await leaving.send(leaving.describe('payments'));
  const staying = opampAgent(plane.url, 'mail', 'AAAAAAAAAAAAAAAAAAAAAQ==');
  await staying.send(staying.describe('smtp'));
  await leaving.send({ agentDisconnect: {} });
  await plane.controlPlane.stop();

  const restarted = await startControlPlane({}, store);
  const liveness = async () =>
    (await restarted.ask('GET', '/api/v1/agents')).body.items.map((item: { service: string; liveness: string }) => [
      item.service,
      item.liveness,
    ]);
  expect(await liveness()).toEqual([
    ['mail', 'stale'],
    ['shop', 'gone'],
  ]);
  expect((await restarted.ask('GET', '/api/v1/breakers/shop/payments')).body.instances).toEqual({
    live: 0,
    stale: 0,
    gone: 1,
  });
  const returning = opampAgent(restarted.url, 'shop');
  await returning.send(returning.describe('payments'));
  expect(await liveness()).toContainEqual(['shop', 'live']);
  await restarted.controlPlane.stop();
  rmSync(folder, { recursive: true });
});

test('a poll is not held for so long that its agent would turn stale', async () => {
  const plane = await startControlPlane({ staleAfterMs: 2_000 });
  const agent = opampAgent(plane.url, 'shop');
  const { hash } = await agent.send(agent.describe('payments'));
  const start = performance.now();
  await agent.send(agent.holds(hash), { wait: 25 });
  expect(performance.now() - start).toBeLessThan(1_900);
  expect((await plane.ask('GET', '/api/v1/agents')).body.items[0].liveness).toBe('live');
  await plane.controlPlane.stop();
});

test('pages may load and call nothing but the control plane itself', async () => {
  const plane = await startControlPlane();
  const { headers } = await plane.ask('GET', '/', { token: null });
  const policy = headers.get('content-security-policy');
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("script-src 'self'");
  expect(policy).not.toContain('unsafe');
  for (const path of ['/../main.ts', '/%2e%2e/main.ts', '/..%2fmain.ts', '/.hidden.js']) {
    expect((await plane.ask('GET', path, { token: null })).status).toBe(404);
  }
  await plane.controlPlane.stop();
});

test('a port that is taken is said in words, and the store is closed again', async () => {
  const first = await startControlPlane();
  const port = Number(new URL(first.url).port);
  await expect(startControlPlane({ port })).rejects.toThrow(
    `port ${port} on 127.0.0.1 is taken: stop what listens there, or set SWITCHGEAR_PORT to another port`,
  );
  await first.controlPlane.stop();
});

test('health, readiness and metrics need no token; metrics count breakers by state', async () => {
  const plane = await startControlPlane();
  await plane.ask('POST', '/v1/metrics', { body: statusMetrics('shop', 'payments', 'open') });
  const open = (path: string) => plane.ask('GET', path, { token: null });
  expect((await open('/healthz')).body).toEqual({ status: 'alive' });
  expect((await open('/readyz')).body).toEqual({ status: 'ready' });
  const { body } = await open('/metrics');
  expect(body).toContain('switchgear_breakers{state="open"} 1');
  expect(body).toContain('switchgear_ingest_requests_total{signal="metrics",result="accepted"} 1');
  expect(body).toContain('switchgear_store_write_duration_seconds_count{operation="rememberBreakers"} 1');
  expect(body).toContain('process_cpu_seconds_total');
  await plane.controlPlane.stop();
});
