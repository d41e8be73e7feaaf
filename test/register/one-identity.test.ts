import { afterEach, describe, expect, test } from 'vitest';
import { ControlPlaneProcess, type ListBody } from '../support/control-plane.ts';
import { waitUntil } from '../support/deadline.ts';
import { Child, ROOT } from '../support/processes.ts';
import { startReceiver } from './otlp-receiver.ts';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const SIGNAL_PATHS = ['/v1/metrics', '/v1/logs', '/v1/traces'];

function runService(env: Readonly<Record<string, string>>): Child {
  const register = new URL('../../src/register/index.ts', import.meta.url).href;
  const service = new Child(process.execPath, ['--import', register, 'test/register/services/tripping.ts'], {
    cwd: ROOT,
    env: { OTEL_SERVICE_NAME: undefined, OTEL_RESOURCE_ATTRIBUTES: undefined, ...env },
  });
  closers.push(() => service.end());
  return service;
}

/** Runs a service whose breaker trips until it has sent everything; each text that went up, by its path. */
async function sentBy(env: Readonly<Record<string, string>>): Promise<Map<string, string[]>> {
  const receiver = await startReceiver();
  closers.push(() => receiver.close());
  const service = runService({ SWITCHGEAR_URL: receiver.url, SWITCHGEAR_TOKEN: 'agent-secret', ...env });
  await service.waitForOutput(/tripped/);
  await service.waitUntil('the inventory', () => receiver.at('/v1/opamp').length > 0);
  await service.end();
  return new Map(
    [...SIGNAL_PATHS, '/v1/opamp'].map((path) => [path, receiver.at(path).map(({ body }) => body.toString('latin1'))]),
  );
}

test('metrics, logs, traces and the inventory come from one service instance, in all its attributes', async () => {
  const identity = {
    'service.name': 'shop-service',
    'service.namespace': 'trade-namespace',
    'service.version': '1.2.3-rc.4',
    'service.instance.id': 'instance-4711',
  };
  const environment = 'staging-environment';
  const sent = await sentBy({
    OTEL_SERVICE_NAME: identity['service.name'],
    OTEL_RESOURCE_ATTRIBUTES: [
      ...Object.entries({ ...identity, 'service.name': 'overruled' }).map((pair) => pair.join('=')),
      `deployment.environment.name=${environment}`,
    ].join(),
  });
  for (const [path, texts] of sent) {
    expect(texts.length, path).toBeGreaterThan(0);
    for (const [key, value] of Object.entries(identity)) {
      expect(
        texts.every((text) => path === '/v1/opamp' || (text.includes(key) && text.includes(value))),
        `${path} ${key}`,
      ).toBe(true);
      expect(texts.join(), `${path} ${key}`).toContain(value);
    }
    expect(texts.join(), path).not.toContain('overruled');
    expect(texts.join(), path).toContain(environment);
  }
});

test('where the environment says nothing they have the same new instance id, and the name of the package', async () => {
  const sent = await sentBy({});
  const ids = [...sent.values()].map((texts) => {
    const found = texts.join().match(/service\.instance\.id.{0,40}?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/s);
    return found?.[1];
  });
  expect(ids[0]).toBeDefined();
  expect(new Set(ids).size).toBe(1);
  for (const [path, texts] of sent) {
    expect(texts.join(), path).toMatch(/service\.name.{0,40}switchgear/s);
    expect(texts.join(), path).not.toContain('unknown_service');
  }
});

describe('the control plane knows namespace, name, version, instance and environment', () => {
  const attributes = {
    'service.namespace': 'trade',
    'service.instance.id': 'shop-1',
    'service.version': '1.2.3',
    'deployment.environment.name': 'staging',
  };
  const noTelemetry = { OTEL_METRICS_EXPORTER: 'none', OTEL_LOGS_EXPORTER: 'none', OTEL_TRACES_EXPORTER: 'none' };

  test.each([
    ['from the link alone', noTelemetry, true],
    ['from the telemetry alone', { SWITCHGEAR_URL: '', SWITCHGEAR_TOKEN: '' }, false],
  ])('%s', async (_, way, connected) => {
    const controlPlane = await ControlPlaneProcess.start();
    closers.push(() => controlPlane.stop());
    runService({
      ...controlPlane.serviceEnvironment,
      OTEL_SERVICE_NAME: 'shop',
      OTEL_RESOURCE_ATTRIBUTES: Object.entries(attributes)
        .map((pair) => pair.join('='))
        .join(),
      OTEL_EXPORTER_OTLP_ENDPOINT: controlPlane.url,
      OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer ${controlPlane.agentToken}`,
      OTEL_METRIC_EXPORT_INTERVAL: '100',
      ...way,
    });
    const agent = await waitUntil('the agent', async () => {
      const { items } = await controlPlane.api<ListBody<object>>('GET', 'agents');
      return items[0];
    });
    expect(agent).toMatchObject({
      service: 'trade/shop',
      instance: 'shop-1',
      version: '1.2.3',
      environment: 'staging',
      connected,
    });
  });
});
