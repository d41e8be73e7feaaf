import { type Attributes, type HrTime, SeverityNumber, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { AggregationTemporality, DataPointType, type MetricData, type ScopeMetrics } from '@opentelemetry/sdk-metrics';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import {
  ATTR,
  ATTRIBUTE_VALUES,
  EVENT_SHAPES,
  EVENTS,
  type EventKey,
  type EventShape,
  METRICS,
  type MetricSpec,
  type OfSpans,
  SCHEMA_URL,
  SCOPE_NAME,
  SPAN_SHAPES,
  SPANS,
  type SpanKey,
  type SpanShape,
} from '@switchgear/conventions';
import { version } from '../../src/breaker/version.ts';

/** A log record, as far as it is looked at. */
export interface FoundEvent {
  readonly eventName?: string | undefined;
  readonly severityNumber?: SeverityNumber | undefined;
  readonly severityText?: string | undefined;
  readonly hrTime: HrTime;
  readonly attributes: object;
  readonly instrumentationScope: Scope;
}

interface Scope {
  readonly name: string;
  readonly version?: string | undefined;
  readonly schemaUrl?: string | undefined;
}

const KINDS: Readonly<Record<MetricSpec['instrument'], { type: DataPointType; monotonic: boolean | undefined }>> = {
  counter: { type: DataPointType.SUM, monotonic: true },
  upDownCounter: { type: DataPointType.SUM, monotonic: false },
  gauge: { type: DataPointType.GAUGE, monotonic: undefined },
  histogram: { type: DataPointType.HISTOGRAM, monotonic: undefined },
};

/** In what the metrics of a whole process deviate from the conventions, in both directions. */
export function metricDeviations(scopes: readonly ScopeMetrics[]): string[] {
  const problems = scopes.flatMap(({ scope }) => scopeDeviations('metrics', scope));
  const found = scopes.flatMap(({ metrics }) => metrics);
  const names = found.map(({ descriptor }) => descriptor.name);
  for (const { name } of Object.values<MetricSpec>(METRICS)) {
    const times = names.filter((each) => each === name).length;
    if (times !== 1) problems.push(`${name} is there ${times} times`);
  }
  for (const metric of found) {
    const spec = Object.values<MetricSpec>(METRICS).find(({ name }) => name === metric.descriptor.name);
    problems.push(...(spec ? deviationsOf(metric, spec) : [`${metric.descriptor.name} is not of the conventions`]));
  }
  return [...new Set(problems)];
}

function deviationsOf(metric: MetricData, spec: MetricSpec): string[] {
  const { descriptor, dataPointType, dataPoints } = metric;
  const problems: string[] = [];
  const expect = (holds: boolean, what: string) => holds || problems.push(`${spec.name}: ${what}`);
  expect(descriptor.unit === spec.unit, `unit ${descriptor.unit}`);
  expect(descriptor.description === spec.description, `description ${descriptor.description}`);
  expect(dataPointType === KINDS[spec.instrument].type, `type ${dataPointType}`);
  const monotonic = dataPointType === DataPointType.SUM ? metric.isMonotonic : undefined;
  expect(monotonic === KINDS[spec.instrument].monotonic, `monotonic ${monotonic}`);
  expect(metric.aggregationTemporality === AggregationTemporality.CUMULATIVE, 'not cumulative');
  const shape = { attributes: [ATTR.name, ...spec.attributes], optional: [] };
  const series = new Set<string>();
  for (const { attributes, value } of dataPoints) {
    problems.push(...attributeDeviations(spec.name, attributes, shape, spec.values));
    series.add(JSON.stringify(Object.entries(attributes).sort()));
    if (typeof value === 'number') continue;
    const bounds = 'buckets' in value ? value.buckets.boundaries : undefined;
    expect(JSON.stringify(bounds) === JSON.stringify(spec.bounds), `bounds ${bounds}`);
  }
  expect(series.size === dataPoints.length, 'a series is there twice');
  return problems;
}

/** In what the spans deviate from the conventions: names, kinds, statuses, parents, links, attributes, times. */
export function spanDeviations(spans: readonly ReadableSpan[]): string[] {
  const byId = new Map(spans.map((span) => [span.spanContext().spanId, span]));
  const problems = spans.flatMap((span) => {
    const key = spanKey(span.name);
    if (key === undefined) return [`span ${span.name} is not of the conventions`];
    return spanProblems(span, SPAN_SHAPES[key], (id) => byId.get(id)).map((what) => `${SPANS[key]}: ${what}`);
  });
  return [...new Set(problems)];
}

function spanProblems(
  span: ReadableSpan,
  shape: SpanShape,
  find: (spanId: string) => ReadableSpan | undefined,
): string[] {
  const { name, attributes, status, links, startTime, endTime, parentSpanContext } = span;
  const problems = [
    ...scopeDeviations(name, span.instrumentationScope),
    ...attributeDeviations(name, attributes, shape),
  ];
  const expect = (holds: boolean, what: string) => holds || problems.push(what);
  const called = name.slice(name.indexOf(' ') + 1);
  const own = shape === SPAN_SHAPES.neutralWire ? attributes[ATTR.wireName] : attributes[ATTR.name];
  expect(called === own, `it is called ${called}, and is of ${own}`);
  expect(span.kind === SpanKind.INTERNAL, `kind ${span.kind}`);
  expect(span.events.length === 0, 'it has span events');
  expect(msOf(startTime) <= msOf(endTime), 'it ends before it starts');
  const code = holdsFor(shape.error, attributes) ? SpanStatusCode.ERROR : SpanStatusCode.UNSET;
  expect(status.code === code, `status ${status.code} of ${JSON.stringify(attributes)}`);
  if (holdsFor(shape.root, attributes)) expect(parentSpanContext === undefined, 'it has a parent');
  else expect(links.length === 0, 'it has links');
  for (const { context, attributes: own = {} } of links) {
    const target = find(context.spanId);
    expect(target !== undefined && spanKey(target.name) === shape.linksTo, `a link to ${target?.name}`);
    expect(target?.spanContext().traceId === context.traceId, 'a link with another trace id');
    expect(Object.keys(own).length === 0, 'a link with attributes');
  }
  return problems;
}

/** In what the events deviate from the conventions: names, severities, attributes, times. */
export function eventDeviations(events: readonly FoundEvent[]): string[] {
  const problems = events.flatMap((event) => {
    const key = eventKey(event.eventName);
    if (key === undefined) return [`event ${event.eventName} is not of the conventions`];
    const { name, severity } = EVENTS[key];
    const shape: EventShape = EVENT_SHAPES[key];
    const exception = ['exception.type', 'exception.message', 'exception.stacktrace'];
    const optional = [...shape.optional, ...(shape.exception ? exception : [])];
    const found = [
      ...scopeDeviations(name, event.instrumentationScope),
      ...attributeDeviations(name, event.attributes as Attributes, { ...shape, optional }),
    ];
    if (event.severityText !== severity) found.push(`${name}: severity text ${event.severityText}`);
    if (event.severityNumber !== SeverityNumber[severity]) found.push(`${name}: severity ${event.severityNumber}`);
    if (msOf(event.hrTime) <= 0) found.push(`${name}: no time`);
    return found;
  });
  return [...new Set(problems)];
}

/** The kind of a span by its name, which is followed by that of its breaker or wire. */
export function spanKey(name: string): SpanKey | undefined {
  const [kind] = name.split(' ', 1);
  return (Object.keys(SPANS) as SpanKey[]).find((key) => SPANS[key] === kind);
}

export function eventKey(eventName: string | undefined): EventKey | undefined {
  return (Object.keys(EVENTS) as EventKey[]).find((key) => EVENTS[key].name === eventName);
}

function attributeDeviations(
  of: string,
  attributes: Attributes,
  { attributes: needed, optional }: { readonly attributes: readonly string[]; readonly optional: readonly string[] },
  narrower: MetricSpec['values'] = {},
): string[] {
  const keys = Object.keys(attributes);
  return [
    ...needed.filter((key) => !keys.includes(key)).map((key) => `${of}: no ${key}`),
    ...keys.filter((key) => !needed.includes(key) && !optional.includes(key)).map((key) => `${of}: ${key} is extra`),
    ...keys
      .filter((key) => (narrower[key] ?? ATTRIBUTE_VALUES[key])?.includes(String(attributes[key])) === false)
      .map((key) => `${of}: ${key} is ${attributes[key]}`),
    ...keys.filter((key) => attributes[key] === undefined).map((key) => `${of}: ${key} is undefined`),
  ];
}

function scopeDeviations(of: string, { name, version: its, schemaUrl }: Scope): string[] {
  const isOurs = name === SCOPE_NAME && its === version && schemaUrl === SCHEMA_URL;
  return isOurs ? [] : [`${of}: scope ${name} ${its} ${schemaUrl}`];
}

function holdsFor(which: OfSpans, attributes: Attributes): boolean {
  if (typeof which === 'string') return which === 'all';
  return which.values.includes(String(attributes[which.attribute]));
}

function msOf([seconds, nanos]: HrTime): number {
  return seconds * 1_000 + nanos / 1e6;
}
