import { createBreaker } from '@switchgear/breaker';
import { ManualClock } from '@switchgear/breaker/testing';
import { expect, test } from 'vitest';

test('an override of the control plane is still its own to take off after an import', async () => {
  const clock = new ManualClock();
  const before = createBreaker('import-source-before', { clock, telemetry: 'off' });
  const expiresAt = new Date(clock.wallMs() + 60_000).toISOString();
  before.holdIn(
    { mode: 'forced_open', reason: 'migration', actor: 'ops', expiresAt },
    { reason: 'desired_state', revision: 3 },
  );
  const after = createBreaker('import-source-after', { clock, telemetry: 'off' });
  after.importState(JSON.parse(JSON.stringify(before.exportState())));
  expect(after.state).toBe('forced_open');
  expect(after.overrideSource).toBe('desired_state');
  await Promise.all([before.close(), after.close()]);
});
