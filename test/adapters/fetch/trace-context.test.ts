import { context, createContextKey, propagation, trace } from '@opentelemetry/api';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { guardFetch } from '@switchgear/adapters/fetch';
import { httpAnswer, originWire } from '@switchgear/adapters/http-answers';
import { type Breaker, type BreakerOptions, createBreaker, fallbackWire } from '@switchgear/breaker';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { registerContext, registerSdk } from '../../breaker/telemetry/sdk.ts';
import { TRACE_PARENT } from '../support/trace-parent.ts';
import { Upstream } from '../support/upstream.ts';
import { WAYS } from './ways.ts';

const sdk = registerSdk();
const instrumentation = new UndiciInstrumentation();
const tracer = trace.getTracer('test');

/** How OpenTelemetry marks what it sends itself. */
const SUPPRESS_TRACING = createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING');

beforeAll(() => {
  registerContext();
  propagation.setGlobalPropagator(TRACE_PARENT);
  instrumentation.setTracerProvider(trace.getTracerProvider());
  instrumentation.enable();
});
beforeEach(() => sdk.forget());
afterAll(() => instrumentation.disable());

describe.each(Object.keys(WAYS))('through %s', (name) => {
  test('the upstream is told of the span that was active, as without a breaker', async () => {
    const wires = [fallbackWire(() => httpAnswer())];
    for (const breaker of [
      undefined,
      breakerNamed(`${name} plain`),
      breakerNamed(`${name} wires`, { neutralWires: wires }),
    ]) {
      const upstream = await Upstream.start();
      const way = WAYS[name]!(breaker);
      await tracer.startActiveSpan('caller', async (span) => {
        await way.call(upstream.url);
        expect(trace.getActiveSpan()).toBe(span);
        const [, traceId, parentId] = String(upstream.arrived[0]?.headers.traceparent).split('-');
        expect(traceId).toBe(span.spanContext().traceId);
        const [sent] = sdk.spans().filter((made) => made.spanContext().spanId === parentId);
        expect(sent).toMatchObject({ name: 'GET', parentSpanContext: { spanId: span.spanContext().spanId } });
        span.end();
      });
    }
  });

  test('what OpenTelemetry itself sends has no breaker', async () => {
    const breaker = breakerNamed(`${name} own`);
    const upstream = await Upstream.start();
    await context.with(context.active().setValue(SUPPRESS_TRACING, true), () =>
      WAYS[name]!(breaker).call(upstream.url),
    );
    expect(upstream.arrived).toHaveLength(1);
    expect(breaker.stats().calls.success).toBe(0);
  });
});

test('another origin is told of the same trace', async () => {
  const replica = await Upstream.start();
  const breaker = breakerNamed('replicated', { neutralWires: [originWire({ origin: replica.url })] });
  breaker.trip();
  await tracer.startActiveSpan('caller', async (span) => {
    await guardFetch(fetch, breaker)('http://stock.example/');
    expect(String(replica.arrived[0]?.headers.traceparent).split('-')[1]).toBe(span.spanContext().traceId);
    span.end();
  });
});

function breakerNamed(name: string, options: BreakerOptions = {}): Breaker {
  const breaker = createBreaker(name.slice(0, 60), { telemetry: 'off', ...options });
  onTestFinished(() => breaker.close());
  return breaker;
}
