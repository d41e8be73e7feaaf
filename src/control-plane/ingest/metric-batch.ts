import {
  ATTR,
  BREAKER_STATES,
  breakerName,
  METRICS,
  type MetricKey,
  type MetricSpec,
  TRANSITION_REASONS,
} from '@switchgear/conventions';
import type { AgentIdentity, Observation } from './observation.ts';
import { Rejections } from './rejections.ts';
import type { AttributeReceiver, AttributeValue, ResourceIdentity } from './resource-identity.ts';

/** `AGGREGATION_TEMPORALITY_CUMULATIVE` of metrics.proto. */
const CUMULATIVE = 2;
/** `DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK` of metrics.proto: the series ended, there is nothing to read. */
const NO_RECORDED_VALUE = 1;
/** Longest value of an attribute that has no closed set, in characters; breaker names have the same bound. */
const MAX_ATTRIBUTE_LENGTH = 120;

/** How the points of a metric are laid out: one number each, or a histogram. */
export type PointShape = 'number' | 'histogram';

/**
 * Makes observations out of the data points of one request; both encodings feed it, field by field. What is well-formed
 * but cannot be used is turned away with a reason, which the sender reads as `partial_success`:
 * - a delta sum or histogram: a point that got lost would be wrong for ever, so only cumulative ones are read;
 * - a point whose breaker, wire, state or outcome is missing or not one that conventions list;
 * - all of a resource that cannot be told from another.
 */
export class MetricBatch implements AttributeReceiver {
  readonly observations: Observation[] = [];
  readonly rejections = new Rejections();
  readonly #now: number;
  readonly #goodNames = new Set<string>();
  #agent: AgentIdentity | string = 'a resource is missing';
  #metric: ReadMetric = READ_METRICS.get(METRICS.calls.name)!;
  #metricStart = 0;
  #breaker: AttributeValue;
  #values: AttributeValue[] = [];

  /** @param now what stands in for the time of a point that has none, in milliseconds since the epoch. */
  constructor(now: number) {
    this.#now = now;
  }

  /** What follows was sent by this process. */
  resource(identity: ResourceIdentity): void {
    this.#agent = identity.agent();
  }

  /** What follows are points of this metric. False: nobody reads it, skip it. */
  metric(name: string): boolean {
    const metric = READ_METRICS.get(name);
    if (!metric) return false;
    this.#metric = metric;
    return true;
  }

  startData(): void {
    this.#metricStart = this.observations.length;
  }

  startPoint(): void {
    this.#breaker = undefined;
    this.#values = [];
  }

  attribute(key: string, value: AttributeValue): void {
    if (key === ATTR.name) this.#breaker = value;
    else {
      const index = this.#metric.attributes.indexOf(key);
      if (index >= 0) this.#values[index] = value;
    }
  }

  /**
   * @param value the number, or the count of a histogram; undefined where the point has none
   * @param at milliseconds since the epoch; 0 where the point has no time
   */
  endPoint(value: number | undefined, at: number, flags: number): void {
    if ((flags & NO_RECORDED_VALUE) !== 0) return;
    const observation = this.#observation(value, at);
    if (typeof observation === 'string') this.rejections.add(observation);
    else this.observations.push(observation);
  }

  /** Ends the points begun with `startData`; `temporality` as in metrics.proto, undefined for a gauge, which has none. */
  endData(shape: PointShape, temporality: number | undefined): void {
    const taken = this.observations.length - this.#metricStart;
    const refused =
      shape !== this.#metric.shape
        ? `must be ${this.#metric.shape === 'histogram' ? 'a histogram' : 'a sum or a gauge'}`
        : temporality !== undefined && temporality !== CUMULATIVE
          ? 'must be cumulative (OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=cumulative)'
          : undefined;
    if (refused === undefined || taken === 0) return;
    this.observations.length = this.#metricStart;
    this.rejections.add(`${this.#metric.name} ${refused}`, taken);
  }

  /** The point as an observation, or the reason why it is none. */
  #observation(value: number | undefined, at: number): Observation | string {
    const agent = this.#agent;
    if (typeof agent === 'string') return agent;
    const metric = this.#metric;
    const breaker = this.#breaker;
    if (typeof breaker !== 'string' || !this.#isBreakerName(breaker))
      return `${metric.name} must have a ${ATTR.name} of 1 to ${MAX_ATTRIBUTE_LENGTH} printable characters`;
    if (value === undefined || !Number.isFinite(value)) return `${metric.name} must have a finite value`;
    const attributes: Record<string, string> = {};
    for (let index = 0; index < metric.attributes.length; index += 1) {
      const key = metric.attributes[index]!;
      const found = this.#values[index];
      if (typeof found !== 'string' || !metric.accepts[index]!(found))
        return `${metric.name} must have a ${key} that is ${metric.rules[index]}`;
      attributes[key] = found;
    }
    return { kind: 'metric', agent, breaker, metric: metric.key, attributes, value, at: at === 0 ? this.#now : at };
  }

  #isBreakerName(name: string): boolean {
    if (this.#goodNames.has(name)) return true;
    if (breakerName(name, ATTR.name).length > 0) return false;
    this.#goodNames.add(name);
    return true;
  }
}

interface ReadMetric {
  readonly key: MetricKey;
  readonly name: string;
  readonly shape: PointShape;
  readonly attributes: readonly string[];
  readonly accepts: readonly ((value: string) => boolean)[];
  /** What `accepts` accepts, as the end of a sentence. */
  readonly rules: readonly string[];
}

/** Attributes with a closed set of values whatever the metric. */
const CLOSED_SETS: Readonly<Record<string, readonly string[]>> = {
  [ATTR.state]: BREAKER_STATES,
  [ATTR.reason]: TRANSITION_REASONS,
};

const READ_METRICS: ReadonlyMap<string, ReadMetric> = new Map(
  Object.entries<MetricSpec>(METRICS).map(([key, spec]) => {
    const sets = spec.attributes.map((attribute) => spec.values?.[attribute] ?? CLOSED_SETS[attribute]);
    const metric: ReadMetric = {
      key: key as MetricKey,
      name: spec.name,
      shape: spec.instrument === 'histogram' ? 'histogram' : 'number',
      attributes: spec.attributes,
      accepts: sets.map((set) =>
        set ? (value) => set.includes(value) : (value) => value.length > 0 && value.length <= MAX_ATTRIBUTE_LENGTH,
      ),
      rules: sets.map((set) =>
        set ? `one of ${set.join(', ')}` : `a string of 1 to ${MAX_ATTRIBUTE_LENGTH} characters`,
      ),
    };
    return [spec.name, metric];
  }),
);
