import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Alertmanager } from '../support/alertmanager.ts';
import type { ListBody, SeenBreaker, SeenEvent } from '../support/control-plane.ts';
import { dashboardQueries } from '../support/dashboards.ts';
import { waitUntil } from '../support/deadline.ts';
import { DEMO_SERVICES, Demo } from '../support/demo.ts';
import { ROOT } from '../support/processes.ts';
import { Prometheus } from '../support/prometheus.ts';
import { describeWithTool } from '../support/tools.ts';
import { Webhook } from '../support/webhook.ts';

const prometheusTool = { name: 'prometheus', debianPackage: 'prometheus' };
const alertmanagerTool = { name: 'prometheus-alertmanager', debianPackage: 'prometheus-alertmanager' };

describeWithTool('the demo', prometheusTool, () => {
  describeWithTool('watched by Prometheus and Alertmanager', alertmanagerTool, () => {
    let demo: Demo;
    let webhook: Webhook;
    let alertmanager: Alertmanager;
    let prometheus: Prometheus;
    let startedAt: number;

    beforeAll(async () => {
      webhook = await Webhook.start();
      alertmanager = await Alertmanager.start({ webhookUrl: webhook.url });
      startedAt = Math.floor(Date.now() / 1_000);
      demo = await Demo.start(45);
      const targets = Object.entries(demo.report().urls.prometheus).map(([service, url]) => ({
        job_name: service,
        static_configs: [{ targets: [new URL(url).host] }],
      }));
      prometheus = await Prometheus.start({
        scrape_configs: targets,
        rule_files: ['rules.yaml', 'alerts.yaml'].map((file) => join(ROOT, 'dashboards', file)),
        alertmanagers: [alertmanager.address],
      });
    });

    afterAll(async () => {
      await demo?.stop();
      await prometheus?.stop();
      await alertmanager?.stop();
      await webhook?.stop();
    });

    test('while it runs the control plane shows the breakers of all three services, with their states', async () => {
      const expected = demo.report().breakers.map(({ service, breaker }) => `${service}/${breaker}`);
      const seen = await waitUntil('every breaker, live', async () => {
        const { items } = await demo.api<ListBody<SeenBreaker>>('breakers');
        return items.length === expected.length && items.every(({ state }) => state !== null) && items;
      });
      expect(new Set(seen.map(({ service }) => service))).toEqual(new Set(DEMO_SERVICES));
      expect(seen.map(({ service, breaker }) => `${service}/${breaker}`).sort()).toEqual(expected.sort());
      await prometheus.waitForTargets();
    });

    test('its trips reach the control plane, and a webhook through the shipped alerts', async () => {
      await waitUntil('a trip in the history', async () => {
        const { items } = await demo.api<ListBody<SeenEvent>>('events?event=breaker.trip');
        return items.length > 0;
      });
      const alert = await webhook.waitFor('BreakerTripped', ({ labels }) => labels.alertname === 'BreakerTripped', {
        deadlineMs: 40_000,
      });
      expect(DEMO_SERVICES).toContain(alert.labels.job);
    });

    test('a control plane that is killed comes back with its history, and no service minds', async () => {
      const { pids } = demo.report();
      const { items: before } = await demo.api<ListBody<SeenEvent>>('events?limit=1000');
      process.kill(pids.controlPlane, 'SIGKILL');
      await demo.child.waitForOutput(/CONTROL PLANE is back/, { deadlineMs: 30_000 });
      const { items: after } = await demo.api<ListBody<SeenEvent>>('events?limit=1000');
      const ids = new Set(after.map(({ id }) => id));
      expect(before.length).toBeGreaterThan(0);
      expect(before.filter(({ id }) => !ids.has(id))).toEqual([]);
      const { controlPlane: _, ...others } = demo.report().pids;
      expect(others).toEqual(Object.fromEntries(Object.entries(pids).filter(([name]) => name !== 'controlPlane')));
    });

    test('it ends by itself with exit 0 and a summary that lost nothing', async () => {
      const code = await demo.child.ended;
      expect(demo.child.output).toContain('Summary');
      const { summary, reasons } = demo.report();
      expect(reasons).toEqual([]);
      expect(summary).toMatchObject({ lost: 0 });
      for (const key of ['trips', 'resets', 'diverted', 'replayed'] as const)
        expect(summary![key], key).toBeGreaterThan(0);
      expect(code).toBe(0);
    });

    test('each query of each panel had data of it', async () => {
      const range = { start: startedAt, end: Math.ceil(Date.now() / 1_000), step: 1 };
      const empty: string[] = [];
      for (const { dashboard, panel, promql } of dashboardQueries('15s')) {
        const rows = await prometheus.queryRange(promql, range);
        if (!rows.some(({ values }) => values.some(Number.isFinite))) empty.push(`${dashboard}: ${panel}: ${promql}`);
      }
      expect(empty).toEqual([]);
    });

    test('it leaves no process behind', () => {
      for (const [name, pid] of Object.entries(demo.report().pids)) {
        expect(() => process.kill(pid, 0), name).toThrow('ESRCH');
      }
    });
  });
});
