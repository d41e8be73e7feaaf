import { expect, test } from 'vitest';
import { createBreaker } from '../../src/breaker/index.ts';
import { ManualClock } from '../../src/breaker/testing.ts';

/** A breaker that was forced open was exported as closed: an override that ran out on the way brought all the traffic back. */
test('a breaker whose lockout ran out between two processes probes before it closes', async () => {
  const clock = new ManualClock();
  const options = { clock, telemetry: 'off', halfOpen: { probes: 2 } } as const;
  const before = createBreaker('before', options);
  const expiresAt = new Date(clock.wallMs() + 1_000).toISOString();
  before.holdIn({ mode: 'forced_open', reason: 'why', actor: 'who', expiresAt });
  const snapshot = JSON.parse(JSON.stringify(before.exportState()));
  await clock.advance(1_000);
  const after = createBreaker('after', options);
  after.importState(snapshot);
  expect(after.state).toBe('half_open');
  await after.execute(() => 'well');
  await after.execute(() => 'well');
  expect(after.state).toBe('closed');
  await before.close();
  await after.close();
});
