import { AsyncResource } from 'node:async_hooks';
import { context, ROOT_CONTEXT, type Span, TraceFlags, trace } from '@opentelemetry/api';
import { ATTR } from '@switchgear/conventions';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { breakerWire, bufferWire, cacheWire, createBreaker, fallbackWire } from '../../../src/breaker/index.ts';
import { otelObserver } from '../../../src/breaker/telemetry/otel-observer.ts';
import { originIn, withOrigin } from '../../../src/breaker/telemetry/receipt-origin.ts';
import { ManualClock } from '../../../src/breaker/testing.ts';
import { closeBreakersAfterEach, ending, fails, hangs, NO_RULE } from '../support.ts';
import { HandmadeReadings } from './readings.ts';
import { registerContext, registerSdk } from './sdk.ts';

registerContext();
const sdk = registerSdk();
closeBreakersAfterEach();

/** Timers hold the async context they were made in, as those of Node.js do. */
class ContextClock extends ManualClock {
  override timer(delayMs: number, run: () => void) {
    return super.timer(delayMs, AsyncResource.bind(run));
  }
}

const RULES = {
  trip: { ...NO_RULE, failures: 1_000 },
  cooldownMs: 1_000,
  halfOpen: { probes: 1, probeTimeoutMs: 500 },
} as const;

let clock: ContextClock;
const requests: Span[] = [];

beforeEach(() => {
  clock = new ContextClock();
});

afterEach(() => {
  for (const request of requests.splice(0)) request.end();
  sdk.forget();
});

/** Runs as a request does, with a span of its own that is active. */
function inRequest<Result>(run: (span: Span) => Result): { readonly id: string; readonly result: Result } {
  const span = trace.getTracer('app').startSpan('request', { root: true });
  requests.push(span);
  return { id: span.spanContext().spanId, result: context.with(trace.setSpan(ROOT_CONTEXT, span), () => run(span)) };
}

const activeId = () => trace.getActiveSpan()?.spanContext().spanId;
const named = (name: string) => sdk.spans().filter((span) => span.name === name);
const parentOf = (name: string) => named(name).map(({ parentSpanContext }) => parentSpanContext?.spanId);

describe("a request's span is active", () => {
  test.each([
    ['alone', {}, {}],
    ['with a timeout', { timeoutMs: 5_000 }, {}],
    ['with a signal', {}, { signal: new AbortController().signal }],
    ['with a place of the concurrency limit', { maxConcurrent: 2 }, {}],
  ])('in the guarded function, at its start and after it waited: %s', async (_, options, given) => {
    const breaker = createBreaker('guarded', { ...RULES, ...options, clock });
    const seen: unknown[] = [];
    const { id, result } = inRequest(() =>
      breaker.execute(async () => {
        seen.push(activeId());
        await new Promise<void>((resolve) => clock.timer(10, resolve));
        seen.push(activeId());
      }, given),
    );
    await clock.advance(10);
    await result;
    expect(seen).toEqual([id, id]);
  });

  test('in what waits for the call, however it ends', async () => {
    const breaker = createBreaker('waited-for', { ...RULES, clock, timeoutMs: 100 });
    for (const run of [async () => 1, fails, hangs]) {
      const after = inRequest(() => ending(breaker.execute<unknown>(run)).then(activeId));
      await clock.advance(100);
      expect(await after.result).toBe(after.id);
    }
  });

  test('in a function that answers at once', () => {
    const breaker = createBreaker('sync', { ...RULES, clock });
    const { id, result } = inRequest(() => breaker.executeSync(activeId));
    expect(result).toBe(id);
  });

  test('in fallback handlers, in what a breaker wire calls, and for a cached answer', async () => {
    const seen: unknown[] = [];
    const see = async () => {
      seen.push(activeId());
      await Promise.resolve();
      seen.push(activeId());
      throw new Error('the next one, please');
    };
    const backup = createBreaker('backup', { ...RULES, clock });
    const breaker = createBreaker('diverting', {
      ...RULES,
      clock,
      neutralWires: [cacheWire(), fallbackWire(see, { name: 'first' }), breakerWire(backup, see)],
    });
    breaker.trip();
    const { id, result } = inRequest(() => ending(breaker.execute(() => 1)).then(activeId));
    expect(await result).toBe(id);
    expect(seen).toEqual([id, id, id, id]);
    expect(parentOf('breaker.neutral_wire first')).toEqual([id]);
    expect(parentOf('breaker.call backup')).toEqual([id]);
  });
});

describe('the span of a call', () => {
  test('that timed out is in the trace of its own request, though one timer ends many', async () => {
    const breaker = createBreaker('timed', { ...RULES, clock, timeoutMs: 100 });
    const all = [1, 2, 3].map(() => inRequest(() => ending(breaker.execute(hangs))));
    await clock.advance(100);
    await Promise.all(all.map(({ result }) => result));
    expect(parentOf('breaker.call timed')).toEqual(all.map(({ id }) => id));
  });

  test('outside a trace begins one', async () => {
    const breaker = createBreaker('alone', { ...RULES, clock });
    await ending(breaker.execute(fails));
    expect(parentOf('breaker.call alone')).toEqual([undefined]);
  });

  test('and its event have the same place in the trace', async () => {
    const breaker = createBreaker('told', { ...RULES, clock });
    const { id, result } = inRequest(() => ending(breaker.execute(fails)));
    await result;
    expect(sdk.events().map(({ spanContext }) => spanContext?.spanId)).toEqual([id]);
  });
});

