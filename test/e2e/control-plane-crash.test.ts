import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ControlPlaneProcess, type ListBody, type SeenEvent } from '../support/control-plane.ts';
import { waitUntil } from '../support/deadline.ts';
import { type Dependency, startDependency } from '../support/dependency.ts';
import { type Fared, GuardedService } from '../support/guarded-service.ts';

interface AuditItem {
  readonly actor: string;
  readonly action: string;
  readonly breaker: string;
  readonly reason: string;
}

describe('a control plane that is killed during traffic', () => {
  let controlPlane: ControlPlaneProcess;
  let dependency: Dependency;
  let service: GuardedService;
  let eventsBefore: readonly SeenEvent[];
  let auditBefore: readonly AuditItem[];
  let atCrash: Fared;

  beforeAll(async () => {
    [controlPlane, dependency] = await Promise.all([ControlPlaneProcess.start(), startDependency()]);
    const env = controlPlane.serviceEnvironment;
    service = await GuardedService.start({ name: 'shop', dependencyUrl: dependency.url, env });
  });

  afterAll(async () => {
    await service?.stop();
    await Promise.all([controlPlane?.stop(), dependency?.stop()]);
  });

  const audit = async () => (await controlPlane.api<ListBody<AuditItem>>('GET', 'audit?limit=1000')).items;

  test('it has events, an override that is applied, and an audit', async () => {
    await controlPlane.waitForBreaker('shop', 'payments', ({ state }) => state === 'closed');
    dependency.turn('/payments', 'failing');
    await controlPlane.waitForBreaker('shop', 'payments', ({ state }) => state === 'open');
    dependency.turn('/payments', 'well');
    await waitUntil('the reset in the history', async () => {
      const resets = await controlPlane.events({ breaker: 'payments', event: 'breaker.reset' });
      return resets.length > 0;
    });

    const startedAt = performance.now();
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
    await controlPlane.api('PUT', 'breakers/shop/inventory/override', {
      mode: 'forced_open',
      reason: 'stocktaking',
      expiresAt,
    });
    await service.waitFor('the override', ({ inventory }) => inventory === 'forced_open');
    expect(performance.now() - startedAt, 'an override reaches the breaker within a second').toBeLessThan(1_000);
    await controlPlane.waitForBreaker('shop', 'inventory', ({ delivery }) => delivery.applied === 1);

    // Taken a moment before the crash: all of it was acknowledged.
    eventsBefore = await controlPlane.events();
    auditBefore = await audit();
    expect(eventsBefore.map(({ event }) => event)).toEqual(expect.arrayContaining(['breaker.trip', 'breaker.reset']));
    expect(auditBefore).toEqual([
      expect.objectContaining({ actor: 'operator', breaker: 'inventory', reason: 'stocktaking' }),
    ]);
  });

  test('while it is gone the service goes on: calls are answered, breakers still trip and reset, the override holds', async () => {
    atCrash = await service.fared();
    await controlPlane.crash();
    await service.waitFor('50 more answers', ({ answered }) => answered > atCrash.answered + 50);
    expect((await service.fared()).errors).toBe(atCrash.errors);

    dependency.turn('/payments', 'failing');
    await service.waitFor('a trip without a control plane', ({ payments }) => payments === 'open');
    dependency.turn('/payments', 'well');
    await service.waitFor('a reset without a control plane', ({ payments }) => payments === 'closed');
    const { inventory, fallbacks } = await service.fared();
    expect(inventory).toBe('forced_open');
    expect(fallbacks).toBeGreaterThan(atCrash.fallbacks);
    expect(service.child.isRunning).toBe(true);
  });

  test('after its restart events, overrides and audit are there', async () => {
    await controlPlane.restart();
    const eventIds = new Set((await controlPlane.events()).map(({ id }) => id));
    expect(eventsBefore.filter(({ id }) => !eventIds.has(id))).toEqual([]);
    expect(await audit()).toEqual(auditBefore);
    expect((await controlPlane.breaker('shop', 'inventory')).override).toMatchObject({
      mode: 'forced_open',
      reason: 'stocktaking',
      actor: 'operator',
    });
  });

  test('it learns the state of every breaker again, and can steer it', async () => {
    await controlPlane.waitForBreaker('shop', 'payments', ({ state }) => state === 'closed', { deadlineMs: 40_000 });
    await controlPlane.waitForBreaker(
      'shop',
      'inventory',
      ({ state, delivery }) => state === 'forced_open' && delivery.applied === 1,
      { deadlineMs: 40_000 },
    );
    await controlPlane.api('DELETE', 'breakers/shop/inventory/override', { reason: 'stock counted' });
    await service.waitFor('the release', ({ inventory }) => inventory === 'closed');
    expect((await audit()).map(({ reason }) => reason)).toEqual(['stock counted', 'stocktaking']);
  });

  test('nothing that was buffered is lost', async () => {
    const { asked, errors } = await service.fared();
    const settled = ({ wires }: { wires: readonly { depth: number }[] }) => wires[0]!.depth === 0;
    await controlPlane.waitForBreaker('shop', 'payments', settled);
    await service.waitFor('later calls', (fared) => fared.asked > asked + 20);
    const charged = dependency.served('/payments');
    const missing = Array.from({ length: asked }, (_, index) => String(index + 1)).filter((id) => !charged.has(id));
    expect(missing, 'only calls whose callers got an error were never charged').toHaveLength(errors);
  });
});
