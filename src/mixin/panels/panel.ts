import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import * as common from '@grafana/grafana-foundation-sdk/common';
import * as grafana from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';

/** The datasource that the dashboard's variable `datasource` names. */
export const DATASOURCE: common.DataSourceRef = { type: 'prometheus', uid: '$' + '{datasource}' };

/** One query of a panel. */
export interface PanelQuery {
  readonly expr: string;
  /** Grafana's `{{label}}` form; the legend of each series. */
  readonly legend: string;
  /** Through time (the default), the present value alone, or the present values as a table with a column per label. */
  readonly shape?: 'series' | 'value' | 'table';
}

/** What every panel has, whatever its kind. */
export interface PanelSpec {
  readonly title: string;
  /** What it shows and what to conclude from it, for someone woken at 3 a.m. */
  readonly description: string;
  readonly queries: readonly PanelQuery[];
  /** A Grafana unit, such as `s`, `percentunit`, `reqps`. */
  readonly unit: string;
  readonly noValue?: string;
  /** Values at which the colour changes, lowest first; the first is the base. */
  readonly steps?: readonly { readonly color: string; readonly from: number | null }[];
}

/** The part of the SDK's panel builders that all kinds share. */
export interface CommonBuilder extends Builder<grafana.Panel> {
  title(title: string): this;
  description(description: string): this;
  datasource(datasource: common.DataSourceRef): this;
  unit(unit: string): this;
  noValue(text: string): this;
  thresholds(thresholds: Builder<grafana.ThresholdsConfig>): this;
  withTarget(target: Builder<{ _implementsDataqueryVariant(): void }>): this;
}

/** Applies a spec to an SDK builder and adds what the SDK leaves out: datasource and refId on every target. */
export function apply<B extends CommonBuilder>(builder: B, spec: PanelSpec): B {
  builder.title(spec.title).description(spec.description).unit(spec.unit).datasource(DATASOURCE);
  if (spec.noValue !== undefined) builder.noValue(spec.noValue);
  if (spec.steps) {
    builder.thresholds(
      new grafana.ThresholdsConfigBuilder()
        .mode(grafana.ThresholdsMode.Absolute)
        .steps(spec.steps.map(({ color, from }) => ({ color, value: from }))),
    );
  }
  spec.queries.forEach((query, index) => {
    builder.withTarget(target(query, refId(index)));
  });
  return builder;
}

/** The legend below a graph, as a table where its series carry numbers worth reading. */
export function legend(calcs: readonly string[]): common.VizLegendOptionsBuilder {
  return new common.VizLegendOptionsBuilder()
    .showLegend(true)
    .displayMode(calcs.length > 0 ? common.LegendDisplayMode.Table : common.LegendDisplayMode.List)
    .placement(common.LegendPlacement.Bottom)
    .calcs([...calcs]);
}

function target(query: PanelQuery, id: string): DataqueryBuilder {
  const builder = new DataqueryBuilder().refId(id).datasource(DATASOURCE).expr(query.expr).legendFormat(query.legend);
  if (query.shape === 'table') return builder.instant().format(PromQueryFormat.Table);
  return query.shape === 'value' ? builder.instant() : builder.range();
}

/** A to Z; no panel needs more. */
function refId(index: number): string {
  if (index > 25) throw new RangeError(`a panel has at most 26 queries, got ${index + 1}`);
  return String.fromCharCode('A'.charCodeAt(0) + index);
}
