import type { MetricProducer } from '@opentelemetry/sdk-metrics';
import {
  ATTR,
  ATTRIBUTE_VALUES,
  EVENT_SHAPES,
  EVENTS,
  type EventKey,
  type EventShape,
  METRICS,
  type MetricSpec,
  SPAN_SHAPES,
  SPANS,
  type SpanKey,
  type SpanShape,
  TRANSITION_REASONS,
} from '@switchgear/conventions';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { POSSIBLE_TRANSITIONS } from '../../src/breaker/machine/transition.ts';
import { ManualClock } from '../../src/breaker/testing.ts';
import { registerSdk } from '../breaker/telemetry/sdk.ts';
import { eventDeviations, eventKey, metricDeviations, spanDeviations, spanKey } from './deviations.ts';
import { liveThroughEverything } from './live-through-everything.ts';
import type { Living } from './living.ts';

/** The reasons that no breaker has yet: a word of the conventions that is kept for the fleet's own decisions. */
const RESERVED_REASONS = ['fleet'];

type Sdk = ReturnType<typeof registerSdk>;
type Collected = Awaited<ReturnType<Sdk['collect']>>['resourceMetrics']['scopeMetrics'];

/** Everything that breakers emit on every path, against the conventions, in both directions. */
export function describeConformance(way: string, metricProducers: MetricProducer[]): void {
  describe(way, () => {
    let sdk: Sdk;
    let living: readonly Living[] = [];
    let collected: Collected;

    beforeAll(async () => {
      sdk = registerSdk({ metricProducers });
      living = await liveThroughEverything(new ManualClock());
      collected = (await sdk.collect()).resourceMetrics.scopeMetrics;
    });

    afterAll(async () => {
      for (const one of living) await one.close();
    });

    test('every metric is one of the conventions, in name, kind, unit, description, bounds and attributes', () => {
      expect(metricDeviations(collected)).toEqual([]);
    });

    test('every metric of the conventions is there, and each value of each attribute was counted', () => {
      expect(uncounted(collected)).toEqual([]);
    });

    test('every transition that can be was made, and no other is counted', () => {
      const pairs = pointsOf(collected, METRICS.transitions).map(({ attributes, value }) => ({
        pair: `${attributes[ATTR.state]} ${attributes[ATTR.reason]}`,
        value,
      }));
      const possible = POSSIBLE_TRANSITIONS.map((pair) => pair.join(' ')).sort();
      expect([...new Set(pairs.map(({ pair }) => pair))].sort()).toEqual(possible);
      const made = pairs.filter(({ value }) => value !== 0).map(({ pair }) => pair);
      expect([...new Set(made)].sort()).toEqual(possible);
    });

    test('every span is one of the conventions, in name, kind, status, place, links and attributes', () => {
      expect(spanDeviations(sdk.spans())).toEqual([]);
    });

    test('every span of the conventions was made, with every attribute and each value it can have', () => {
      const missing = (Object.entries(SPAN_SHAPES) as [SpanKey, SpanShape][]).flatMap(([key, shape]) => {
        const found = sdk.spans().filter(({ name }) => spanKey(name) === key);
        const statuses = new Set(found.map(({ status }) => status.code)).size;
        const wanted = typeof shape.error === 'string' ? 1 : 2;
        return [
          ...missingAttributes(SPANS[key], shape, found),
          ...(statuses === wanted ? [] : [`${SPANS[key]} has ${statuses} statuses`]),
          ...(shape.linksTo && found.every(({ links }) => links.length === 0) ? [`${SPANS[key]} has no link`] : []),
        ];
      });
      expect(missing).toEqual([]);
      const outcomes = (key: SpanKey, attribute: string) =>
        new Set(
          sdk
            .spans()
            .filter(({ name }) => spanKey(name) === key)
            .map(({ attributes }) => attributes[attribute]),
        );
      expect(outcomes('call', ATTR.outcome)).toEqual(new Set(['success', 'failure', 'timeout']));
      expect(outcomes('neutralWire', ATTR.wireOutcome)).toEqual(new Set(ATTRIBUTE_VALUES[ATTR.wireOutcome]));
      expect(outcomes('trip', ATTR.reason)).toEqual(new Set(reasonsInto('open')));
      expect(outcomes('reset', ATTR.reason)).toEqual(new Set(reasonsInto('closed')));
    });

    test('every event is one of the conventions, in name, severity and attributes', () => {
      expect(eventDeviations(sdk.events())).toEqual([]);
    });

    test('every event of the conventions was emitted, with every attribute', () => {
      const missing = (Object.entries(EVENT_SHAPES) as [EventKey, EventShape][]).flatMap(([key, shape]) => {
        const found = sdk.events().filter(({ eventName }) => eventKey(eventName) === key);
        const optional = [...shape.optional, ...(shape.exception ? ['exception.message', 'exception.stacktrace'] : [])];
        return missingAttributes(EVENTS[key].name, { ...shape, optional }, found);
      });
      expect(missing).toEqual([]);
    });

    test('a trip in shadow, which is none, has its event and no span', () => {
      const name = 'operator-shadow-trip';
      const trips = sdk
        .events()
        .filter(({ eventName, attributes }) => eventKey(eventName) === 'trip' && attributes[ATTR.name] === name);
      expect(trips.map(({ attributes }) => attributes[ATTR.previousState])).toEqual(['shadow']);
      const spans = sdk.spans().filter(({ attributes }) => attributes[ATTR.name] === name);
      expect(new Set(spans.map((span) => spanKey(span.name)))).toEqual(new Set(['call']));
    });

    test('no attribute key and no word of the conventions is left over', () => {
      const used = new Set([
        ...collected.flatMap(({ metrics }) =>
          metrics.flatMap(({ dataPoints }) => dataPoints.flatMap(({ attributes }) => Object.keys(attributes))),
        ),
        ...sdk.spans().flatMap(({ attributes }) => Object.keys(attributes)),
        ...sdk.events().flatMap(({ attributes }) => Object.keys(attributes)),
      ]);
      expect(Object.values(ATTR).filter((key) => !used.has(key))).toEqual([]);
      const reasons = POSSIBLE_TRANSITIONS.map(([, reason]) => reason);
      expect(TRANSITION_REASONS.filter((reason) => !reasons.includes(reason))).toEqual(RESERVED_REASONS);
    });
  });
}

