import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './processes.ts';

/** A query of a generated dashboard, with Grafana's variables filled in as Grafana does for "All". */
export interface PanelQuery {
  readonly dashboard: string;
  readonly panel: string;
  readonly promql: string;
}

interface DashboardJson {
  readonly title: string;
  readonly panels?: readonly { readonly title?: string; readonly targets?: readonly { readonly expr: string }[] }[];
  readonly annotations?: { readonly list?: readonly { readonly name: string; readonly expr?: string }[] };
}

/** Every query of every panel and annotation in `dashboards/*.json`. `rateInterval` stands for `$__rate_interval`. */
export function dashboardQueries(rateInterval: string): PanelQuery[] {
  const fill = (expr: string) =>
    expr
      .replaceAll('$__rate_interval', rateInterval)
      .replaceAll('$__range', '1h')
      .replaceAll(/\$(service|breaker|instance|wire)\b|\$\{(service|breaker|instance|wire)(:\w+)?\}/g, '.+');
  return globSync('dashboards/*.json', { cwd: ROOT })
    .sort()
    .flatMap((path) => {
      const { title, panels = [], annotations } = JSON.parse(readFileSync(join(ROOT, path), 'utf8')) as DashboardJson;
      const queries = panels.flatMap((panel) =>
        (panel.targets ?? []).map(({ expr }) => ({ panel: panel.title ?? 'untitled', expr })),
      );
      const notes = (annotations?.list ?? []).map(({ name, expr = '' }) => ({ panel: `annotation ${name}`, expr }));
      return [...queries, ...notes]
        .filter(({ expr }) => expr !== '')
        .map(({ panel, expr }) => ({ dashboard: title, panel, promql: fill(expr) }));
    });
}