describe('a transition', () => {
  test('never runs in the context of the request that made it: span, event, listener and what they start', async () => {
    const seen: [what: string, active: string | undefined][] = [];
    const breaker = createBreaker('tripped', { ...RULES, clock, trip: { ...NO_RULE, failures: 1 } });
    breaker.onTransition(({ to }) => {
      seen.push([to, activeId()]);
      setImmediate(() => seen.push(['later', activeId()]));
    });
    await inRequest(() => ending(breaker.execute(fails))).result;
    await clock.advance(1_000);
    await inRequest(() => breaker.execute(async () => 'good')).result;
    await clock.advance(0);
    expect(seen.filter(([what]) => what !== 'later')).toEqual([
      ['open', undefined],
      ['half_open', undefined],
      ['closed', undefined],
    ]);
    expect(seen.filter(([, active]) => active !== undefined)).toEqual([]);
    for (const name of ['breaker.trip tripped', 'breaker.reset tripped']) expect(parentOf(name)).toEqual([undefined]);
    const ofTransitions = sdk.events().filter(({ eventName }) => eventName !== 'breaker.call.exception');
    expect(ofTransitions.map(({ spanContext }) => spanContext)).toEqual([undefined, undefined, undefined]);
  });
});

describe('a replay', () => {
  test('runs in no request, begins a trace, and links to the span of the call that was diverted', async () => {
    const seen: unknown[] = [];
    const breaker = createBreaker('buffered', { ...RULES, clock, neutralWires: [bufferWire({ name: 'held' })] });
    const charge = breaker.protect(async (order: number) => {
      seen.push(activeId());
      return order;
    });
    breaker.trip();
    const { id, result } = inRequest(() => charge(1));
    await result;
    breaker.reset();
    await clock.advance(100);
    expect(seen).toEqual([undefined]);
    const [diverted, replayed] = named('breaker.neutral_wire held');
    expect(diverted?.parentSpanContext?.spanId).toBe(id);
    expect(replayed?.parentSpanContext).toBeUndefined();
    expect(replayed?.links.map(({ context: linked }) => linked)).toEqual([diverted?.spanContext()]);
  });

  test('of a call whose own span was held back by the rate limit links to its request', async () => {
    const breaker = createBreaker('many', { ...RULES, clock, neutralWires: [bufferWire({ name: 'held' })] });
    const charge = breaker.protect(async (order: number) => order);
    breaker.trip();
    const all = Array.from({ length: 12 }, (_, order) => inRequest(() => charge(order)));
    await Promise.all(all.map(({ result }) => result));
    breaker.reset();
    await clock.advance(1_000);
    const spans = named('breaker.neutral_wire held');
    const diverted = spans.filter(({ attributes }) => attributes[ATTR.wireOutcome] === 'buffered');
    const linked = spans.flatMap(({ links }) => links.map((link) => link.context.spanId));
    expect(diverted).toHaveLength(10);
    expect(linked).toEqual([
      ...diverted.map((span) => span.spanContext().spanId),
      ...all.slice(10).map(({ id }) => id),
    ]);
  });

  const REPLAY = { wire: 'held', outcome: 'replayed', waitedMs: 5, durationMs: 9, error: undefined } as const;

  test('of a call of an earlier process links to the span that its receipt names', () => {
    let receipt = '';
    const { id } = inRequest(() => {
      receipt = withOrigin('payments/held/3f9a-17');
    });
    otelObserver().replayed(new HandmadeReadings('payments'), { ...REPLAY, receipt });
    const [replayed] = named('breaker.neutral_wire held');
    expect(replayed?.links.map((link) => link.context.spanId)).toEqual([id]);
  });

  test('of a receipt that names no span has no link', () => {
    const origins = ['', '@', `@${'0'.repeat(32)}-${'1'.repeat(16)}-01`, `@${'1'.repeat(32)}-${'1'.repeat(16)}`];
    for (const origin of origins) {
      otelObserver().replayed(new HandmadeReadings('payments'), { ...REPLAY, receipt: `payments/held/1${origin}` });
    }
    expect(named('breaker.neutral_wire held').flatMap(({ links }) => links)).toEqual([]);
  });
});

describe("a receipt's id", () => {
  test('names the active span, sampled or not, and none where there is none', () => {
    expect(withOrigin('a/b/1')).toBe('a/b/1');
    const spanContext = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: TraceFlags.NONE };
    const active = trace.setSpanContext(ROOT_CONTEXT, spanContext);
    const receipt = context.with(active, () => withOrigin('a/b/1'));
    expect(receipt).toBe(`a/b/1@${spanContext.traceId}-${spanContext.spanId}-00`);
    expect(originIn(receipt)).toEqual({ ...spanContext, isRemote: true });
    const invalid = trace.setSpanContext(ROOT_CONTEXT, { ...spanContext, traceId: '0'.repeat(32) });
    expect(context.with(invalid, () => withOrigin('a/b/1'))).toBe('a/b/1');
  });
});
