import { AggregationTemporality, DataPointType, type MetricData } from '@opentelemetry/sdk-metrics';
import { ATTR, BREAKER_STATES, EVENTS, LIMITED_EVENTS, METRICS, type MetricSpec } from '@switchgear/conventions';
import { POSSIBLE_TRANSITIONS } from '../../../src/breaker/machine/transition.ts';

const KINDS = {
  counter: DataPointType.SUM,
  upDownCounter: DataPointType.SUM,
  gauge: DataPointType.GAUGE,
  histogram: DataPointType.HISTOGRAM,
};

/** The values of attributes that the conventions have in other places than the metric itself. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  [ATTR.state]: BREAKER_STATES,
  [ATTR.event]: LIMITED_EVENTS.map((key) => EVENTS[key].name),
};

/**
 * In what the metrics of one breaker with a wire that holds calls deviate from the conventions; nothing where they are
 * exactly those. It reads the telemetry, not the code that makes it.
 */
export function findDeviations(found: readonly MetricData[]): string[] {
  const specs = Object.values<MetricSpec>(METRICS);
  const expected = new Map(specs.map((spec) => [spec.name, spec]));
  const names = found.map(({ descriptor }) => descriptor.name);
  return [
    ...specs.filter(({ name }) => !names.includes(name)).map(({ name }) => `${name} is missing`),
    ...names.filter((name, index) => names.indexOf(name) !== index).map((name) => `${name} is there twice`),
    ...found.flatMap((metric) => {
      const spec = expected.get(metric.descriptor.name);
      return spec ? deviationsOf(metric, spec) : [`${metric.descriptor.name} is not of the conventions`];
    }),
  ];
}

function deviationsOf(metric: MetricData, spec: MetricSpec): string[] {
  const { descriptor, dataPointType } = metric;
  const problems: string[] = [];
  const require = (holds: boolean, what: string) => {
    if (!holds) problems.push(`${spec.name}: ${what}`);
  };
  require(descriptor.unit === spec.unit, `unit ${descriptor.unit}`);
  require(descriptor.description === spec.description, `description ${descriptor.description}`);
  require(dataPointType === KINDS[spec.instrument], `type ${dataPointType}`);
  require(metric.aggregationTemporality === AggregationTemporality.CUMULATIVE, 'not cumulative');
  if (dataPointType === DataPointType.SUM) {
    require(metric.isMonotonic === (spec.instrument === 'counter'), `monotonic ${metric.isMonotonic}`);
  }
  if (dataPointType === DataPointType.HISTOGRAM) {
    for (const { value } of metric.dataPoints) {
      require(JSON.stringify(value.buckets.boundaries) === JSON.stringify(spec.bounds), 'other bounds');
      require(value.buckets.counts.length === value.buckets.boundaries.length + 1, 'wrong number of buckets');
      require(value.buckets.counts.reduce((sum, count) => sum + count, 0) === value.count, 'count is not the buckets');
    }
  }
  const keys = [ATTR.name, ...spec.attributes].sort().join();
  const series = metric.dataPoints.map(({ attributes }) => {
    require(Object.keys(attributes).sort().join() === keys, `attributes ${Object.keys(attributes)}`);
    return JSON.stringify(Object.entries(attributes).sort());
  });
  require(series.length > 0, 'no series');
  require(new Set(series).size === series.length, 'a series is there twice');
  for (const key of spec.attributes) {
    const values = spec.values?.[key] ?? VALUES[key];
    const seen = new Set(metric.dataPoints.map(({ attributes }) => String(attributes[key])));
    if (values) require([...seen].sort().join() === [...values].sort().join(), `${key} is ${[...seen]}`);
  }
  if (spec.name === METRICS.transitions.name) {
    const seen = metric.dataPoints.map(({ attributes }) => `${attributes[ATTR.state]} ${attributes[ATTR.reason]}`);
    require(seen.sort().join() ===
      POSSIBLE_TRANSITIONS.map((pair) => pair.join(' '))
        .sort()
        .join(), `${seen}`);
  }
  return problems;
}
