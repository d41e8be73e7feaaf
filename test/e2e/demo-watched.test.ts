import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Alertmanager } from '../support/alertmanager.ts';
import { dashboardQueries } from '../support/dashboards.ts';
import { DEMO_SERVICES, DemoRun } from '../support/demo.ts';
import { ROOT } from '../support/processes.ts';
import { Prometheus } from '../support/prometheus.ts';
import { describeWithTool } from '../support/tools.ts';
import { Webhook } from '../support/webhook.ts';

const prometheusTool = { name: 'prometheus', debianPackage: 'prometheus' };
const alertmanagerTool = { name: 'prometheus-alertmanager', debianPackage: 'prometheus-alertmanager' };

describeWithTool('the demo', prometheusTool, () => {
  describeWithTool('watched by Prometheus and Alertmanager', alertmanagerTool, () => {
    let demo: DemoRun;
    let webhook: Webhook;
    let alertmanager: Alertmanager;
    let prometheus: Prometheus;
    let startedAt: number;

    beforeAll(async () => {
      webhook = await Webhook.start();
      alertmanager = await Alertmanager.start({ webhookUrl: webhook.url });
      startedAt = Math.floor(Date.now() / 1_000);
      demo = new DemoRun(['--for', '36']);
      const { urls } = await demo.started();
      prometheus = await Prometheus.start({
        scrape_configs: Object.entries(urls.prometheus).map(([service, url]) => ({
          job_name: service,
          static_configs: [{ targets: [new URL(url).host] }],
        })),
        rule_files: ['rules.yaml', 'alerts.yaml'].map((file) => join(ROOT, 'dashboards', file)),
        alertmanagers: [alertmanager.address],
      });
      await prometheus.waitForTargets();
    });

    afterAll(async () => {
      await demo?.child.end(20_000);
      await prometheus?.stop();
      await alertmanager?.stop();
      await webhook?.stop();
    });

    test('its trips reach a webhook through the shipped alerts, which name service and breaker', async () => {
      const { labels, annotations } = await webhook.waitFor(
        'BreakerTripped',
        (alert) => alert.labels.alertname === 'BreakerTripped',
        { deadlineMs: 45_000 },
      );
      expect(DEMO_SERVICES).toContain(labels.job);
      expect(annotations.summary).toBe(`Breaker ${labels.breaker_name} of ${labels.job} tripped`);
    });

    test('each query of each panel had data of it', async () => {
      await demo.child.ended;
      const range = { start: startedAt, end: Math.ceil(Date.now() / 1_000), step: 1 };
      const empty: string[] = [];
      for (const { dashboard, panel, promql } of dashboardQueries('15s')) {
        const rows = await prometheus.queryRange(promql, range);
        if (!rows.some(({ values }) => values.some(Number.isFinite))) empty.push(`${dashboard}: ${panel}: ${promql}`);
      }
      expect(empty).toEqual([]);
    });
  });
});
