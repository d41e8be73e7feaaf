import type { Attributes, HrTime, ValueType } from '@opentelemetry/api';

/**
 * The shapes of OpenTelemetry's metrics SDK that a producer hands to a reader, as far as the breaker makes them. They are
 * told here because the breaker's only peer is the API; a test holds them to the SDK's own types.
 */
export interface MetricProducer {
  collect(options?: { readonly timeoutMillis?: number | undefined }): Promise<CollectionResult>;
}

export interface CollectionResult {
  resourceMetrics: ResourceMetrics;
  errors: unknown[];
}

export interface ResourceMetrics {
  /** A reader puts the SDK's own in its place. */
  resource: EmptyResource;
  scopeMetrics: ScopeMetrics[];
}

export interface EmptyResource {
  readonly attributes: Attributes;
  merge<Other extends object>(other: Other | null): Other | EmptyResource;
  getRawAttributes(): [];
}

export interface ScopeMetrics {
  scope: { readonly name: string; readonly version: string; readonly schemaUrl: string };
  metrics: MetricData[];
}

/** The SDK's `DataPointType`, an enum of numbers. */
export const DATA_POINT_TYPES = { histogram: 0, gauge: 2, sum: 3 } as const;

/** The SDK's `AggregationTemporality.CUMULATIVE`. */
export const CUMULATIVE = 1;

export type MetricData = SumData | GaugeData | HistogramData;

interface MetricBase {
  readonly descriptor: MetricDescriptor;
  readonly aggregationTemporality: typeof CUMULATIVE;
}

export interface MetricDescriptor {
  readonly name: string;
  readonly description: string;
  readonly unit: string;
  readonly valueType: ValueType;
}

export interface SumData extends MetricBase {
  readonly dataPointType: typeof DATA_POINT_TYPES.sum;
  readonly dataPoints: DataPoint<number>[];
  readonly isMonotonic: boolean;
}

export interface GaugeData extends MetricBase {
  readonly dataPointType: typeof DATA_POINT_TYPES.gauge;
  readonly dataPoints: DataPoint<number>[];
}

export interface HistogramData extends MetricBase {
  readonly dataPointType: typeof DATA_POINT_TYPES.histogram;
  readonly dataPoints: DataPoint<HistogramValue>[];
}

export interface DataPoint<Value> {
  readonly startTime: HrTime;
  readonly endTime: HrTime;
  readonly attributes: Attributes;
  readonly value: Value;
}

export interface HistogramValue {
  buckets: { boundaries: number[]; counts: number[] };
  sum: number;
  count: number;
}
