import { expect, test } from 'vitest';
import { connectControlPlane } from '../../src/breaker/index.ts';
import { OpampServer } from '../breaker/control/opamp-server.ts';

/** A server that answers a poll at once, as the OpAMP specification allows, was asked again at once, thousands of times a second. */
test('a control plane that does not hold polls is asked about once a second', async () => {
  const server = new OpampServer();
  server.holds = false;
  const link = connectControlPlane({ url: await server.start(), service: { name: 's', instanceId: 'i' } });
  await server.until((received) => received.wait > 0);
  const from = server.received.length;
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(server.received.length - from).toBeLessThanOrEqual(1);
  await link.close();
  await server.stop();
});
