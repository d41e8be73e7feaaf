import * as grafana from '@grafana/grafana-foundation-sdk/dashboard';
import { METRICS } from '@switchgear/conventions';
import { DASHBOARD_UIDS } from '../config.ts';
import { layOut, type Row } from '../panels/layout.ts';
import { DATASOURCE } from '../panels/panel.ts';
import { LABEL, type Scope } from '../queries.ts';
import { RECORDED } from '../recording-rules.ts';

/** What the variables of a dashboard select, at the window that fits the zoom. */
export const SELECTED: Scope = {
  matchers: `${LABEL.service}=~"$service", ${LABEL.breaker}=~"$breaker", ${LABEL.instance}=~"$instance"`,
  window: '$__rate_interval',
};

/** The selected series over the whole time range shown. */
export const WHOLE_RANGE: Scope = { ...SELECTED, window: '$__range' };

/** Matchers for recorded series, which have no instances. */
export const SELECTED_RECORDED = `${LABEL.service}=~"$service", ${LABEL.breaker}=~"$breaker"`;

/** A dashboard with the variables, links and trip annotations that both share. */
export function dashboard(spec: {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly rows: readonly Row[];
}): grafana.Dashboard {
  const built = new grafana.DashboardBuilder(spec.title)
    .uid(spec.uid)
    .description(spec.description)
    .tags(['switchgear'])
    .timezone('browser')
    .editable()
    .refresh('15s')
    .time({ from: 'now-1h', to: 'now' })
    .tooltip(grafana.DashboardCursorSync.Crosshair)
    .variables(variables())
    .annotation(tripAnnotation())
    .links(links(spec.uid))
    .build();
  return {
    ...built,
    version: 1,
    panels: layOut(spec.rows),
    links: built.links?.map(shown) ?? [],
    annotations: { list: built.annotations?.list?.map(shown) ?? [] },
  };
}

/** The SDK tucks links and annotations away into a menu; here they stand above the panels. */
function shown<T extends { placement?: unknown }>(item: T): Omit<T, 'placement'> {
  const { placement: _, ...rest } = item;
  return rest;
}

function variables(): NonNullable<Parameters<grafana.DashboardBuilder['variables']>[0]> {
  const status = METRICS.status.prometheus;
  const service = `${LABEL.service}=~"$service"`;
  const breaker = `${service}, ${LABEL.breaker}=~"$breaker"`;
  return [
    new grafana.DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'),
    choice('service', 'Service', `label_values(${status}, ${LABEL.service})`),
    choice('breaker', 'Breaker', `label_values(${status}{${service}}, ${LABEL.breaker})`),
    choice('instance', 'Instance', `label_values(${status}{${breaker}}, ${LABEL.instance})`),
  ];
}

/** `.+` for All: with thousands of instances a list of their names would not fit into a query. */
function choice(name: string, label: string, query: string): grafana.QueryVariableBuilder {
  return new grafana.QueryVariableBuilder(name)
    .label(label)
    .query({ query, refId: name })
    .definition(query)
    .datasource(DATASOURCE)
    .refresh(grafana.VariableRefresh.OnTimeRangeChanged)
    .sort(grafana.VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .allValue('.+')
    .current({ selected: true, text: ['All'], value: ['$__all'] });
}

function tripAnnotation(): grafana.AnnotationQueryBuilder {
  return new grafana.AnnotationQueryBuilder()
    .name('Trips')
    .datasource(DATASOURCE)
    .enable(true)
    .iconColor('red')
    .expr(`${RECORDED.trips}{${SELECTED_RECORDED}} > 0`)
    .step('15s')
    .titleFormat(`Tripped: {{${LABEL.breaker}}}`)
    .textFormat(`Breaker {{${LABEL.breaker}}} of {{${LABEL.service}}} tripped`)
    .tagKeys(`${LABEL.service},${LABEL.breaker}`);
}

function links(self: string): grafana.DashboardLinkBuilder[] {
  const others = [
    { uid: DASHBOARD_UIDS.fleet, title: 'Fleet' },
    { uid: DASHBOARD_UIDS.neutralWires, title: 'Neutral wires' },
  ].filter(({ uid }) => uid !== self);
  return others.map(({ uid, title }) =>
    new grafana.DashboardLinkBuilder(title)
      .type(grafana.DashboardLinkType.Link)
      .icon('dashboard')
      .url(`/d/${uid}`)
      .includeVars(true)
      .keepTime(true),
  );
}
