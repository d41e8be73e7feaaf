import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { alerts, DEFAULT_CONFIG, recordingRules, runbookQueries } from '../../src/mixin/index.ts';
import {
  breakersIn,
  held,
  notClosed,
  SHADOW_STATES,
  STATE_WEIGHTS,
  TRIPPED_STATES,
  worstState,
} from '../../src/mixin/queries.ts';
import { describeWithTool } from '../support/tools.ts';
import { allDashboards, annotationQueries, dataPanels } from './dashboard-json.ts';
import { fillVariables, parsePromql } from './promql.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');

describeWithTool(
  'rules and alerts in the real promtool',
  { name: 'promtool', debianPackage: 'prometheus' },
  (promtool) => {
    test('Prometheus accepts the rule files', async () => {
      const files = ['dashboards/rules.yaml', 'dashboards/alerts.yaml'].map((file) => join(root, file));
      const { stdout } = await run(promtool, ['check', 'rules', '--lint-fatal', ...files]);
      expect(stdout).toContain('SUCCESS');
    });

    test('Prometheus accepts the type of every dashboard and runbook query, not only its grammar', async () => {
      const queries = [
        ...allDashboards()
          .flatMap(dataPanels)
          .flatMap(({ targets }) => targets.map(({ expr }) => expr)),
        ...allDashboards().flatMap(annotationQueries),
        ...runbookQueries(DEFAULT_CONFIG),
      ];
      const rules = queries.map((expr, index) => ({ record: `query_${index}`, expr: fillVariables(expr) }));
      const folder = mkdtempSync(join(tmpdir(), 'switchgear-queries-'));
      try {
        const file = join(folder, 'queries.yaml');
        writeFileSync(file, stringify({ groups: [{ name: 'queries', rules }] }));
        const { stdout } = await run(promtool, ['check', 'rules', file]);
        expect(stdout).toContain(`SUCCESS: ${queries.length} rules found`);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });

    test.each(['alerts', 'rules'])('the promtool tests of the %s pass', async (name) => {
      const { stdout } = await run(promtool, ['test', 'rules', join(import.meta.dirname, `promtool/${name}.yaml`)]);
      expect(stdout).toContain('SUCCESS');
    });

    test('a dashboard shows the worst state of a breaker with keys, however many of them are in a better one', async () => {
      const series = (breaker: string, counts: Record<string, number>) =>
        Object.entries(counts).map(([state, count]) => ({
          series: `breaker_status{job="shop", instance="a", breaker_name="${breaker}", breaker_state="${state}"}`,
          values: `${count}+0x4`,
        }));
      const scope = { matchers: '', window: '5m' };
      const sample = (labels: string, value: number) => ({ labels, value });
      const shop = (breaker: string) => `{job="shop", breaker_name="${breaker}"}`;
      await promql(
        [...series('tenants', { closed: 40, half_open: 3, open: 0 }), ...series('payments', { closed: 1, open: 0 })],
        [
          {
            expr: worstState(scope),
            exp_samples: [
              sample(shop('payments'), STATE_WEIGHTS.closed),
              sample(shop('tenants'), STATE_WEIGHTS.half_open),
            ],
          },
          { expr: breakersIn(scope, TRIPPED_STATES), exp_samples: [sample('{}', 1)] },
          {
            expr: notClosed(scope),
            exp_samples: [sample('{job="shop", breaker_name="tenants", breaker_state="half_open"}', 3)],
          },
        ],
      );
    });

    test('a fleet of breakers in shadow hides none that decides', async () => {
      const status = (breaker: string, state: string, count: number) => ({
        series: `breaker_status{job="shop", instance="a", breaker_name="${breaker}", breaker_state="${state}"}`,
        values: `${count}+0x4`,
      });
      const scope = { matchers: '', window: '5m' };
      const hosts = Array.from({ length: 50 }, (_, index) => `${index}.example.com`);
      await promql(
        [
          ...hosts.flatMap((host) => [status(host, 'shadow', 1), status(host, 'open', 0)]),
          status('payments', 'shadow', 0),
          status('payments', 'open', 1),
        ],
        [
          {
            expr: worstState(scope),
            exp_samples: [{ labels: '{job="shop", breaker_name="payments"}', value: STATE_WEIGHTS.open }],
          },
          {
            expr: notClosed(scope),
            exp_samples: [{ labels: '{job="shop", breaker_name="payments", breaker_state="open"}', value: 1 }],
          },
          { expr: breakersIn(scope, SHADOW_STATES), exp_samples: [{ labels: '{}', value: 50 }] },
        ],
      );
    });

    test('what a wire holds is the sum of its instances, and of a shared one what they all report', async () => {
      const series = (wire: string, depths: readonly number[]) =>
        depths.map((depth, instance) => ({
          series: `breaker_neutral_wire_depth{job="shop", instance="${instance}", breaker_name="mail", breaker_neutral_wire_name="${wire}"}`,
          values: `${depth}+0x4`,
        }));
      const sample = (wire: string, value: number) => ({
        labels: `{job="shop", breaker_name="mail", breaker_neutral_wire_name="${wire}"}`,
        value,
      });
      await promql(
        [
          ...series('buffer', [3, 4]),
          ...series('shared-buffer', [70, 68]),
          ...series('shared', [9, 9]),
          ...series('queue', [5, 5]),
        ],
        [
          {
            expr: held('wireDepth', { matchers: '', window: '5m' }, DEFAULT_CONFIG.sharedWires),
            exp_samples: [sample('buffer', 7), sample('queue', 10), sample('shared', 9), sample('shared-buffer', 70)],
          },
          {
            expr: held('wireDepth', { matchers: 'job="shop"', window: '5m' }, 'queue'),
            exp_samples: [sample('buffer', 7), sample('queue', 5), sample('shared', 18), sample('shared-buffer', 138)],
          },
        ],
      );
    });

    async function promql(
      series: readonly { series: string; values: string }[],
      expected: readonly { expr: string; exp_samples: readonly { labels: string; value: number }[] }[],
    ): Promise<void> {
      const folder = mkdtempSync(join(tmpdir(), 'switchgear-promql-'));
      try {
        const file = join(folder, 'test.yaml');
        const promql_expr_test = expected.map((one) => ({ ...one, eval_time: '1m' }));
        writeFileSync(file, stringify({ tests: [{ interval: '15s', input_series: series, promql_expr_test }] }));
        const { stdout } = await run(promtool, ['test', 'rules', file]);
        expect(stdout).toContain('SUCCESS');
      } finally {
        rmSync(folder, { recursive: true });
      }
    }

    test('every alert is tested firing and quiet, and every recording rule is tested', () => {
      const alertTests = alertCases();
      for (const { alert } of alerts(DEFAULT_CONFIG).flatMap((group) => group.rules)) {
        const cases = alertTests.filter((one) => one.alertname === alert);
        expect(
          cases.some((one) => one.exp_alerts.length > 0),
          `${alert} fires in a test`,
        ).toBe(true);
        expect(
          cases.some((one) => one.exp_alerts.length === 0),
          `${alert} is quiet in a test`,
        ).toBe(true);
      }
      const tested = ruleExpressions().flatMap((expr) => parsePromql(expr).metrics);
      for (const { record } of recordingRules(DEFAULT_CONFIG).flatMap((group) => group.rules)) {
        expect(tested).toContain(record);
      }
    });
  },
);

interface AlertCase {
  readonly alertname: string;
  readonly exp_alerts: readonly unknown[];
}

function alertCases(): readonly AlertCase[] {
  return promtoolTests('alerts').flatMap((one) => one.alert_rule_test ?? []);
}

function ruleExpressions(): readonly string[] {
  return promtoolTests('rules')
    .flatMap((one) => one.promql_expr_test ?? [])
    .map(({ expr }) => expr);
}

interface PromtoolTest {
  readonly alert_rule_test?: readonly AlertCase[];
  readonly promql_expr_test?: readonly { readonly expr: string }[];
}

function promtoolTests(name: string): readonly PromtoolTest[] {
  const text = readFileSync(join(import.meta.dirname, `promtool/${name}.yaml`), 'utf8');
  return (parse(text) as { tests: PromtoolTest[] }).tests;
}
