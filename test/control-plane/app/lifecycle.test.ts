import { expect, test, vi } from 'vitest';
import { inFuture, opampAgent, startControlPlane, statusMetrics } from './support.ts';

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
