import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { type ControlLink, connectControlPlane, keyedBreakers } from '../../src/breaker/index.ts';
import { ManualClock } from '../../src/breaker/testing.ts';
import { closeBreakersAfterEach, ending, fails, failTimes, makeBreaker, NO_RULE } from '../breaker/support.ts';

closeBreakersAfterEach();

const RULES = { trip: { ...NO_RULE, failures: 3 } } as const;

/**
 * Polly#259: one breaker for all nodes of a dependency, so that a bad one takes the good ones away. gobreaker and mollitia
 * keep a shared state in a store that each call asks, so that a slow store makes every call slow.
 */
describe('state that is shared no further than it holds', () => {
  test('a bad node opens its own breaker, and the other nodes of its group go on', async () => {
    const nodes = keyedBreakers('nodes', { ...RULES, clock: new ManualClock(), telemetry: 'off' });
    for (let round = 0; round < 20; round++) {
      for (const node of ['a', 'b', 'c']) await ending(nodes.get(node).execute(node === 'b' ? fails : () => 'good'));
    }
    expect(['a', 'b', 'c'].map((node) => nodes.get(node).state)).toEqual(['closed', 'open', 'closed']);
    expect(nodes.stats().calls).toMatchObject({ success: 40, failure: 3, rejected: 17 });
    await nodes.close();
  });

  test('breakers of the same settings and clock share neither window nor state', async () => {
    const clock = new ManualClock();
    const [bad, good] = [makeBreaker({ ...RULES, clock }), makeBreaker({ ...RULES, clock })];
    await failTimes(good.breaker, 2);
    await failTimes(bad.breaker, 3);
    expect([bad.breaker.state, good.breaker.state]).toEqual(['open', 'closed']);
    bad.breaker.configure({ trip: { failures: 1 } });
    expect(good.breaker.settings.trip.failures).toBe(3);
  });
});

describe('a call waits for nobody but its dependency', () => {
  let server: Server | undefined;
  const links: ControlLink[] = [];

  afterEach(async () => {
    server?.closeAllConnections();
    server?.close();
    await Promise.all(links.splice(0).map((link) => link.close()));
  });

  test.each([
    ['that never answers', () => {}],
    ['that refuses every message', (respond: (status: number) => void) => respond(503)],
  ])('not for a control plane %s: the function runs before execute returns', async (_, answer) => {
    const asked = Promise.withResolvers<void>();
    server = createServer((_request, response) => {
      asked.resolve();
      answer((status) => response.writeHead(status).end());
    });
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const service = { name: 'shop', instanceId: 'shop-1' };
    links.push(connectControlPlane({ url: `http://127.0.0.1:${port}`, service, onProblem: () => {} }));
    const { breaker } = makeBreaker(RULES);
    await asked.promise;

    let ran = 0;
    const call = breaker.execute(() => ++ran);
    expect(ran).toBe(1);
    expect(await call).toBe(1);
    await failTimes(breaker, 3);
    expect(breaker.state).toBe('open');
    expect(() => breaker.executeSync(() => ++ran)).toThrow('is open');
  });
});
