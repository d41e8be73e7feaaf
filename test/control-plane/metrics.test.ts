import { expect, test } from 'vitest';
import { Fleet } from '../../src/control-plane/fleet/fleet.ts';
import { createMetrics } from '../../src/control-plane/metrics.ts';
import { agent, START, status } from './fleet/observations.ts';

test('a scrape counts the fleet once, and the next one counts it anew', async () => {
  const fleet = new Fleet({ now: () => START });
  let counted = 0;
  const { registry, watch } = createMetrics();
  watch({
    fleet: {
      stats() {
        counted += 1;
        return fleet.stats();
      },
    },
    opampConnected: () => 0,
    opampHeld: () => 0,
    streamClients: () => 0,
    streamDropped: () => 0,
    revision: () => 0,
  });
  const scrape = async () => {
    const text = await registry.metrics();
    await new Promise((resolve) => setImmediate(resolve));
    return text;
  };

  expect(await scrape()).toContain('switchgear_breakers{state="open"} 0');
  expect(counted).toBe(1);
  fleet.apply(status(agent('a'), 'payments', 'open', START));
  const text = await scrape();
  expect(counted).toBe(2);
  for (const line of [
    'switchgear_services 1',
    'switchgear_breakers{state="open"} 1',
    'switchgear_breaker_instances{liveness="live"} 1',
    'switchgear_fleet_refused_total 0',
  ])
    expect(text).toContain(line);
});
