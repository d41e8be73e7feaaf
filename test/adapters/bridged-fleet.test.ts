import { bridgeCockatiel } from '@switchgear/adapters/cockatiel';
import { bridgeOpossum } from '@switchgear/adapters/opossum';
import { allReportedBreakers, type ControlLink, connectControlPlane } from '@switchgear/breaker';
import { ConsecutiveBreaker, circuitBreaker, handleAll } from 'cockatiel';
import CircuitBreaker from 'opossum';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AGENT, type Started, startControlPlane } from '../control-plane/app/support.ts';
import { waitUntil } from '../support/deadline.ts';

const opossum = new CircuitBreaker(async (item: string) => item, { name: 'stock' });
const cockatiel = circuitBreaker(handleAll, { halfOpenAfter: 1_000, breaker: new ConsecutiveBreaker(3) });
let plane: Started;
let link: ControlLink;

beforeAll(async () => {
  plane = await startControlPlane();
  bridgeOpossum(opossum);
  bridgeCockatiel(cockatiel, { name: 'prices' });
  link = connectControlPlane({ url: plane.url, token: AGENT, service: { name: 'shop', instanceId: 'shop-1' } });
  await seen('stock', ({ settings }) => settings !== null);
});
afterAll(async () => {
  await link.close();
  for (const bridge of allReportedBreakers()) await bridge.close();
  opossum.shutdown();
  await plane.controlPlane.stop();
});

interface SeenInstance {
  readonly state: string;
  readonly settings: unknown;
  readonly applied: { readonly revision: number; readonly status: string; readonly error?: string } | null;
}

/** Waits until the control plane sees the one instance of a breaker so. */
function seen(breaker: string, holds: (instance: SeenInstance) => boolean): Promise<SeenInstance> {
  return waitUntil(`${breaker} as the control plane sees it`, async () => {
    const { body } = await plane.ask('GET', `/api/v1/breakers/shop/${breaker}`);
    const instance: SeenInstance | undefined = body.byInstance?.[0];
    return instance && holds(instance) ? instance : undefined;
  });
}

async function want(method: string, path: string, body: unknown): Promise<number> {
  const answer = await plane.ask(method, `/api/v1/breakers/shop/${path}`, { body });
  expect(answer.status).toBeLessThan(300);
  return answer.body.revision;
}

const reason = 'drill';
const lockout = () => ({ mode: 'forced_open', reason, expiresAt: new Date(Date.now() + 60_000).toISOString() });

test('opossum is tripped, reset, locked out and let go of from the control plane', async () => {
  const reported = (revision: number) => (instance: SeenInstance) => instance.applied?.revision === revision;
  await seen('stock', reported(await want('POST', 'stock/trip', { reason })));
  expect(opossum.opened).toBe(true);
  await seen('stock', reported(await want('POST', 'stock/reset', { reason })));
  expect(opossum.closed).toBe(true);
  const { state, applied } = await seen('stock', reported(await want('PUT', 'stock/override', lockout())));
  expect([state, applied?.status]).toEqual(['forced_open', 'applied']);
  await expect(opossum.fire('pear')).rejects.toThrow('Breaker is open');
  await seen('stock', reported(await want('DELETE', 'stock/override', { reason })));
  expect(opossum.opened).toBe(true);
});

test('cockatiel is locked out and let go of, and says that it cannot be tripped', async () => {
  await want('PUT', 'prices/override', lockout());
  await seen('prices', ({ state }) => state === 'forced_open');
  await expect(cockatiel.execute(() => 'pear')).rejects.toThrow('circuit breaker is open');
  await want('DELETE', 'prices/override', { reason });
  await seen('prices', ({ state }) => state === 'closed');
  const revision = await want('POST', 'prices/trip', { reason });
  const { applied } = await seen('prices', (instance) => instance.applied?.revision === revision);
  expect(applied).toMatchObject({ status: 'failed', error: expect.stringContaining('has no way to') });
});

test('settings for them are refused by the instance, with the reason', async () => {
  const revision = await want('PUT', 'stock/config', { cooldownMs: 5_000 });
  const { applied } = await seen('stock', (instance) => instance.applied?.revision === revision);
  expect(applied).toMatchObject({ status: 'failed', error: expect.stringContaining('goes by its own settings') });
});
