import { DASHBOARD_UIDS, type MixinConfig } from './config.ts';
import * as query from './queries.ts';
import type { RuleGroup } from './recording-rules.ts';

const { LABEL } = query;

export type Severity = 'warning' | 'critical';

export type AlertName = 'BreakerTripped' | 'BreakerOpen' | 'NeutralWireNearCapacity' | 'NeutralWireDropping';

export interface AlertRule {
  readonly alert: AlertName;
  readonly expr: string;
  readonly for?: string;
  readonly labels: { readonly severity: Severity };
  readonly annotations: {
    readonly summary: string;
    readonly description: string;
    readonly runbook_url: string;
    readonly dashboard_url: string;
  };
}

/**
 * The alerts. Each is about one breaker (or wire) of one service, over all its instances: fifty instances that lose the
 * same dependency are one alert. They read the breakers' own series, so they hold without the recording rules.
 */
export function alerts(config: MixinConfig): readonly RuleGroup<AlertRule>[] {
  const scope: query.Scope = { matchers: config.matchers, window: config.window };
  return [
    {
      name: 'switchgear.alerts',
      interval: config.evaluationInterval,
      rules: [tripped(scope, config), open(scope, config), nearCapacity(scope, config), dropping(scope, config)],
    },
  ];
}

/** From a counter, so that a trip shorter than a scrape is seen. Resolves one window after the last trip. */
function tripped(scope: query.Scope, config: MixinConfig): AlertRule {
  return {
    alert: 'BreakerTripped',
    expr: `${query.trips(scope, config.newbornLookback)} > 0`,
    labels: { severity: 'warning' },
    annotations: annotations(config, 'BreakerTripped', 'fleet', {
      summary: `Breaker ${value(LABEL.breaker)} of ${value(LABEL.service)} tripped`,
      description: `The dependency behind breaker ${value(LABEL.breaker)} fails for ${value(LABEL.service)}: {{ printf "%.0f" $value }} trip(s) in the last ${config.window}. Its calls go over the neutral wires, or are rejected where it has none.`,
    }),
  };
}

/** Open or probing: a breaker that goes half-open between two evaluations has not recovered. */
function open(scope: query.Scope, config: MixinConfig): AlertRule {
  return {
    alert: 'BreakerOpen',
    expr: `${query.trippedInstances(scope)} > 0`,
    for: config.openFor,
    labels: { severity: 'critical' },
    annotations: annotations(config, 'BreakerOpen', 'fleet', {
      summary: `Breaker ${value(LABEL.breaker)} of ${value(LABEL.service)} has been open for more than ${config.openFor}`,
      description: `Breaker ${value(LABEL.breaker)} of ${value(LABEL.service)} has not reached its dependency for more than ${config.openFor}: no probe has closed it on {{ $value }} instance(s) or, where it has keys, for {{ $value }} key(s).`,
    }),
  };
}

function nearCapacity(scope: query.Scope, config: MixinConfig): AlertRule {
  return {
    alert: 'NeutralWireNearCapacity',
    expr: `${query.wireFill(scope)} > ${config.nearCapacityRatio}`,
    for: config.nearCapacityFor,
    labels: { severity: 'warning' },
    annotations: annotations(config, 'NeutralWireNearCapacity', 'neutralWires', {
      summary: `Neutral wire ${value(LABEL.wire)} of breaker ${value(LABEL.breaker)} of ${value(LABEL.service)} is {{ $value | humanizePercentage }} full`,
      description: `Neutral wire ${value(LABEL.wire)} holds the calls of breaker ${value(LABEL.breaker)} of ${value(LABEL.service)} and is {{ $value | humanizePercentage }} full on its fullest instance. At 100% it drops calls.`,
    }),
  };
}

function dropping(scope: query.Scope, config: MixinConfig): AlertRule {
  return {
    alert: 'NeutralWireDropping',
    expr: `${query.drops(scope, config.newbornLookback)} > 0`,
    labels: { severity: 'critical' },
    annotations: annotations(config, 'NeutralWireDropping', 'neutralWires', {
      summary: `Neutral wire ${value(LABEL.wire)} of breaker ${value(LABEL.breaker)} of ${value(LABEL.service)} drops calls: ${value(LABEL.dropReason)}`,
      description: `Neutral wire ${value(LABEL.wire)} of breaker ${value(LABEL.breaker)} of ${value(LABEL.service)} gave up {{ printf "%.0f" $value }} call(s) in the last ${config.window}, reason ${value(LABEL.dropReason)}. That work is lost unless a dead-letter handler kept it.`,
    }),
  };
}

function annotations(
  config: MixinConfig,
  alert: AlertName,
  dashboard: keyof typeof DASHBOARD_UIDS,
  text: { readonly summary: string; readonly description: string },
): AlertRule['annotations'] {
  const variables = `var-service=${escaped(LABEL.service)}&var-breaker=${escaped(LABEL.breaker)}`;
  return {
    ...text,
    runbook_url: `${config.runbookUrl}#${alert.toLowerCase()}`,
    dashboard_url: `${config.grafanaUrl}/d/${DASHBOARD_UIDS[dashboard]}?${variables}`,
  };
}

function value(label: string): string {
  return `{{ $labels.${label} }}`;
}

/** Names may hold spaces, slashes and ampersands. */
function escaped(label: string): string {
  return `{{ $labels.${label} | urlquery }}`;
}
