import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { describeAgent } from '../../../src/breaker/control/messages.ts';
import { type AttributeValue, ResourceIdentity } from '../../../src/control-plane/ingest/resource-identity.ts';
import { identityOf } from '../../../src/control-plane/opamp/agent-identity.ts';
import { serviceResource } from '../../../src/register/sdk/service-resource.ts';
import { temporaryFolder } from '../../support/folders.ts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const argv = process.argv[1]!;
let folder: ReturnType<typeof temporaryFolder>;

beforeEach(() => {
  folder = temporaryFolder('service');
  // Quicker, and nothing of the host in what is compared.
  vi.stubEnv('OTEL_NODE_RESOURCE_DETECTORS', 'none');
  vi.stubEnv('OTEL_SERVICE_NAME', undefined);
  vi.stubEnv('OTEL_RESOURCE_ATTRIBUTES', undefined);
  vi.spyOn(process, 'cwd').mockReturnValue(folder.path);
});

afterEach(() => {
  process.argv[1] = argv;
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  folder.remove();
});

function write(path: string, text = ''): string {
  const file = join(folder.path, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

/** The service as it is found when this script is its entry. */
function foundFor(script: string | undefined): Record<string, unknown> {
  process.argv[1] = script as string;
  const { resource, identity } = serviceResource();
  expect(identity.name).toBe(resource.attributes['service.name']);
  expect(identity.version).toBe(resource.attributes['service.version']);
  expect(identity.namespace).toBe(resource.attributes['service.namespace']);
  expect(identity.instanceId).toBe(resource.attributes['service.instance.id']);
  return { name: identity.name, version: identity.version };
}

describe('the name and version of a service', () => {
  const OWN = '{"name":"shop","version":"1.2.3"}';

  test.each([
    [undefined, undefined, { name: 'shop', version: '1.2.3' }],
    ['named', undefined, { name: 'named', version: '1.2.3' }],
    ['', '', { name: 'shop', version: '1.2.3' }],
    [undefined, 'service.name=attributed', { name: 'attributed', version: '1.2.3' }],
    ['named', 'service.name=attributed', { name: 'named', version: '1.2.3' }],
    [undefined, 'service.version=9', { name: 'shop', version: '9' }],
    ['named', 'service.version=9', { name: 'named', version: '9' }],
    ['named', 'service.name=attributed,service.version=9', { name: 'named', version: '9' }],
    [undefined, 'service.name=attributed,service.version=9', { name: 'attributed', version: '9' }],
    [undefined, 'deployment.environment.name=test', { name: 'shop', version: '1.2.3' }],
  ])('with OTEL_SERVICE_NAME %s and OTEL_RESOURCE_ATTRIBUTES %s', (name, attributes, expected) => {
    vi.stubEnv('OTEL_SERVICE_NAME', name);
    vi.stubEnv('OTEL_RESOURCE_ATTRIBUTES', attributes);
    write('package.json', OWN);
    expect(foundFor(write('app.js'))).toEqual(expected);
  });

  test('come from the nearest package.json that says a name', () => {
    write('package.json', OWN);
    write('dist/package.json', '{"type":"module"}');
    expect(foundFor(write('dist/main.js'))).toEqual({ name: 'shop', version: '1.2.3' });
    write('dist/package.json', '{"name":"@acme/ledger"}');
    expect(foundFor(write('dist/main.js'))).toEqual({ name: '@acme/ledger', version: undefined });
  });

  test('are found behind a link, and where the entry is a folder', () => {
    write('own/package.json', OWN);
    const target = write('own/app.js');
    mkdirSync(join(folder.path, 'bin'));
    symlinkSync(target, join(folder.path, 'bin/app'));
    expect(foundFor(join(folder.path, 'bin/app'))).toEqual({ name: 'shop', version: '1.2.3' });
    expect(foundFor(join(folder.path, 'own'))).toEqual({ name: 'shop', version: '1.2.3' });
  });

  test('of a service that a tool of node_modules runs are not those of the tool', () => {
    write('package.json', OWN);
    write('node_modules/runner/package.json', '{"name":"runner","version":"7.0.0"}');
    expect(foundFor(write('node_modules/runner/bin/start.js'))).toEqual({ name: 'shop', version: '1.2.3' });
  });

  test('of a service that was installed as a package are its own', () => {
    write('node_modules/shop/package.json', OWN);
    expect(foundFor(write('node_modules/shop/bin/shop.js'))).toEqual({ name: 'shop', version: '1.2.3' });
  });

  test.each([
    ['no JSON', '{'],
    ['no object', 'null'],
    ['a name that is no text', '{"name":{"a":1},"version":"1"}'],
    ['an empty name', '{"name":""}'],
    ['a name longer than the control plane takes', JSON.stringify({ name: 'n'.repeat(256) })],
    ['more than a package.json ever has', `{"name":"big","x":"${'x'.repeat(1_048_576)}"}`],
  ])('pass over a package.json with %s', (_, text) => {
    write('package.json', OWN);
    write('app/package.json', text);
    expect(foundFor(write('app/main.js'))).toEqual({ name: 'shop', version: '1.2.3' });
  });

  test('are those of the specification without an entry script, as in a REPL', () => {
    write('package.json', OWN);
    expect(foundFor(undefined)).toEqual({ name: 'unknown_service:node', version: undefined });
  });
});

describe('the instance id', () => {
  test('is a new UUID each time, unless it is given', () => {
    const ids = [serviceResource(), serviceResource()].map(({ identity }) => identity.instanceId);
    expect(ids[0]).toMatch(UUID);
    expect(ids[1]).not.toBe(ids[0]);
    vi.stubEnv('OTEL_RESOURCE_ATTRIBUTES', 'service.instance.id=shop-1');
    expect(serviceResource().identity.instanceId).toBe('shop-1');
  });

  test.each(['all', 'none', 'env', 'serviceinstance', 'host,process'])(
    'is there whatever detectors are chosen: %s',
    (detectors) => {
      vi.stubEnv('OTEL_NODE_RESOURCE_DETECTORS', detectors);
      const { resource, identity } = serviceResource();
      expect(resource.attributes['service.instance.id']).toBe(identity.instanceId);
      expect(identity.instanceId).toMatch(UUID);
    },
  );
});

test('the control plane knows the process by the same identity from its telemetry and from its link', () => {
  vi.stubEnv('OTEL_SERVICE_NAME', 'shop');
  vi.stubEnv(
    'OTEL_RESOURCE_ATTRIBUTES',
    'service.namespace=trade,service.version=1.2.3,service.instance.id=shop-1,deployment.environment.name=test',
  );
  const { resource, identity } = serviceResource();
  const told = new ResourceIdentity();
  for (const [key, value] of Object.entries(resource.attributes)) told.attribute(key, value as AttributeValue);
  const fromTelemetry = told.agent();
  expect(fromTelemetry).toEqual({
    service: 'trade/shop',
    instance: 'shop-1',
    version: '1.2.3',
    environment: 'test',
  });
  const { identifyingAttributes = [], nonIdentifyingAttributes = [] } = describeAgent(identity);
  const [identifying, nonIdentifying] = [identifyingAttributes, nonIdentifyingAttributes].map(
    (attributes) => new Map(attributes.map(({ key, value }) => [key, value.stringValue!])),
  );
  const fromLink = identityOf({ identifying: identifying!, nonIdentifying: nonIdentifying! }, 'uid');
  expect(fromLink).toEqual(fromTelemetry);
});
