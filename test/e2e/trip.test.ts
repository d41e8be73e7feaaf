import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Alertmanager } from '../support/alertmanager.ts';
import { ControlPlaneProcess } from '../support/control-plane.ts';
import { dashboardQueries } from '../support/dashboards.ts';
import { type Dependency, startDependency } from '../support/dependency.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/folders.ts';
import { GuardedService } from '../support/guarded-service.ts';
import { ROOT } from '../support/processes.ts';
import { Prometheus } from '../support/prometheus.ts';
import { QUICK_PACE, writeQuickAlerts } from '../support/quick-rules.ts';
import { describeWithTool } from '../support/tools.ts';
import { type ReceivedAlert, Webhook } from '../support/webhook.ts';

const prometheusTool = { name: 'prometheus', debianPackage: 'prometheus' };
const alertmanagerTool = { name: 'prometheus-alertmanager', debianPackage: 'prometheus-alertmanager' };

describeWithTool('a trip travels end to end', prometheusTool, () => {
  describeWithTool('through Prometheus and Alertmanager', alertmanagerTool, () => {
    let folder: TemporaryFolder;
    let controlPlane: ControlPlaneProcess;
    let dependency: Dependency;
    let service: GuardedService;
    let webhook: Webhook;
    let alertmanager: Alertmanager;
    let prometheus: Prometheus;
    let startedAt: number;

    beforeAll(async () => {
      folder = temporaryFolder('trip');
      [controlPlane, dependency, webhook] = await Promise.all([
        ControlPlaneProcess.start(),
        startDependency(),
        Webhook.start(),
      ]);
      alertmanager = await Alertmanager.start({ webhookUrl: webhook.url });
      const env = controlPlane.serviceEnvironment;
      service = await GuardedService.start({ name: 'shop', dependencyUrl: dependency.url, env });
      startedAt = Math.floor(Date.now() / 1_000);
      prometheus = await Prometheus.start({
        scrape_configs: [{ job_name: 'shop', static_configs: [{ targets: [service.prometheusTarget] }] }],
        rule_files: ['rules.yaml', 'alerts.yaml']
          .map((file) => join(ROOT, 'dashboards', file))
          .concat(writeQuickAlerts(folder.path)),
        alertmanagers: [alertmanager.address],
      });
      await prometheus.waitForTargets();
    });

    afterAll(async () => {
      await prometheus?.stop();
      await alertmanager?.stop();
      await service?.stop();
      await Promise.all([controlPlane?.stop(), dependency?.stop(), webhook?.stop()]);
      folder?.remove();
    });

    const isTripAlert = ({ labels }: ReceivedAlert) =>
      labels.alertname === 'BreakerTripped' && labels.job === 'shop' && labels.breaker_name === 'payments';
    const isQuick = ({ labels }: ReceivedAlert) => labels.pace === QUICK_PACE.pace;

    test('before the fault every breaker is closed, for the control plane and for Prometheus', async () => {
      await service.waitFor('some calls', ({ answered }) => answered > 40);
      for (const breaker of ['payments', 'inventory']) {
        const seen = await controlPlane.waitForBreaker(
          'shop',
          breaker,
          ({ state, calls }) => state === 'closed' && calls.success! > 0,
        );
        expect(seen.instances).toEqual({ live: 1, stale: 0, gone: 0 });
      }
      const closed = await prometheus.waitForQuery(
        'breaker_status{breaker_state="closed"} == 1',
        (rows) => rows.length === 2,
      );
      expect(closed.map(({ metric }) => metric.breaker_name).sort()).toEqual(['inventory', 'payments']);
      expect(await prometheus.alerts()).toEqual([]);
    });

    test('a fault trips the breaker, and the control plane shows it open with what its wire took', async () => {
      dependency.turn('/payments', 'failing');
      const seen = await controlPlane.waitForBreaker(
        'shop',
        'payments',
        ({ state, wires }) => state === 'open' && wires[0]!.depth > 0,
      );
      expect(seen.calls.failure).toBeGreaterThan(0);
      expect((await controlPlane.breaker('shop', 'inventory')).state).toBe('closed');
      expect((await controlPlane.waitForEvent('breaker.trip', 'payments')).service).toBe('shop');
      await prometheus.waitForQuery('breaker_status{breaker_name="payments",breaker_state="open"} == 1');
    });

    test('BreakerTripped reaches the webhook through Alertmanager, as shipped', async () => {
      const shipped = await webhook.waitFor(
        'the shipped BreakerTripped',
        (alert) => isTripAlert(alert) && !isQuick(alert),
        {
          deadlineMs: 45_000,
        },
      );
      expect(shipped.status).toBe('firing');
      expect(shipped.labels.severity).toBe('warning');
      expect(shipped.annotations.summary).toBe('Breaker payments of shop tripped');
      expect(shipped.annotations.runbook_url).toMatch(/#breakertripped$/);
      await webhook.waitFor('the quick BreakerTripped', (alert) => isTripAlert(alert) && isQuick(alert));
      expect(webhook.alerts.filter(({ labels }) => labels.breaker_name === 'inventory')).toEqual([]);
    });

    test('the end of the fault resets the breaker and drains the wire: every receipt is honoured', async () => {
      dependency.turn('/payments', 'well');
      const seen = await controlPlane.waitForBreaker(
        'shop',
        'payments',
        ({ state, wires }) => state === 'closed' && wires[0]!.depth === 0 && wires[0]!.replayed > 0,
        { deadlineMs: 60_000 },
      );
      expect(seen.wires[0]).toMatchObject({ name: 'buffer', dropped: 0 });
      expect((await controlPlane.waitForEvent('breaker.reset', 'payments')).service).toBe('shop');

      const { asked, errors } = await service.fared();
      await service.waitFor(
        'calls after the drain',
        (fared) => fared.asked > asked + 20 && fared.payments === 'closed',
      );
      const charged = dependency.served('/payments');
      const missing = Array.from({ length: asked }, (_, index) => String(index + 1)).filter((id) => !charged.has(id));
      expect(missing, 'only calls whose callers got an error were never charged').toHaveLength(errors);
    });

    test('the alert resolves at the webhook once the trip is past', async () => {
      const resolved = await webhook.waitFor(
        'BreakerTripped resolved',
        (alert) => isTripAlert(alert) && isQuick(alert) && alert.status === 'resolved',
        { deadlineMs: 60_000 },
      );
      expect(resolved.annotations.summary).toBe('Breaker payments of shop tripped');
    });

    test('a trip of a breaker with a fallback serves every caller from it', async () => {
      dependency.turn('/inventory', 'failing');
      await controlPlane.waitForBreaker('shop', 'inventory', ({ state }) => state === 'open');
      const { fallbacks, errors } = await service.fared();
      await service.waitFor('fallbacks', (fared) => fared.fallbacks > fallbacks + 20);
      // A probe that fails is handed to the wire as well, so an open breaker's callers see no error at all.
      expect((await service.fared()).errors).toBe(errors);
      dependency.turn('/inventory', 'well');
      await controlPlane.waitForBreaker('shop', 'inventory', ({ state }) => state === 'closed');
    });

    describe('every panel has had something to show', () => {
      test.each(dashboardQueries('15s'))('$dashboard: $panel: $promql', async ({ promql }) => {
        const range = { start: startedAt, end: Math.ceil(Date.now() / 1_000), step: 1 };
        const rows = await prometheus.queryRange(promql, range);
        expect(rows.flatMap(({ values }) => values.filter(Number.isFinite)).length).toBeGreaterThan(0);
      });
    });
  });
});
