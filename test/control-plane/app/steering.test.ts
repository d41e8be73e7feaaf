import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { eventLogs, inFuture, opampAgent, type Started, startControlPlane, statusMetrics, VIEWER } from './support.ts';

const PAYMENTS = '/api/v1/breakers/shop/payments';

describe('steering a breaker', () => {
  let plane: Started;
  let folder: string;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'switchgear-app-'));
    plane = await startControlPlane({}, { SWITCHGEAR_STORE: `sqlite:${folder}/fleet.db` });
    await plane.ask('POST', '/v1/metrics', { body: statusMetrics('shop', 'payments', 'closed') });
  });
  afterEach(async () => {
    await plane.controlPlane.stop();
    rmSync(folder, { recursive: true });
  });

  test('a breaker is shown once its metrics came in', async () => {
    const { status, body } = await plane.ask('GET', '/api/v1/breakers', { token: VIEWER });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      items: [{ service: 'shop', breaker: 'payments', state: 'closed' }],
      nextCursor: null,
    });
    const detail = await plane.ask('GET', PAYMENTS);
    expect(detail.body.byInstance).toMatchObject([{ instance: 'shop-1', state: 'closed', liveness: 'live' }]);
  });

  test('an override is held, shown, audited with its actor, and released', async () => {
    const expiresAt = inFuture(60_000);
    const put = await plane.ask('PUT', `${PAYMENTS}/override`, {
      body: { mode: 'forced_open', reason: 'bad deploy', expiresAt },
      headers: { 'Switchgear-Actor': 'ada' },
    });
    const override = { mode: 'forced_open', reason: 'bad deploy', actor: 'operator:ada', expiresAt };
    expect(put).toMatchObject({ status: 200, body: { revision: 1, override } });
    expect((await plane.ask('GET', PAYMENTS)).body.override).toEqual(override);

    const refused = await plane.ask('POST', `${PAYMENTS}/reset`, { body: { reason: 'please' } });
    expect(refused.status).toBe(409);
    expect(refused.body.detail).toContain('forced_open of operator:ada ("bad deploy")');

    const release = await plane.ask('DELETE', `${PAYMENTS}/override`, { body: { reason: 'rolled back' } });
    expect(release).toMatchObject({ status: 200, body: { revision: 2, override: null } });
    expect((await plane.ask('GET', PAYMENTS)).body.override).toBeNull();

    const audit = await plane.ask('GET', '/api/v1/audit?service=shop&breaker=payments');
    expect(audit.body.items).toMatchObject([
      { action: 'release', actor: 'operator', reason: 'rolled back', revision: 2, before: override, after: null },
      { action: 'override', actor: 'operator:ada', reason: 'bad deploy', revision: 1, before: null, after: override },
    ]);
  });

  test('trip and reset rise in generation and reach the agent in its document', async () => {
    expect((await plane.ask('POST', `${PAYMENTS}/trip`, { body: { reason: 'drill' } })).body).toEqual({
      revision: 1,
      action: { kind: 'trip', generation: 1, reason: 'drill', actor: 'operator' },
    });
    const reset = await plane.ask('POST', `${PAYMENTS}/reset`, { body: { reason: 'done' } });
    expect(reset).toMatchObject({ status: 202, body: { revision: 2, action: { kind: 'reset', generation: 2 } } });
    const agent = opampAgent(plane.url, 'shop');
    const { document } = await agent.send(agent.describe('payments'));
    expect(document).toEqual({
      schema: 'switchgear.desired-state/v1',
      revision: 2,
      breakers: {
        payments: { revision: 2, action: { kind: 'reset', generation: 2, reason: 'done', actor: 'operator' } },
      },
    });
  });

  test.each([
    ['shadow', 'in shadow'],
    ['disabled', 'disabled'],
  ] as const)('a trip and a reset are refused where every instance is in a %s mode of its own', async (mode, words) => {
    await plane.ask('POST', '/v1/metrics', { body: statusMetrics('shop', 'payments', mode) });
    for (const kind of ['trip', 'reset']) {
      const { status, body } = await plane.ask('POST', `${PAYMENTS}/${kind}`, { body: { reason: 'drill' } });
      expect(status).toBe(409);
      expect(body.detail).toContain(`Every live instance of this breaker is ${words}: a ${kind} would change nothing.`);
    }
    expect((await plane.ask('GET', '/api/v1/audit')).body.items).toEqual([]);
  });

  test('settings are laid over, shown, and taken away by an empty object', async () => {
    const config = { cooldownMs: 5_000, timeoutMs: null };
    expect((await plane.ask('GET', `${PAYMENTS}/config`)).body).toEqual({ revision: 0, config: null });
    expect((await plane.ask('PUT', `${PAYMENTS}/config`, { body: config })).body).toEqual({ revision: 1, config });
    expect((await plane.ask('GET', `${PAYMENTS}/config`)).body).toEqual({ revision: 1, config });
    expect((await plane.ask('PUT', `${PAYMENTS}/config`, { body: {} })).body).toEqual({ revision: 2, config: null });
  });

  test('settings that leave an instance without a trip rule are refused', async () => {
    const agent = opampAgent(plane.url, 'shop');
    await agent.send(agent.describe('payments'));
    const { status, body } = await plane.ask('PUT', `${PAYMENTS}/config`, { body: { trip: { failureRatio: null } } });
    expect(status).toBe(400);
    expect(body.errors[0].detail).toContain(
      '`trip` must keep at least one of failureRatio, failures, consecutive and slowRatio',
    );
  });

  test('events come back newest first, in pages', async () => {
    const names = ['breaker.trip', 'breaker.half_open', 'breaker.reset'];
    expect((await plane.ask('POST', '/v1/logs', { body: eventLogs('shop', 'payments', names) })).status).toBe(200);
    const first = await plane.ask('GET', '/api/v1/events?limit=2');
    expect(first.body.items.map(({ event }: { event: string }) => event)).toEqual([
      'breaker.reset',
      'breaker.half_open',
    ]);
    const rest = await plane.ask('GET', `/api/v1/events?limit=2&cursor=${first.body.nextCursor}`);
    expect(rest.body).toMatchObject({ items: [{ event: 'breaker.trip', severity: 'WARN' }], nextCursor: null });
    expect((await plane.ask('GET', '/api/v1/events?event=breaker.trip')).body.items).toHaveLength(1);
    const two = await plane.ask('GET', '/api/v1/events?event=breaker.trip,breaker.reset');
    expect(two.body.items.map(({ event }: { event: string }) => event)).toEqual(['breaker.reset', 'breaker.trip']);
  });

  test('a service with a namespace is one path segment', async () => {
    const body = statusMetrics('shop', 'payments', 'open') as {
      resourceMetrics: { resource: { attributes: object[] } }[];
    };
    body.resourceMetrics[0]!.resource.attributes.push({ key: 'service.namespace', value: { stringValue: 'eu' } });
    await plane.ask('POST', '/v1/metrics', { body });
    const answer = await plane.ask('GET', '/api/v1/breakers/eu%2Fshop/payments');
    expect(answer).toMatchObject({ status: 200, body: { service: 'eu/shop', state: 'open' } });
  });

  test('overrides, settings, events, audit and known breakers are there after a restart', async () => {
    await plane.ask('PUT', `${PAYMENTS}/override`, {
      body: { mode: 'disabled', reason: 'test', expiresAt: inFuture(60_000) },
    });
    await plane.ask('PUT', `${PAYMENTS}/config`, { body: { cooldownMs: 1 } });
    await plane.ask('POST', '/v1/logs', { body: eventLogs('shop', 'payments', ['breaker.trip']) });
    const before = await plane.ask('GET', '/api/v1/audit');
    await plane.controlPlane.stop();

    plane = await startControlPlane({}, { SWITCHGEAR_STORE: `sqlite:${folder}/fleet.db` });
    const { body } = await plane.ask('GET', PAYMENTS);
    expect(body).toMatchObject({ override: { mode: 'disabled' }, delivery: { revision: 2 } });
    expect((await plane.ask('GET', `${PAYMENTS}/config`)).body).toEqual({ revision: 2, config: { cooldownMs: 1 } });
    expect((await plane.ask('GET', '/api/v1/events')).body.items).toHaveLength(1);
    expect((await plane.ask('GET', '/api/v1/audit')).body).toEqual(before.body);
  });
});
