import { afterEach, expect, test } from 'vitest';
import { allBreakers, connectControlPlane, createBreaker } from '../../src/breaker/index.ts';
import { OpampServer } from '../breaker/control/opamp-server.ts';

afterEach(async () => {
  for (const breaker of allBreakers()) await breaker.close();
});

/** An override out of a snapshot was taken for an operator's of this process, which the control plane leaves alone. */
test('the control plane ends an override that came with a snapshot as its own', async () => {
  const override = {
    mode: 'forced_open',
    reason: 'why',
    actor: 'who',
    expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
  } as const;
  const before = createBreaker('before', { telemetry: 'off' });
  before.holdIn(override, { reason: 'desired_state', revision: 1 });
  const after = createBreaker('after', { telemetry: 'off' });
  after.importState(JSON.parse(JSON.stringify(before.exportState())));
  expect(after.state).toBe('forced_open');

  const server = new OpampServer();
  const link = connectControlPlane({ url: await server.start(), service: { name: 's', instanceId: 'i' } });
  server.desire({}, 2);
  await expect.poll(() => after.state).toBe('half_open');
  await link.close();
  await server.stop();
});
