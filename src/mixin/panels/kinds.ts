import * as common from '@grafana/grafana-foundation-sdk/common';
import * as grafana from '@grafana/grafana-foundation-sdk/dashboard';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as StateTimelineBuilder } from '@grafana/grafana-foundation-sdk/statetimeline';
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table';
import { PanelBuilder as TimeseriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import { apply, legend, type PanelSpec } from './panel.ts';

/** A shown text and colour for a value. */
export interface ValueText {
  readonly value: string;
  readonly text: string;
  readonly color: string;
}

export interface TimeseriesSpec extends PanelSpec {
  readonly stacked?: boolean;
  readonly bars?: boolean;
  readonly max?: number;
  /** Names (as in the legend) that match get a dashed line without fill: limits, not measurements. */
  readonly dashed?: string;
  readonly colors?: readonly { readonly series: string; readonly color: string }[];
}

/** One number, the present one, coloured by its thresholds. */
export function stat(spec: PanelSpec): grafana.Panel {
  const queries = spec.queries.map((query) => ({ ...query, shape: 'value' as const }));
  return apply(new StatBuilder(), { ...spec, queries })
    .colorMode(common.BigValueColorMode.Background)
    .graphMode(common.BigValueGraphMode.None)
    .textMode(common.BigValueTextMode.Value)
    .decimals(spec.unit === 'short' ? 0 : 1)
    .reduceOptions(new common.ReduceDataOptionsBuilder().calcs(['lastNotNull']).values(false).fields(''))
    .build();
}

export function timeseries(spec: TimeseriesSpec): grafana.Panel {
  const builder = apply(new TimeseriesBuilder(), spec)
    .min(0)
    .lineWidth(1)
    .fillOpacity(spec.stacked || spec.bars ? 40 : 8)
    .showPoints(common.VisibilityMode.Never)
    .drawStyle(spec.bars ? common.GraphDrawStyle.Bars : common.GraphDrawStyle.Line)
    .legend(legend(['lastNotNull', 'max']))
    .tooltip(
      new common.VizTooltipOptionsBuilder().mode(common.TooltipDisplayMode.Multi).sort(common.SortOrder.Descending),
    );
  if (spec.max !== undefined) builder.max(spec.max);
  if (spec.stacked) builder.stacking(new common.StackingConfigBuilder().mode(common.StackingMode.Normal).group('A'));
  if (spec.dashed !== undefined) {
    builder.overrideByRegexp(spec.dashed, [
      { id: 'custom.lineStyle', value: { fill: 'dash', dash: [8, 6] } },
      { id: 'custom.fillOpacity', value: 0 },
    ]);
  }
  for (const { series, color } of spec.colors ?? []) {
    builder.overrideByName(series, [{ id: 'color', value: { mode: 'fixed', fixedColor: color } }]);
  }
  return builder.build();
}

/** A bar per series through time, its colour the value's. */
export function stateTimeline(spec: PanelSpec & { readonly values: readonly ValueText[] }): grafana.Panel {
  return apply(new StateTimelineBuilder(), spec)
    .mappings([mapping(spec.values)])
    .mergeValues(true)
    .showValue(common.VisibilityMode.Never)
    .rowHeight(0.85)
    .fillOpacity(80)
    .legend(legend([]))
    .tooltip(new common.VizTooltipOptionsBuilder().mode(common.TooltipDisplayMode.Single))
    .build();
}

export interface TableSpec extends PanelSpec {
  /** Labels and values to show, in this order, by the name of their field; a query's value is `Value`. */
  readonly columns: readonly {
    readonly field: string;
    readonly title: string;
    readonly texts?: readonly ValueText[];
  }[];
  /** A link from each row: `$` + `{__data.fields.…}` may be used. */
  readonly link?: { readonly title: string; readonly url: string; readonly onField: string };
}

/** The present values as rows. */
export function table(spec: TableSpec): grafana.Panel {
  const order = Object.fromEntries(spec.columns.map(({ field }, index) => [field, index]));
  const titles = Object.fromEntries(spec.columns.map(({ field, title }) => [field, title]));
  const builder = apply(new TableBuilder(), spec)
    .withTransformation({
      id: 'filterFieldsByName',
      options: { include: { names: spec.columns.map(({ field }) => field) } },
    })
    .withTransformation({ id: 'organize', options: { indexByName: order, renameByName: titles, excludeByName: {} } });
  for (const { title, texts } of spec.columns) {
    if (!texts) continue;
    builder.overrideByName(title, [
      { id: 'mappings', value: [mapping(texts)] },
      { id: 'custom.cellOptions', value: { type: 'color-background' } },
    ]);
  }
  if (spec.link) {
    const { title, url, onField } = spec.link;
    builder.overrideByName(onField, [{ id: 'links', value: [{ title, url, targetBlank: false }] }]);
  }
  return builder.build();
}

function mapping(values: readonly ValueText[]): grafana.ValueMap {
  return {
    type: grafana.MappingType.ValueToText,
    options: Object.fromEntries(values.map(({ value, text, color }, index) => [value, { text, color, index }])),
  };
}
