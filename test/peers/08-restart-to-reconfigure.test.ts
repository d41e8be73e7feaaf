import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ControlLink, connectControlPlane } from '../../src/breaker/index.ts';
import { OpampServer } from '../breaker/control/opamp-server.ts';
import { closeBreakersAfterEach, ending, failTimes, makeBreaker, NO_RULE } from '../breaker/support.ts';

let server: OpampServer;
let link: ControlLink;

beforeEach(async () => {
  server = new OpampServer();
  link = connectControlPlane({ url: await server.start(), service: { name: 'shop', instanceId: 'shop-1' } });
});

closeBreakersAfterEach();

afterEach(async () => {
  await link.close();
  await server.stop();
});

/**
 * resilience4j#299 and #1116: settings are read once; others take a restart of the process, or a new breaker in place of the
 * old one, which forgets what the old one knew and whom it told.
 */
describe('settings change while it runs', () => {
  test('from afar, in the midst of an outage, and nothing that it knew is lost', async () => {
    const { breaker, clock } = makeBreaker({ trip: { ...NO_RULE, failures: 5 }, cooldownMs: 1_000 }, 'payments');
    const heard: string[] = [];
    breaker.onTransition(({ to }) => heard.push(to));
    await failTimes(breaker, 4);
    const config = { trip: { failures: 6 }, cooldownMs: 60_000, halfOpen: { probes: 1 } };
    server.desire({ payments: { revision: 1, config } }, 1);
    const applied = (revision: number) =>
      server.until(({ inventory }) => inventory?.breakers.payments?.applied?.revision === revision);
    await applied(1);
    expect(breaker.exportState().window).toMatchObject({ executed: 4, failed: 4 });
    await failTimes(breaker, 1);
    expect(breaker.state).toBe('closed');
    await failTimes(breaker, 1);
    expect(await ending(breaker.execute(() => 1))).toMatchObject({ code: 'BREAKER_OPEN', retryAfterMs: 60_000 });

    server.desire({ payments: { revision: 2, config: { ...config, cooldownMs: 500 } } }, 2);
    await applied(2);
    expect(breaker.state).toBe('open');
    await clock.advance(60_000);
    await breaker.execute(() => 'well');
    expect(heard).toEqual(['open', 'half_open', 'closed']);
    expect(breaker.stats().calls).toMatchObject({ failure: 6, rejected: 1, success: 1 });

    server.desire({}, 3);
    await expect.poll(() => breaker.settings.cooldownMs).toBe(1_000);
    await failTimes(breaker, 4);
    expect(breaker.state).toBe('closed');
  });
});
