import type { MetricBatch } from '../metric-batch.ts';
import { nanosToMs } from '../time.ts';
import { scanAttribute, scanResource } from './attributes.ts';
import { ProtobufScanner } from './scanner.ts';

/**
 * Reads an `ExportMetricsServiceRequest`. Metrics that nobody reads cost their name and nothing more.
 * Field numbers: opentelemetry/proto/metrics/v1/metrics.proto.
 * @throws InvalidInputError that names the field at fault
 */
export function scanMetrics(bytes: Uint8Array, batch: MetricBatch): void {
  const scan = new ProtobufScanner(bytes);
  let index = 0;
  for (let field = scan.next(); field !== 0; field = scan.next()) {
    if (field === 1) {
      scan.enter('resourceMetrics', index++);
      scanResourceMetrics(scan, batch);
      scan.leave();
    } else scan.skip();
  }
}

function scanResourceMetrics(scan: ProtobufScanner, batch: MetricBatch): void {
  batch.resource(scanResource(scan));
  let index = 0;
  for (let field = scan.next(); field !== 0; field = scan.next()) {
    if (field === 2) {
      scan.enter('scopeMetrics', index++);
      scanScopeMetrics(scan, batch);
      scan.leave();
    } else scan.skip();
  }
}

function scanScopeMetrics(scan: ProtobufScanner, batch: MetricBatch): void {
  let index = 0;
  for (let field = scan.next(); field !== 0; field = scan.next()) {
    if (field === 2) {
      scan.enter('metrics', index++);
      scanMetric(scan, batch);
      scan.leave();
    } else scan.skip();
  }
}

function scanMetric(scan: ProtobufScanner, batch: MetricBatch): void {
  const start = scan.mark();
  if (!batch.metric(scanMetricName(scan))) return;
  scan.rewind(start);
  for (let field = scan.next(); field !== 0; field = scan.next()) {
    if (field === 5) scanData(scan, batch, 'gauge', NUMBER_POINT);
    else if (field === 7) scanData(scan, batch, 'sum', NUMBER_POINT);
    else if (field === 9) scanData(scan, batch, 'histogram', HISTOGRAM_POINT);
    else if (field === 10) scanData(scan, batch, 'exponentialHistogram', EXPONENTIAL_POINT);
    else scan.skip();
  }
}

/** The name is first in practice, and then the rest is not looked at. */
function scanMetricName(scan: ProtobufScanner): string {
  for (let field = scan.next(); field !== 0; field = scan.next()) {
    if (field === 1) return scan.text('name');
    scan.skip();
  }
  return '';
}

/** A `Gauge`, `Sum`, `Histogram` or `ExponentialHistogram`: points first, and the temporality behind them. */
function scanData(scan: ProtobufScanner, batch: MetricBatch, name: string, layout: PointLayout): void {
  let temporality = name === 'gauge' ? undefined : 0;
  let index = 0;
  scan.enter(name);
  batch.startData();
  for (let field = scan.next(); field !== 0; field = scan.next()) {
    if (field === 1) scanPoint(scan, batch, index++, layout);
    else if (field === 2 && temporality !== undefined) temporality = scan.uint32('aggregationTemporality');
    else scan.skip();
  }
  batch.endData(layout.histogram ? 'histogram' : 'number', temporality);
  scan.leave();
}

/** Where the three kinds of points have the fields that are read; time is field 3 in all of them, the count field 4. */
interface PointLayout {
  readonly histogram: boolean;
  readonly attributes: number;
  readonly flags: number;
}

const NUMBER_POINT: PointLayout = { histogram: false, attributes: 7, flags: 8 };
const HISTOGRAM_POINT: PointLayout = { histogram: true, attributes: 9, flags: 10 };
const EXPONENTIAL_POINT: PointLayout = { histogram: true, attributes: 1, flags: 10 };

function scanPoint(scan: ProtobufScanner, batch: MetricBatch, index: number, layout: PointLayout): void {
  // proto3 leaves out a count of 0; a number point without a number has none.
  let value: number | undefined = layout.histogram ? 0 : undefined;
  let at = 0;
  let flags = 0;
  let attributes = 0;
  scan.enter('dataPoints', index);
  batch.startPoint();
  for (let field = scan.next(); field !== 0; field = scan.next()) {
    if (field === layout.attributes) scanAttribute(scan, attributes++, batch);
    else if (field === 3) at = nanosToMs(scan.fixed64('timeUnixNano'));
    else if (field === 4) value = layout.histogram ? scan.fixed64('count') : scan.double('asDouble');
    else if (field === 6 && !layout.histogram) value = scan.sfixed64('asInt');
    else if (field === layout.flags) flags = scan.uint32('flags');
    else scan.skip();
  }
  batch.endPoint(value, at, flags);
  scan.leave();
}
