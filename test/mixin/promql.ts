import { parser } from '@prometheus-io/lezer-promql';

/** A query as a Prometheus parser reads it: what it names, and where it does not parse. */
export interface ParsedQuery {
  readonly errors: readonly string[];
  readonly metrics: readonly string[];
  readonly labels: readonly string[];
}

/** Parses a query, with Grafana's variables filled in as Grafana would. */
export function parsePromql(query: string): ParsedQuery {
  const expr = fillVariables(query);
  const errors: string[] = [];
  const metrics: string[] = [];
  const labels: string[] = [];
  parser.parse(expr).iterate({
    enter: (node) => {
      const text = expr.slice(node.from, node.to);
      if (node.type.isError) errors.push(`${expr.slice(0, node.from)}⟨here⟩${expr.slice(node.from)}`);
      if (node.name === 'VectorSelector') metrics.push(/^[a-zA-Z_:][\w:]*/.exec(text)?.[0] ?? text);
      if (node.name === 'LabelName') labels.push(text);
    },
  });
  return { errors, metrics, labels };
}

/** Grafana's own variables, as it fills them in. `$service` and its like stand in strings and parse as they are. */
export function fillVariables(query: string): string {
  return query.replaceAll('$__rate_interval', '1m').replaceAll('$__range', '1h');
}
