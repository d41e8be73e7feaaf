import { type Attributes, type HrTime, ValueType } from '@opentelemetry/api';
import { METRICS, type MetricKey, type MetricSpec, SCHEMA_URL, SCOPE_NAME } from '@switchgear/conventions';
import { version } from '../version.ts';
import {
  type CollectionResult,
  CUMULATIVE,
  DATA_POINT_TYPES,
  type DataPoint,
  type EmptyResource,
  type HistogramValue,
  type MetricData,
  type MetricDescriptor,
  type MetricProducer,
} from './metric-data.ts';
import { noteProducer } from './observed-breakers.ts';
import type { BreakerReadings, HistogramReading } from './observer.ts';
import { BUCKET_BOUNDS, countOf, type HistogramKey, type NumberKey, readSeries, type SeriesSink } from './series.ts';

const METRIC_KEYS = Object.keys(METRICS) as MetricKey[];

const DESCRIPTORS = Object.fromEntries(
  Object.entries<MetricSpec>(METRICS).map(([key, { name, description, unit }]) => [
    key,
    // As the instruments of `metrics.ts` have it: a receiver sees one type, whichever way it comes.
    { name, description, unit, valueType: ValueType.DOUBLE },
  ]),
) as Record<MetricKey, MetricDescriptor>;

const SCOPE = { name: SCOPE_NAME, version, schemaUrl: SCHEMA_URL };

const RESOURCE: EmptyResource = {
  attributes: {},
  merge: (other) => other ?? RESOURCE,
  getRawAttributes: () => [],
};

/**
 * A producer of all breaker metrics for the `metricProducers` of an OpenTelemetry metric reader: the series come straight
 * out of the breakers' own numbers, so a call records nothing, every series, the histograms' too, stands at 0 from the
 * start, none is lost to the SDK's limit of 2,000, and those of a breaker that was closed down end. Always cumulative.
 *
 * Make one for each reader, before the SDK is started: from the first one on breakers make no instruments of their own, so
 * a reader without a producer has no breaker metrics.
 */
export function breakerMetricProducer(): BreakerMetricProducer {
  const release = noteProducer();
  return { collect: async () => collect(), release };
}

export interface BreakerMetricProducer extends MetricProducer {
  /** Its reader is gone. After the last one breakers report through the instruments of the registered SDK again. */
  release(): void;
}

function collect(): CollectionResult {
  const points = new Points();
  const errors = readSeries(points);
  const metrics = points.metrics();
  return {
    resourceMetrics: { resource: RESOURCE, scopeMetrics: metrics.length > 0 ? [{ scope: SCOPE, metrics }] : [] },
    errors,
  };
}

/** The data points of one collection: about 5 KiB for each breaker, until the exporter is done with them. */
class Points implements SeriesSink {
  readonly #numbers = pointsByKey();
  readonly #histograms: Record<HistogramKey, DataPoint<HistogramValue>[]> = { callDuration: [], wireWait: [] };
  #startTime: HrTime = [0, 0];
  #endTime: HrTime = [0, 0];

  begin(breaker: BreakerReadings): void {
    this.#startTime = hrTime(breaker.countsSince);
    this.#endTime = hrTime(breaker.wallMs());
  }

  number(key: NumberKey, value: number, attributes: Attributes): void {
    this.#numbers[key].push({ startTime: this.#startTime, endTime: this.#endTime, attributes, value });
  }

  histogram(key: HistogramKey, reading: HistogramReading, attributes: Attributes): void {
    const buckets = { boundaries: BUCKET_BOUNDS[key], counts: reading.counts as number[] };
    const value = { buckets, sum: reading.sum, count: countOf(reading) };
    this.#histograms[key].push({ startTime: this.#startTime, endTime: this.#endTime, attributes, value });
  }

  /** Those that have a point, as the SDK has it. */
  metrics(): MetricData[] {
    return METRIC_KEYS.map((key) => this.#metric(key)).filter(({ dataPoints }) => dataPoints.length > 0);
  }

  #metric(key: MetricKey): MetricData {
    const base = { descriptor: DESCRIPTORS[key], aggregationTemporality: CUMULATIVE } as const;
    if (key === 'callDuration' || key === 'wireWait') {
      return { ...base, dataPointType: DATA_POINT_TYPES.histogram, dataPoints: this.#histograms[key] };
    }
    const dataPoints = this.#numbers[key];
    const { instrument } = METRICS[key];
    if (instrument === 'gauge') return { ...base, dataPointType: DATA_POINT_TYPES.gauge, dataPoints };
    return { ...base, dataPointType: DATA_POINT_TYPES.sum, isMonotonic: instrument === 'counter', dataPoints };
  }
}

function pointsByKey(): Record<NumberKey, DataPoint<number>[]> {
  const points = Object.fromEntries(METRIC_KEYS.map((key) => [key, [] as DataPoint<number>[]]));
  return points as Record<NumberKey, DataPoint<number>[]>;
}

/** OpenTelemetry's form of a time: seconds and nanoseconds. */
function hrTime(ms: number): HrTime {
  return [Math.trunc(ms / 1_000), Math.floor((ms % 1_000) * 1e6)];
}
