import type { EventKey, MetricKey } from '@switchgear/conventions';

/** Where an observation came from: the resource attributes of the process that sent it. */
export interface AgentIdentity {
  /** `service.namespace/service.name`, or `service.name` where there is no namespace. */
  readonly service: string;
  /** `service.instance.id`. */
  readonly instance: string;
  /** `service.version`. */
  readonly version?: string;
  /** `deployment.environment.name`. */
  readonly environment?: string;
}

/** One data point of a breaker metric; sums are cumulative. A histogram comes as its count: nothing reads the rest of it. */
export interface MetricObservation {
  readonly kind: 'metric';
  readonly agent: AgentIdentity;
  readonly breaker: string;
  readonly metric: MetricKey;
  /** The attributes beside `breaker.name` that conventions list for this metric. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly value: number;
  /** The time of the point, in milliseconds since the epoch. */
  readonly at: number;
}

/** One log event of a breaker. */
export interface EventObservation {
  readonly kind: 'event';
  readonly agent: AgentIdentity;
  readonly breaker: string;
  readonly event: EventKey;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Hex. */
  readonly traceId?: string;
  readonly spanId?: string;
}

export type Observation = MetricObservation | EventObservation;

/** Takes what ingest decoded. Metrics update the read model; events are also stored before the request is acknowledged. */
export type ObservationSink = (observations: readonly Observation[]) => void | Promise<void>;
