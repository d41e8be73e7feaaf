import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { Child, ROOT } from '../support/processes.ts';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** Takes every request, and answers none. */
async function startHanging() {
  const asked: (string | undefined)[] = [];
  const held = new Set<ServerResponse>();
  const server = createServer((request, response) => {
    asked.push(request.url);
    held.add(response);
    request.resume();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

test('a collector that never answers holds up no call, and the service ends by the signal all the same', async () => {
  const collector = await startHanging();
  const register = new URL('../../src/register/index.ts', import.meta.url).href;
  const service = new Child(process.execPath, ['--import', register, 'test/register/services/busy.ts'], {
    cwd: ROOT,
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_METRIC_EXPORT_INTERVAL: '50',
      OTEL_BSP_SCHEDULE_DELAY: '10',
      OTEL_BLRP_SCHEDULE_DELAY: '10',
      OTEL_BSP_MAX_QUEUE_SIZE: '64',
      OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '64',
      SWITCHGEAR_URL: collector.url,
      SWITCHGEAR_TOKEN: 'agent-secret',
    },
  });
  closers.push(() => service.end());
  await service.waitUntil('all signals at the collector', () =>
    ['/v1/metrics', '/v1/logs', '/v1/traces', '/v1/opamp'].every((path) => collector.asked.includes(path)),
  );
  // 2,000 calls, each of which failed with its own error.
  await service.waitForOutput(/2000 failed as they should/);
  await service.end(30_000);
  expect(await service.ended).toBeNull();
  expect(service.output).not.toMatch(/unhandled|UnhandledPromiseRejection/i);
}, 60_000);
