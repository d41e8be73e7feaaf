import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Alertmanager } from '../support/alertmanager.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/folders.ts';
import { type MetricsServer, startMetricsServer } from '../support/metrics-server.ts';
import { Prometheus } from '../support/prometheus.ts';
import { describeWithTool } from '../support/tools.ts';
import { Webhook } from '../support/webhook.ts';

/** The parts that the other end-to-end tests stand on, shown to work with nothing of Switchgear between them. */
describeWithTool('Prometheus', { name: 'prometheus', debianPackage: 'prometheus' }, () => {
  describeWithTool(
    'and Alertmanager',
    { name: 'prometheus-alertmanager', debianPackage: 'prometheus-alertmanager' },
    () => {
      let folder: TemporaryFolder;
      let metrics: MetricsServer;
      let webhook: Webhook;
      let alertmanager: Alertmanager;
      let prometheus: Prometheus;

      beforeAll(async () => {
        folder = temporaryFolder('rules');
        metrics = await startMetricsServer('pressure{valve="a"} 1\n');
        webhook = await Webhook.start();
        alertmanager = await Alertmanager.start({ webhookUrl: webhook.url });
        const rules = join(folder.path, 'rules.yaml');
        const rule = {
          alert: 'PressureHigh',
          expr: 'pressure > 5',
          annotations: { summary: 'valve {{ $labels.valve }}' },
        };
        writeFileSync(rules, JSON.stringify({ groups: [{ name: 'test', rules: [rule] }] }));
        prometheus = await Prometheus.start({
          scrape_configs: [{ job_name: 'boiler', static_configs: [{ targets: [metrics.target] }] }],
          rule_files: [rules],
          alertmanagers: [alertmanager.address],
        });
      });

      afterAll(async () => {
        await prometheus?.stop();
        await alertmanager?.stop();
        await webhook?.stop();
        await metrics?.stop();
        folder?.remove();
      });

      test('a scraped sample can be queried, with its target and its labels', async () => {
        await prometheus.waitForTargets();
        expect(await prometheus.waitForQuery('pressure')).toEqual([
          { metric: { __name__: 'pressure', valve: 'a', job: 'boiler', instance: metrics.target }, value: 1 },
        ]);
        expect(await prometheus.series('{job="boiler",__name__="pressure"}')).toHaveLength(1);
        expect(await prometheus.query('vector(4) > 5')).toEqual([]);
        await expect(prometheus.query('not a query')).rejects.toThrow('parse error');
      });

      test('an alert reaches the webhook, and resolves there', async () => {
        metrics.show('pressure{valve="a"} 9\n');
        const fired = await webhook.waitFor('PressureHigh firing', ({ status }) => status === 'firing');
        expect(fired).toMatchObject({
          labels: { alertname: 'PressureHigh', valve: 'a' },
          annotations: { summary: 'valve a' },
        });
        expect((await prometheus.alerts()).map(({ state }) => state)).toEqual(['firing']);
        metrics.show('pressure{valve="a"} 2\n');
        const resolved = await webhook.waitFor('PressureHigh resolved', ({ status }) => status === 'resolved');
        expect(resolved.labels).toEqual(fired.labels);
        expect(await prometheus.alerts()).toEqual([]);
      });
    },
  );

  test('a configuration it refuses is an error that shows why', async () => {
    const wrong = Prometheus.start({ scrape_configs: [{ job_name: '', static_configs: [] }] });
    await expect(wrong).rejects.toThrow('job_name is empty');
  });
});
