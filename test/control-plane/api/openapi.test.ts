import { checkSettingsPatch, DEFAULT_SETTINGS, InvalidInputError, SETTINGS_LIMITS } from '@switchgear/conventions';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openApiDocument } from '../../../src/control-plane/api/openapi.ts';
import { type OperationsOptions, operations } from '../../../src/control-plane/api/operations.ts';
import { configBody } from '../../../src/control-plane/api/schemas.ts';
import { settingsPatchShape } from '../../../src/control-plane/api/settings-schema.ts';
import { validate } from '../../../src/control-plane/api/validate.ts';
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

/** Of each setting: what it may be at its edges, and what it may not. */
const TRIP: Record<string, { good: unknown[]; bad: unknown[] }> = {
  failureRatio: { good: [null, 0.001, 1], bad: [0, 1.001, '0.5', true] },
  minimumCalls: { good: [1, 1_000_000], bad: [null, 0, 1_000_001, 1.5] },
  failures: { good: [null, 1, 1_000_000], bad: [0, 1_000_001, 2.5] },
  consecutive: { good: [null, 1, 1_000_000], bad: [0, 1_000_001, 2.5, 'three'] },
  slowRatio: { good: [null, 0.001, 1], bad: [0, 1.001, []] },
  slowMs: { good: [null, 1, 86_400_000], bad: [0, 86_400_001, 0.5] },
  countOverdue: { good: [true, false], bad: [null, 0, 'true'] },
  windowMs: { good: [100, 86_400_000], bad: [null, 99, 86_400_001] },
  windowCalls: { good: [null, 1, 1_000], bad: [0, 1_001, 1.5] },
  debounceMs: { good: [null, 1, 86_400_000], bad: [0, 86_400_001] },
};
const HALF_OPEN: typeof TRIP = {
  probes: { good: [1, 1_000], bad: [null, 0, 1_001] },
  probeTimeoutMs: { good: [1, 86_400_000], bad: [null, 0, 86_400_001] },
  ramp: {
    good: [[], [0.5], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99]],
    bad: [
      null,
      0.5,
      [0],
      [1],
      [0.5, 0.5],
      [0.5, 0.1],
      ['0.1'],
      [0.1, null],
      Array.from({ length: 11 }, (_, i) => i / 20),
    ],
  },
  rampStepMs: { good: [1, 86_400_000], bad: [null, 0, 86_400_001] },
};
const GROWTH: typeof TRIP = {
  baseMs: { good: [1, 86_400_000], bad: [null, 0, 86_400_001] },
  maxMs: { good: [1, 86_400_000], bad: [null, 0, 86_400_001] },
  factor: { good: [1, 1.5, 100], bad: [null, 0.9, 101, '2'] },
  jitter: { good: [0, 0.5, 1], bad: [null, -0.1, 1.1] },
};
const TOP: typeof TRIP = {
  cooldownMs: { good: [1, 86_400_000, { baseMs: 1 }], bad: [null, 0, 1.5, '5', [], {}, { factor: 2 }] },
  timeoutMs: { good: [null, 1, 86_400_000], bad: [0, 86_400_001, 'never'] },
  maxConcurrent: { good: [null, 1, 1_000_000], bad: [0, 1_000_001, 1.5] },
  trip: { good: [{}], bad: [null, [], 'x', { surprise: 1 }] },
  halfOpen: { good: [{}], bad: [null, [], { surprise: 1 }] },
};

const patches = (kind: 'good' | 'bad') => [
  ...Object.entries(TOP).flatMap(([key, values]) => values[kind].map((value) => ({ [key]: value }))),
  ...Object.entries(TRIP).flatMap(([key, values]) => values[kind].map((value) => ({ trip: { [key]: value } }))),
  ...Object.entries(HALF_OPEN).flatMap(([key, values]) =>
    values[kind].map((value) => ({ halfOpen: { [key]: value } })),
  ),
  ...Object.entries(GROWTH).flatMap(([key, values]) =>
    values[kind].map((value) => ({ cooldownMs: { baseMs: 1, [key]: value } })),
  ),
];

test('every setting of the conventions is looked at here', () => {
  const { trip, halfOpen, cooldownBackoff, ...top } = SETTINGS_LIMITS;
  expect(Object.keys(TRIP)).toEqual(Object.keys(trip));
  expect(Object.keys(HALF_OPEN)).toEqual(Object.keys(halfOpen));
  expect(Object.keys(GROWTH)).toEqual(Object.keys(cooldownBackoff));
  expect(Object.keys(TOP)).toEqual([...Object.keys(top), 'trip', 'halfOpen']);
});

test.each([{}, DEFAULT_SETTINGS, ...patches('good')].map((patch) => [patch]))(
  'settings as the document describes them and the conventions take: %j',
  (patch) => {
    expect(checkSettingsPatch(patch)).toEqual([]);
    expect(settingsPatchShape.safeParse(patch).success).toBe(true);
    expect(validate(configBody, patch, 'body')).toEqual(patch);
  },
);

test.each([{ surprise: 1 }, { 'trip.windowMs': 1 }, ...patches('bad')].map((patch) => [patch]))(
  'settings that the document rules out, and the API in the words of the conventions: %j',
  (patch) => {
    expect(settingsPatchShape.safeParse(patch).success).toBe(false);
    const problems = checkSettingsPatch(patch);
    expect(problems).not.toEqual([]);
    expect(() => validate(configBody, patch, 'body')).toThrow(new InvalidInputError(problems));
  },
);

test('the settings of an instance are described whole', async () => {
  const { properties } =
    document.paths['/api/v1/breakers/{service}/{breaker}'].get.responses['200'].content['application/json'].schema;
  const [settings] = properties.byInstance.items.properties.settings.anyOf;
  expect(settings.required.sort()).toEqual(Object.keys(DEFAULT_SETTINGS).sort());
  expect(settings.properties.trip.required.sort()).toEqual(Object.keys(DEFAULT_SETTINGS.trip).sort());
  expect(settings.properties.halfOpen.required.sort()).toEqual(Object.keys(DEFAULT_SETTINGS.halfOpen).sort());
});
