import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  EVENT_SHAPES,
  EVENTS,
  type EventKey,
  METRICS,
  type MetricSpec,
  SPAN_SHAPES,
  SPANS,
  type SpanKey,
  type SpanShape,
} from '@switchgear/conventions';
import { expect, test } from 'vitest';

const REFERENCE = readFileSync(join(import.meta.dirname, '../../docs/telemetry.md'), 'utf8');

/** The cells of the table under a heading, without the ticks around code. */
function rowsUnder(heading: string): string[][] {
  const section = REFERENCE.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  const lines = section.split('\n').filter((line) => line.startsWith('| '));
  return lines.slice(2).map((line) =>
    line
      .slice(2, -2)
      .split(' | ')
      .map((cell) => cell.trim()),
  );
}

const codesIn = (cell = '') => [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => code!);

test('the reference has the metrics of the conventions, each with its unit, its attributes and its Prometheus name', () => {
  const documented = rowsUnder('Metrics').map(([name, instrument, unit, attributes, prometheus]) => ({
    name: codesIn(name)[0],
    instrument: instrument?.replace('up-down counter', 'upDownCounter'),
    unit: codesIn(unit)[0],
    attributes: codesIn(attributes),
    prometheus: codesIn(prometheus)[0],
  }));
  const specs = Object.values<MetricSpec>(METRICS);
  expect(documented).toEqual(
    specs.map(({ name, instrument, unit, attributes, prometheus }) => ({
      name,
      instrument,
      unit,
      attributes: [...attributes],
      prometheus,
    })),
  );
});

test('and the spans and the events, each with its attributes', () => {
  const spans = rowsUnder('Spans').map(([name, , attributes]) => [codesIn(name)[0], codesIn(attributes)]);
  const shapes = Object.entries(SPAN_SHAPES) as [SpanKey, SpanShape][];
  expect(spans).toEqual(shapes.map(([key, { attributes, optional }]) => [SPANS[key], [...attributes, ...optional]]));
  const events = rowsUnder('Events').map(([name, severity, attributes]) => [
    codesIn(name)[0],
    severity,
    codesIn(attributes),
  ]);
  expect(events).toEqual(
    (Object.keys(EVENTS) as EventKey[]).map((key) => [
      EVENTS[key].name,
      EVENTS[key].severity,
      [...EVENT_SHAPES[key].attributes, ...EVENT_SHAPES[key].optional],
    ]),
  );
});