function reasonsInto(state: string): string[] {
  return POSSIBLE_TRANSITIONS.filter(([entered]) => entered === state).map(([, reason]) => reason);
}

function pointsOf(collected: Collected, { name }: MetricSpec) {
  const metrics = collected.flatMap((scope) => scope.metrics).filter(({ descriptor }) => descriptor.name === name);
  return metrics.flatMap(({ dataPoints }) =>
    dataPoints.map(({ attributes, value }) => ({
      attributes,
      value: typeof value === 'number' ? value : (value.count ?? 0),
    })),
  );
}

/** Metrics, and values of their attributes, that stand at 0 in every series. */
function uncounted(collected: Collected): string[] {
  return Object.values<MetricSpec>(METRICS).flatMap((spec) => {
    const counted = pointsOf(collected, spec).filter(({ value }) => value > 0);
    const missing = counted.length > 0 ? [] : [spec.name];
    for (const key of spec.attributes) {
      for (const word of spec.values?.[key] ?? ATTRIBUTE_VALUES[key] ?? []) {
        if (RESERVED_REASONS.includes(word)) continue;
        if (!counted.some(({ attributes }) => attributes[key] === word)) missing.push(`${spec.name} ${key}=${word}`);
      }
    }
    return missing;
  });
}

function missingAttributes(
  name: string,
  { attributes, optional }: { readonly attributes: readonly string[]; readonly optional: readonly string[] },
  found: readonly { readonly attributes: object }[],
): string[] {
  const keys = new Set(found.flatMap((one) => Object.keys(one.attributes)));
  return [...attributes, ...optional].filter((key) => !keys.has(key)).map((key) => `${name} never has ${key}`);
}
