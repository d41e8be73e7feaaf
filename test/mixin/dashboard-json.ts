import { artifacts } from '../../src/mixin/index.ts';

/** The parts of Grafana's classic dashboard JSON that the tests judge. */
export interface DashboardJson {
  readonly uid: string;
  readonly title: string;
  readonly panels: readonly PanelJson[];
  readonly links: readonly { readonly url: string; readonly includeVars: boolean; readonly keepTime: boolean }[];
  readonly annotations: { readonly list: readonly { readonly expr?: string }[] };
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly type: string; readonly query: unknown }[];
  };
}

export interface PanelJson {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly datasource?: { readonly uid: string };
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets: readonly {
    readonly refId: string;
    readonly expr: string;
    readonly legendFormat?: string;
    readonly datasource?: { readonly uid: string };
  }[];
  readonly options?: { readonly legend?: { readonly showLegend: boolean } };
}

/** The dashboards as they are written to disk. */
export function allDashboards(): readonly DashboardJson[] {
  return artifacts()
    .filter(({ path }) => path.startsWith('dashboards/') && path.endsWith('.json'))
    .map(({ text }) => JSON.parse(text) as DashboardJson);
}

/** All panels but the headers of rows. */
export function dataPanels(dashboard: DashboardJson): readonly PanelJson[] {
  return dashboard.panels.filter(({ type }) => type !== 'row');
}

export function annotationQueries(dashboard: DashboardJson): readonly string[] {
  return dashboard.annotations.list.flatMap(({ expr }) => (expr === undefined ? [] : [expr]));
}
