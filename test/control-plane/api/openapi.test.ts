import { checkSettingsPatch } from '@switchgear/conventions';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openApiDocument } from '../../../src/control-plane/api/openapi.ts';
import { type OperationsOptions, operations } from '../../../src/control-plane/api/operations.ts';
import { configBody } from '../../../src/control-plane/api/schemas.ts';
import { type Started, startControlPlane, statusMetrics } from '../app/support.ts';

let plane: Started;
// biome-ignore lint/suspicious/noExplicitAny: the document is looked into as a client would
let document: any;

beforeAll(async () => {
  plane = await startControlPlane();
  document = (await plane.ask('GET', '/openapi.json', { token: null })).body;
});
afterAll(() => plane.controlPlane.stop());

test('the document is OpenAPI 3.1 and the same at both of its addresses', async () => {
  expect(document.openapi).toBe('3.1.0');
  expect((await plane.ask('GET', '/api/v1/openapi.json', { token: null })).body).toEqual(document);
});

test('every fixed point of the API is described, and nothing else', () => {
  const described = Object.entries(document.paths as Record<string, object>).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} ${path}`),
  );
  const one = '/api/v1/breakers/{service}/{breaker}';
  expect(described.sort()).toEqual(
    [
      'get /api/v1/agents',
      'get /api/v1/audit',
      'get /api/v1/breakers',
      `get ${one}`,
      `get ${one}/config`,
      `put ${one}/config`,
      `put ${one}/override`,
      `delete ${one}/override`,
      `post ${one}/trip`,
      `post ${one}/reset`,
      'get /api/v1/events',
      'get /api/v1/stream',
    ].sort(),
  );
});

test('every described operation is answered by a route, and every route is described', async () => {
  const routes = operations({} as OperationsOptions);
  const paths = openApiDocument(routes, '1').paths;
  expect(document.paths).toEqual(JSON.parse(JSON.stringify(paths)));
  for (const [path, methods] of Object.entries(paths)) {
    const url = path.replace('{service}', 'no').replace('{breaker}', 'one');
    for (const method of Object.keys(methods)) {
      if (path.endsWith('/stream')) continue;
      const { status, body } = await plane.ask(method.toUpperCase(), url);
      expect([200, 400, 404]).toContain(status);
      if (status === 404) expect(body.detail).toContain('There is no breaker "one" in service "no"');
    }
  }
});

test('operation ids differ, and path parameters are declared', () => {
  const operationsOf = Object.entries(
    document.paths as Record<
      string,
      Record<string, { operationId: string; parameters?: { name: string; in: string }[] }>
    >,
  );
  const ids = operationsOf.flatMap(([, methods]) => Object.values(methods).map(({ operationId }) => operationId));
  expect(new Set(ids).size).toBe(ids.length);
  for (const [path, methods] of operationsOf) {
    const wanted = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
    for (const { parameters = [] } of Object.values(methods)) {
      expect(parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name)).toEqual(wanted);
    }
  }
});

test('what the API answers has the fields that the document requires', async () => {
  await plane.ask('POST', '/v1/metrics', { body: statusMetrics('shop', 'payments', 'closed') });
  const { required } =
    document.paths['/api/v1/breakers/{service}/{breaker}'].get.responses['200'].content['application/json'].schema;
  const { body } = await plane.ask('GET', '/api/v1/breakers/shop/payments');
  expect(Object.keys(body).sort()).toEqual([...required].sort());
});

test.each([
  [{}],
  [{ cooldownMs: 1 }],
  [{ cooldownMs: 0 }],
  [{ timeoutMs: null }],
  [{ timeoutMs: 86_400_001 }],
  [{ trip: { failureRatio: 1, failures: null } }],
  [{ trip: { failureRatio: 0 } }],
  [{ trip: { windowMs: 99 } }],
  [{ trip: { minimumCalls: 1.5 } }],
  [{ halfOpen: { probes: 1_000, probeTimeoutMs: 1 } }],
  [{ halfOpen: { probes: 1_001 } }],
  [{ halfOpen: { ramp: 1 } }],
])('the described settings and the rules of the conventions agree on %j', (patch) => {
  expect(configBody.safeParse(patch).success).toBe(checkSettingsPatch(patch).length === 0);
});
