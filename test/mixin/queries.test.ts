import { BREAKER_STATES, METRICS, type MetricSpec } from '@switchgear/conventions';
import { describe, expect, test } from 'vitest';
import { alerts, DEFAULT_CONFIG, RECORDED, recordingRules, runbookQueries } from '../../src/mixin/index.ts';
import { LABEL, STATE_WEIGHTS } from '../../src/mixin/queries.ts';
import { allDashboards, annotationQueries, dataPanels } from './dashboard-json.ts';
import { parsePromql } from './promql.ts';

const queries = [
  ...allDashboards().flatMap((dashboard) => [
    ...dataPanels(dashboard).flatMap((panel) =>
      panel.targets.map((target) => ({ where: `${dashboard.title} / ${panel.title}`, expr: target.expr })),
    ),
    ...annotationQueries(dashboard).map((expr) => ({ where: `${dashboard.title} / annotation`, expr })),
  ]),
  ...recordingRules(DEFAULT_CONFIG).flatMap(({ rules }) => rules.map(({ record, expr }) => ({ where: record, expr }))),
  ...alerts(DEFAULT_CONFIG).flatMap(({ rules }) => rules.map(({ alert, expr }) => ({ where: alert, expr }))),
  ...alerts({ ...DEFAULT_CONFIG, matchers: 'environment="production"' }).flatMap(({ rules }) =>
    rules.map(({ alert, expr }) => ({ where: `${alert} with matchers`, expr })),
  ),
  ...runbookQueries(DEFAULT_CONFIG).map((expr, index) => ({ where: `runbook query ${index + 1}`, expr })),
];

const metricNames = new Set([
  ...Object.values(RECORDED),
  ...Object.values<MetricSpec>(METRICS).flatMap(({ prometheus, instrument }) =>
    instrument === 'histogram' ? [`${prometheus}_bucket`, `${prometheus}_count`, `${prometheus}_sum`] : [prometheus],
  ),
]);

describe('every query', () => {
  test.each(queries)('of $where parses and names only metrics of the conventions', ({ expr }) => {
    const { errors, metrics, labels } = parsePromql(expr);
    expect(errors).toEqual([]);
    expect(metrics.length).toBeGreaterThan(0);
    expect(metrics.filter((metric) => !metricNames.has(metric))).toEqual([]);
    const known: readonly string[] = [...Object.values(LABEL), 'environment'];
    expect(labels.filter((label) => !known.includes(label))).toEqual([]);
  });

  test('has a parser behind it that finds a broken one', () => {
    expect(parsePromql('sum by (job (rate(x[5m]))').errors).not.toEqual([]);
    expect(parsePromql('rate(no_such_metric[5m])').metrics).toEqual(['no_such_metric']);
  });
});

describe('what the dashboards cover', () => {
  test('every metric of the conventions is in some query', () => {
    const used = new Set(queries.flatMap(({ expr }) => parsePromql(expr).metrics));
    const unused = Object.values<MetricSpec>(METRICS).filter(
      ({ prometheus }) => !used.has(prometheus) && !used.has(`${prometheus}_bucket`),
    );
    expect(unused.map(({ name }) => name)).toEqual([]);
  });

  test('every recorded series has a rule, and every rule a recorded series', () => {
    const records = recordingRules(DEFAULT_CONFIG).flatMap(({ rules }) => rules.map(({ record }) => record));
    expect(records.toSorted()).toEqual(Object.values(RECORDED).toSorted());
  });

  test('every state of a breaker has a weight of its own', () => {
    const weights = BREAKER_STATES.map((state) => STATE_WEIGHTS[state]);
    expect(new Set(weights).size).toBe(BREAKER_STATES.length);
  });

  test('an alert never splits by instance', () => {
    for (const { expr } of alerts(DEFAULT_CONFIG).flatMap(({ rules }) => rules)) {
      expect(parsePromql(expr).labels).not.toContain(LABEL.instance);
    }
  });
});
