import type { ClientRequest } from 'node:http';
import { createRequire } from 'node:module';
import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { createBreaker, type NeutralWire } from '@switchgear/breaker';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { registerContext } from '../../breaker/telemetry/sdk.ts';
import { answerOf } from '../support/answer-of.ts';
import { guardHttp } from '../support/guard-http.ts';
import { spareWire } from '../support/spare-wire.ts';
import { ToldUpstream } from '../support/told-upstream.ts';
import { TRACE_PARENT } from '../support/trace-parent.ts';

const require = createRequire(import.meta.url);

const exporter = new InMemorySpanExporter();
const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
/** It has patched node:http once it was there at a `require` of it. */
const instrumentation = new HttpInstrumentation();
require('node:http');
instrumentation.disable();

let upstream: ToldUpstream;

beforeAll(() => {
  registerContext();
  propagation.setGlobalPropagator(TRACE_PARENT);
  instrumentation.setTracerProvider(provider);
});
beforeEach(async () => {
  upstream = await ToldUpstream.open();
});
afterEach(async () => {
  instrumentation.disable();
  exporter.reset();
});
afterAll(() => {
  context.disable();
  propagation.disable();
});

describe.each(['before', 'after'] as const)(
  'with the instrumentation of OpenTelemetry enabled %s the guard',
  (when) => {
    test('the span of a request is right, and its trace arrives', async () => {
      const breaker = install();
      const seen: unknown[] = [];
      upstream.answer = ({ headers }, response) => {
        seen.push(headers.traceparent);
        response.end('traced');
      };
      expect(await answerOf(require('node:http').get(upstream.url))).toBe('200 traced');
      const span = clientSpan();
      expect(span.attributes['http.response.status_code']).toBe(200);
      expect(seen).toEqual([`00-${span.spanContext().traceId}-${span.spanContext().spanId}-01`]);
      expect(breaker.stats().calls.success).toBe(1);
    });

    test('a rejected request is a span with the breaker’s error', async () => {
      install().trip();
      await expect(answerOf(require('node:http').get(upstream.url))).rejects.toMatchObject({ code: 'BREAKER_OPEN' });
      const span = clientSpan();
      expect(span.status.code).toBe(SpanStatusCode.ERROR);
      expect(span.attributes['error.type']).toBe('BreakerOpenError');
    });

    test('a wire’s answer is the response of its span', async () => {
      install([spareWire()]).trip();
      const parent = provider.getTracer('test').startSpan('parent');
      const request: ClientRequest = context.with(trace.setSpan(context.active(), parent), () =>
        require('node:http').get(upstream.url),
      );
      expect(await answerOf(request)).toBe('200 {"spare":true}');
      const span = clientSpan();
      expect(span.attributes['http.response.status_code']).toBe(200);
      expect(span.spanContext().traceId).toBe(parent.spanContext().traceId);
    });

    function install(wires: readonly NeutralWire[] = []) {
      instrumentation.disable();
      if (when === 'before') instrumentation.enable();
      const breaker = make(wires);
      if (when === 'after') instrumentation.enable();
      return breaker;
    }

    function clientSpan() {
      const spans = exporter.getFinishedSpans().filter(({ kind }) => kind === SpanKind.CLIENT);
      expect(spans).toHaveLength(1);
      return spans[0]!;
    }
  },
);

function make(neutralWires: readonly NeutralWire[]) {
  const breaker = createBreaker(`traced-${made++}`, { telemetry: 'off', neutralWires });
  guardHttp(breaker);
  return breaker;
}
let made = 0;
