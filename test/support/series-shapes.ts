import type { Labels } from './prometheus.ts';

/** Labels that say which way a sample came and from which process, not what it is. */
const WAY_LABELS = new Set(['__name__', 'job', 'instance']);

/** For each metric name the label sets of its series, without the labels of the way they came. */
export function seriesShapes(series: readonly Labels[]): Record<string, string[]> {
  const shapes: Record<string, Set<string>> = {};
  for (const labels of series) {
    const entries = Object.entries(labels).filter(([name]) => !WAY_LABELS.has(name));
    shapes[labels.__name__!] ??= new Set();
    shapes[labels.__name__!]!.add(
      entries
        .map(([name, value]) => `${name}=${value}`)
        .sort()
        .join(','),
    );
  }
  return Object.fromEntries(Object.entries(shapes).map(([name, rows]) => [name, [...rows].sort()]));
}
