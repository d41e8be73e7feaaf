import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { alerts, DEFAULT_CONFIG } from '../../src/mixin/index.ts';
import { describeWithTool } from '../support/tools.ts';
import { composeFile, ROOT, readYaml } from './compose-file.ts';

const run = promisify(execFile);

describeWithTool('Prometheus of the stack', { name: 'promtool', debianPackage: 'prometheus' }, (promtool) => {
  test('promtool accepts its configuration, with the generated rules', async () => {
    const { stdout } = await run(promtool, ['check', 'config', join(ROOT, 'dashboards/prometheus.yaml')]);
    expect(stdout).toContain('2 rule files found');
  });

  test('it scrapes services of the stack, and keeps the labels of the services behind the collector', () => {
    const { scrape_configs: jobs } = readYaml('dashboards/prometheus.yaml') as {
      scrape_configs: { job_name: string; honor_labels?: boolean; static_configs: { targets: string[] }[] }[];
    };
    const hosts = jobs
      .flatMap((job) => job.static_configs.flatMap(({ targets }) => targets))
      .map((t) => t.split(':')[0]!);
    for (const host of hosts) expect(['127.0.0.1', ...Object.keys(composeFile().services)]).toContain(host);
    expect(jobs.find((job) => job.job_name === 'services')?.honor_labels).toBe(true);
  });
});

describeWithTool(
  'Alertmanager of the stack',
  { name: 'amtool', debianPackage: 'prometheus-alertmanager' },
  (amtool) => {
    const file = join(ROOT, 'dashboards/alertmanager.yaml');

    test('amtool accepts its configuration', async () => {
      const { stdout } = await run(amtool, ['check-config', file]);
      expect(stdout).toContain('SUCCESS');
    });

    test.each(alerts(DEFAULT_CONFIG).flatMap(({ rules }) => rules.map(({ alert, labels }) => ({ alert, ...labels }))))(
      '$alert reaches the operators at the pace of its severity',
      async ({ alert, severity }) => {
        const labels = [`alertname=${alert}`, `severity=${severity}`, 'job=shop', 'breaker_name=payments'];
        const { stdout } = await run(amtool, ['config', 'routes', 'test', `--config.file=${file}`, ...labels]);
        expect(stdout.trim()).toBe(severity === 'critical' ? 'operators-urgent' : 'operators');
      },
    );
  },
);
