import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AGENT, inFuture, OPERATOR, type Started, startControlPlane, statusMetrics, VIEWER } from '../app/support.ts';

const PAYMENTS = '/api/v1/breakers/shop/payments';

describe('a request that is refused', () => {
  let plane: Started;
  beforeAll(async () => {
    plane = await startControlPlane();
    await plane.ask('POST', '/v1/metrics', { body: statusMetrics('shop', 'payments', 'closed') });
  });
  afterAll(async () => {
    expect((await plane.ask('GET', '/healthz')).status).toBe(200);
    expect((await plane.ask('GET', '/api/v1/audit')).body.items).toEqual([]);
    await plane.controlPlane.stop();
  });

  const good = () => ({ mode: 'shadow', reason: 'why', expiresAt: inFuture(60_000) });

  test.each([
    ['GET', '/api/v1/breakers', { agent: 403, viewer: 200, operator: 200 }],
    ['GET', '/api/v1/events', { agent: 403, viewer: 200, operator: 200 }],
    ['GET', '/api/v1/nothing', { agent: 403, viewer: 404, operator: 404 }],
    ['PUT', `${PAYMENTS}/override`, { agent: 403, viewer: 403, operator: 400 }],
    ['DELETE', '/api/v1/breakers/shop/nobody/override', { agent: 403, viewer: 403, operator: 404 }],
    ['POST', `${PAYMENTS}/trip`, { agent: 403, viewer: 403, operator: 400 }],
    ['POST', '/v1/opamp', { agent: 415, viewer: 403, operator: 415 }],
    ['POST', '/v1/metrics', { agent: 415, viewer: 403, operator: 415 }],
  ])('%s %s: every role gets what it may, nobody gets nothing', async (method, path, expected) => {
    const status = async (token: string | null) => (await plane.ask(method, path, { token })).status;
    expect(await status(null)).toBe(401);
    expect(await status('a-token-nobody-has')).toBe(401);
    expect({ agent: await status(AGENT), viewer: await status(VIEWER), operator: await status(OPERATOR) }).toEqual(
      expected,
    );
  });

  test('a missing and a wrong token are told apart, and too little right names the role', async () => {
    const missing = await plane.ask('GET', '/api/v1/breakers', { token: null });
    expect(missing.headers.get('www-authenticate')).toBe('Bearer realm="switchgear"');
    const wrong = await plane.ask('GET', '/api/v1/breakers', { token: 'wrong' });
    expect(wrong.headers.get('www-authenticate')).toBe('Bearer realm="switchgear", error="invalid_token"');
    const few = await plane.ask('PUT', `${PAYMENTS}/override`, { token: VIEWER, body: good() });
    expect(few.body.detail).toBe('This needs the role operator; the token has the role viewer.');
  });

  test.each([
    ['an unknown mode', { mode: 'ajar' }, 'mode', 'must be one of forced_open, disabled, shadow'],
    ['no reason', { reason: undefined }, 'reason', 'must be a string'],
    ['an empty reason', { reason: '' }, 'reason', 'must be at least 1 characters'],
    ['a reason that is too long', { reason: 'x'.repeat(501) }, 'reason', 'must be at most 500 characters'],
    ['a time without offset', { expiresAt: '2026-01-31T12:00:00' }, 'expiresAt', 'must be an RFC 3339 time'],
    ['a time in the past', { expiresAt: '2020-01-31T12:00:00Z' }, 'expiresAt', 'must be in the future'],
    ['a time too far ahead', { expiresAt: inFuture(31 * 86_400_000) }, 'expiresAt', 'must be at most 30 days ahead'],
    ['no expiry', { expiresAt: undefined }, 'expiresAt', 'must be a string'],
    ['a field nobody knows', { until: 'tomorrow' }, 'until', 'is unknown'],
  ])('an override with %s names the field', async (_, parts, field, rule) => {
    const { status, headers, body } = await plane.ask('PUT', `${PAYMENTS}/override`, { body: { ...good(), ...parts } });
    expect(status).toBe(400);
    expect(headers.get('content-type')).toContain('application/problem+json');
    expect(body).toMatchObject({ type: 'about:blank', title: 'Bad Request', status: 400, errors: [{ field }] });
    expect(body.errors[0].detail).toContain(`\`${field}\` ${rule}`);
  });

  test.each([
    [{ cooldownMs: '5' }, 'cooldownMs', 'must be an integer from 1 to 86400000, got "5"'],
    [{ cooldownMs: { baseMs: 1, factor: 0 } }, 'cooldownMs.factor', 'must be from 1 to 100, got 0'],
    [{ cooldownMs: {} }, 'cooldownMs.baseMs', 'must be an integer from 1 to 86400000, got nothing'],
    [{ trip: { failureRatio: 1.5 } }, 'trip.failureRatio', 'must be in (0, 1], got 1.5'],
    [{ trip: { windowMs: null } }, 'trip.windowMs', 'must be an integer from 100 to 86400000, got null'],
    [{ trip: { countOverdue: 'yes' } }, 'trip.countOverdue', 'must be true or false, got "yes"'],
    [{ halfOpen: { probes: 0 } }, 'halfOpen.probes', 'must be an integer from 1 to 1000, got 0'],
    [
      { halfOpen: { ramp: [0.5, 0.1] } },
      'halfOpen.ramp',
      'must be a list of at most 10 numbers in (0, 1), each above the one before, got [0.5,0.1]',
    ],
    [
      { surprise: 1 },
      'surprise',
      'is unknown; known here: trip, cooldownMs, halfOpen, timeoutMs, maxConcurrent, got 1',
    ],
    [[], 'body', 'must be an object, got []'],
    [null, 'body', 'must be an object, got null'],
  ])('settings %j name field, rule and value', async (body, field, said) => {
    const answer = await plane.ask('PUT', `${PAYMENTS}/config`, { body });
    expect(answer.status).toBe(400);
    expect(answer.body.errors).toEqual([{ field, detail: `\`${field}\` ${said}` }]);
  });

  test.each([
    ['GET', '/api/v1/breakers?state=ajar', 'state'],
    ['GET', '/api/v1/breakers?limit=0', 'limit'],
    ['GET', '/api/v1/breakers?limit=1001', 'limit'],
    ['GET', '/api/v1/breakers?cursor=nonsense', 'cursor'],
    ['GET', '/api/v1/breakers?colour=red', 'colour'],
    ['GET', '/api/v1/breakers?service=a&service=b', 'service'],
    ['GET', '/api/v1/events?cursor=nonsense', 'cursor'],
    ['GET', '/api/v1/audit?limit=ten', 'limit'],
  ])('%s %s names the parameter', async (method, path, field) => {
    const { status, body } = await plane.ask(method, path);
    expect(status).toBe(400);
    expect(body.errors[0].field).toBe(field);
  });

  test.each([
    ['no JSON', 400, '{"reason":', 'application/json'],
    ['an empty body', 400, '', 'application/json'],
    ['another content type', 415, 'reason=why', 'application/x-www-form-urlencoded'],
    ['more than 64 KiB', 413, JSON.stringify({ reason: 'x'.repeat(65_536) }), 'application/json'],
  ])('%s is refused with %i', async (_, status, raw, type) => {
    const answer = await plane.ask('POST', `${PAYMENTS}/trip`, { raw, headers: { 'content-type': type } });
    expect(answer.status).toBe(status);
    expect(answer.body.errors[0].field).toBe(status === 415 ? 'Content-Type' : 'body');
  });

  test('a body that grows beyond 64 KiB when unpacked is refused', async () => {
    const raw = new Uint8Array(gzipSync(JSON.stringify({ reason: 'x'.repeat(1_000_000) })));
    const answer = await plane.ask('POST', `${PAYMENTS}/trip`, { raw, headers: { 'content-encoding': 'gzip' } });
    expect(answer.status).toBe(413);
  });

  test.each(['trip', 'reset', 'override', 'config'])(
    'an unknown breaker gets 404 for %s, and none is created',
    async (what) => {
      const isPut = what === 'override' || what === 'config';
      const body = what === 'override' ? good() : what === 'config' ? { cooldownMs: 1 } : { reason: 'why' };
      const path = `/api/v1/breakers/shop/paymnets/${what}`;
      const answer = await plane.ask(isPut ? 'PUT' : 'POST', path, { body });
      expect(answer).toMatchObject({
        status: 404,
        body: { detail: 'There is no breaker "paymnets" in service "shop".' },
      });
      expect((await plane.ask('GET', '/api/v1/breakers')).body.items).toHaveLength(1);
    },
  );

  test('another method gets 405 with those that are allowed', async () => {
    const answer = await plane.ask('DELETE', PAYMENTS);
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe('GET, HEAD');
    expect((await plane.ask('GET', `${PAYMENTS}/override`)).headers.get('allow')).toBe('PUT, DELETE');
  });

  test.each(['/nothing', '/api/v1/nothing', '/v1/nothing', '/api/v1/breakers/%E0%A4%A/x'])(
    '%s is a problem document',
    async (path) => {
      const { status, headers } = await plane.ask('GET', path);
      expect([400, 404]).toContain(status);
      expect(headers.get('content-type')).toContain('application/problem+json');
    },
  );

  test('an actor that cannot be printed is refused', async () => {
    const headers = { 'Switchgear-Actor': 'x'.repeat(101) };
    const { status, body } = await plane.ask('PUT', `${PAYMENTS}/override`, { body: good(), headers });
    expect(status).toBe(400);
    expect(body.errors[0].field).toBe('Switchgear-Actor');
  });

  test('who keeps on guessing tokens is slowed down, who has one is not', async () => {
    const guesses = await Promise.all(
      Array.from({ length: 80 }, (_, guess) => plane.ask('GET', '/api/v1/breakers', { token: `guess-${guess}` })),
    );
    expect(guesses.filter(({ status }) => status === 429).length).toBeGreaterThan(0);
    expect((await plane.ask('GET', '/api/v1/breakers')).status).toBe(200);
  });
});
