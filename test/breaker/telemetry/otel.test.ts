import { context, SeverityNumber, SpanStatusCode, trace } from '@opentelemetry/api';
import { ATTR, EVENTS, type EventKey, METRICS, type MetricSpec, SCHEMA_URL, SCOPE_NAME } from '@switchgear/conventions';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Breaker, bufferWire, createBreaker, fallbackWire } from '../../../src/breaker/index.ts';
import { ManualClock } from '../../../src/breaker/testing.ts';
import { ending, fails, Unwell } from '../support.ts';
import { findDeviations } from './conformance.ts';
import { msOf, registerContext, registerSdk } from './sdk.ts';

registerContext();
// Made before there is an SDK: it has to be found later.
const early = createBreaker('early', { clock: new ManualClock() });
const sdk = registerSdk();

let clock: ManualClock;
let breaker: Breaker;
let well = true;

const RULES = {
  trip: { failureRatio: null, failures: 2, windowMs: 10_000, slowMs: 500 },
  cooldownMs: 1_000,
  halfOpen: { probes: 1, probeTimeoutMs: 400 },
  timeoutMs: 2_000,
} as const;

beforeEach(() => {
  clock = new ManualClock();
  well = true;
  breaker = createBreaker('payments', {
    ...RULES,
    clock,
    trip: { ...RULES.trip, failureRatio: 0.5, minimumCalls: 1_000 },
    neutralWires: [
      fallbackWire(({ replay }) => (replay ? Promise.reject(new Unwell('not for me')) : 'stale'), { name: 'cache' }),
      bufferWire({ name: 'held', capacity: 3, onDead: () => {} }),
    ],
  });
  sdk.forget();
});

afterEach(async () => {
  await breaker.close();
});

const call = (input: number) =>
  ending(
    breaker.protect(async () => {
      if (!well) throw new Unwell(`unwell ${input}`);
      return input;
    })(input),
  );

/** Everything a breaker can live through, once. */
async function liveThroughAll(): Promise<void> {
  await call(0);
  well = false;
  await call(1);
  await clock.advance(100);
  await call(2);
  for (const input of [3, 4, 5]) await call(input);
  await breaker.execute(() => 'never');
  well = true;
  await clock.advance(5_000);
  const expiresAt = new Date(clock.wallMs() + 1_000).toISOString();
  breaker.holdIn({ mode: 'shadow', reason: 'trial', actor: 'ada', expiresAt }, { revision: 7 });
  await clock.advance(1_000);
}

const named = (name: string) => sdk.spans().filter((span) => span.name === name);
const eventsNamed = (key: EventKey) => sdk.events().filter(({ eventName }) => eventName === EVENTS[key].name);

describe('metrics', () => {
  test('all series exist at 0 from registration, but for the histograms', async () => {
    const found = await sdk.metricsOf('payments');
    const expected = Object.values(METRICS as Record<string, MetricSpec>).filter((m) => m.instrument !== 'histogram');
    expect(found.map(({ descriptor }) => descriptor.name).sort()).toEqual(expected.map(({ name }) => name).sort());
    const notZero = found.flatMap(({ descriptor, dataPoints }) =>
      dataPoints
        .filter(({ value }) => value !== 0)
        .map(({ attributes, value }) => [descriptor.name, attributes, value]),
    );
    expect(notZero).toEqual([
      [METRICS.status.name, { [ATTR.name]: 'payments', [ATTR.state]: 'closed' }, 1],
      [METRICS.thresholdRatio.name, { [ATTR.name]: 'payments' }, 0.5],
      [METRICS.wireCapacity.name, { [ATTR.name]: 'payments', [ATTR.wireName]: 'held' }, 3],
    ]);
  });

  test('lived through all, they are all 17 as the conventions name them', async () => {
    await liveThroughAll();
    const found = await sdk.metricsOf('payments');
    const outcomes = found.find(({ descriptor }) => descriptor.name === METRICS.callDuration.name);
    // A histogram of the SDK has no series before its first value, and no call timed out.
    const isMissing = (problem: string) => problem.startsWith(`${METRICS.callDuration.name}: ${ATTR.outcome} is`);
    expect(outcomes?.dataPoints).toHaveLength(2);
    expect(findDeviations(found).filter((problem) => !isMissing(problem))).toEqual([]);
    expect(found).toHaveLength(17);
  });

  test('the numbers are those of the breaker, durations in seconds', async () => {
    await liveThroughAll();
    const found = await sdk.metricsOf('payments');
    const value = (name: string, attributes: Record<string, string> = {}) =>
      found
        .find(({ descriptor }) => descriptor.name === name)
        ?.dataPoints.find((point) => Object.entries(attributes).every(([key, word]) => point.attributes[key] === word))
        ?.value;
    const { calls, wires } = breaker.stats();
    for (const [outcome, count] of Object.entries(calls)) {
      expect(value(METRICS.calls.name, { [ATTR.outcome]: outcome })).toBe(count);
    }
    expect(calls).toMatchObject({ failure: 2, diverted: 3, rejected: 1 });
    expect(value(METRICS.wireDropped.name, { [ATTR.wireName]: 'held', [ATTR.dropReason]: 'overflow' })).toBe(1);
    expect(value(METRICS.wireDrained.name, { [ATTR.wireName]: 'held', [ATTR.wireOutcome]: 'replayed' })).toBe(
      wires[1]?.replayed,
    );
    expect(value(METRICS.wireWait.name)).toMatchObject({ min: 2, max: expect.closeTo(2.04, 5) });
    expect(value(METRICS.activeCalls.name)).toBe(0);
  });

  test('an SDK that is registered after the first breaker finds its series', async () => {
    expect((await sdk.metricsOf(early.name)).length).toBeGreaterThan(5);
    await early.close();
  });

  // The SDK carries a cumulative series on when nobody reports it any more, so it stands still instead of ending.
  test('after close() a breaker is in no state and holds nothing, and its counters stand', async () => {
    breaker.trip();
    await call(1);
    const before = await sdk.metricsOf('payments');
    await breaker.close();
    const after = await sdk.metricsOf('payments');
    const values = (found: typeof before, { name }: MetricSpec) =>
      found.find(({ descriptor }) => descriptor.name === name)?.dataPoints.map(({ value }) => value);
    expect(values(before, METRICS.status)).toContain(1);
    expect(values(before, METRICS.wireDepth)).toEqual([1]);
    for (const metric of [METRICS.status, METRICS.activeCalls, METRICS.wireDepth, METRICS.wireOldestAge]) {
      expect(new Set(values(after, metric)), metric.name).toEqual(new Set([0]));
    }
    expect(values(after, METRICS.transitions)).toEqual(values(before, METRICS.transitions));
  });

  test('a breaker made again under the name of one that was closed down is read, not its remains', async () => {
    breaker.trip();
    await breaker.close();
    breaker = createBreaker('payments', { clock });
    const found = await sdk.metricsOf('payments');
    const status = found.find(({ descriptor }) => descriptor.name === METRICS.status.name)?.dataPoints;
    const current = status?.filter(({ value }) => value === 1).map(({ attributes }) => attributes[ATTR.state]);
    expect(current).toEqual(['closed']);
  });
});

describe('spans', () => {
  test('a failure has its true times, its place in the trace of its request, and no cost for a good call', async () => {
    await call(0);
    expect(sdk.spans()).toEqual([]);
    const start = clock.wallMs();
    const parent = trace.getTracer('request').startSpan('request');
    const failing = context.with(trace.setSpan(context.active(), parent), () =>
      ending(
        breaker.execute(async () => {
          await new Promise<void>((resolve) => clock.timer(250, resolve));
          throw Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
        }),
      ),
    );
    await clock.advance(250);
    await failing;
    const [span] = named('breaker.call payments');
    expect(span?.attributes).toEqual({
      [ATTR.name]: 'payments',
      [ATTR.state]: 'closed',
      [ATTR.outcome]: 'failure',
      [ATTR.errorType]: 'ECONNREFUSED',
      [ATTR.tripped]: false,
    });
    expect(span?.status.code).toBe(SpanStatusCode.ERROR);
    expect(msOf(span!.startTime)).toBe(start);
    expect(msOf(span!.endTime)).toBe(start + 250);
    expect(span?.parentSpanContext?.spanId).toBe(parent.spanContext().spanId);
    expect(span?.instrumentationScope).toMatchObject({ name: SCOPE_NAME, schemaUrl: SCHEMA_URL });
    expect(span?.events).toEqual([]);
  });

  test('a trip is a new root from the first failure that counted, linked to the failing calls and the last of them', async () => {
    const first = clock.wallMs();
    well = false;
    await call(1);
    await clock.advance(300);
    await call(2);
    const failures = named('breaker.call payments');
    expect(failures.map(({ attributes }) => attributes[ATTR.tripped])).toEqual([false, true]);
    const [trip] = named('breaker.trip payments');
    expect(trip?.parentSpanContext).toBeUndefined();
    expect(trip?.links.map((link) => link.context.spanId)).toEqual(failures.map((span) => span.spanContext().spanId));
    expect(msOf(trip!.startTime)).toBe(first);
    expect(msOf(trip!.endTime)).toBe(first + 300);
    expect(trip?.status.code).toBe(SpanStatusCode.ERROR);
    expect(trip?.attributes).toEqual({
      [ATTR.name]: 'payments',
      [ATTR.reason]: 'threshold',
      [ATTR.failureRatio]: 1,
      [ATTR.windowCalls]: 2,
      [ATTR.cooldownSeconds]: 1,
      [ATTR.tripped]: true,
    });
  });

  test('a reset is a new root from the trip to the reset, linked to the trip', async () => {
    breaker.trip({ reason: 'maintenance' });
    const tripped = clock.wallMs();
    await breaker.execute(() => 'diverted');
    await clock.advance(700);
    breaker.reset();
    const [trip] = named('breaker.trip payments');
    const [reset] = named('breaker.reset payments');
    expect(reset?.parentSpanContext).toBeUndefined();
    expect(reset?.links.map((link) => link.context.spanId)).toEqual([trip?.spanContext().spanId]);
    expect([msOf(reset!.startTime), msOf(reset!.endTime)]).toEqual([tripped, tripped + 700]);
    expect(reset?.status.code).toBe(SpanStatusCode.UNSET);
    expect(reset?.attributes).toEqual({
      [ATTR.name]: 'payments',
      [ATTR.reason]: 'operator',
      [ATTR.openDurationSeconds]: 0.7,
      [ATTR.divertedCalls]: 1,
      [ATTR.rejectedCalls]: 0,
    });
  });

  test('with callSpans all, a good call has a span with its true times and no error', async () => {
    const traced = createBreaker('traced', { clock, callSpans: 'all' });
    const start = clock.wallMs();
    const running = traced.execute(() => new Promise<void>((resolve) => clock.timer(120, resolve)));
    await clock.advance(120);
    await running;
    const [span] = named('breaker.call traced');
    expect([msOf(span!.startTime), msOf(span!.endTime)]).toEqual([start, start + 120]);
    expect(span?.status.code).toBe(SpanStatusCode.UNSET);
    expect(span?.attributes).toEqual({
      [ATTR.name]: 'traced',
      [ATTR.state]: 'closed',
      [ATTR.outcome]: 'success',
      [ATTR.tripped]: false,
    });
    await traced.close();
  });

  test('with callSpans off, calls have none, and a trip still has its span', async () => {
    const quiet = createBreaker('quiet', { ...RULES, clock, callSpans: 'off' });
    const start = clock.wallMs();
    await ending(quiet.execute(fails));
    await clock.advance(50);
    await ending(quiet.execute(fails));
    expect(named('breaker.call quiet')).toEqual([]);
    const [trip] = named('breaker.trip quiet');
    expect(msOf(trip!.startTime)).toBe(start);
    expect(trip?.links).toEqual([]);
    await quiet.close();
  });

  test('a diverted call has a span for each wire asked, and its replay is linked to the one that took it', async () => {
    breaker.trip();
    await call(1);
    breaker.reset();
    await clock.advance(0);
    const [cache] = named('breaker.neutral_wire cache');
    expect(cache?.status.code).toBe(SpanStatusCode.ERROR);
    expect(cache?.attributes).toEqual({
      [ATTR.name]: 'payments',
      [ATTR.wireName]: 'cache',
      [ATTR.wireOutcome]: 'failed',
      [ATTR.errorType]: 'Unwell',
    });
    const [taken, replayed] = named('breaker.neutral_wire held');
    expect(taken?.attributes[ATTR.wireOutcome]).toBe('buffered');
    expect(taken?.status.code).toBe(SpanStatusCode.UNSET);
    expect(replayed?.attributes[ATTR.wireOutcome]).toBe('replayed');
    expect(replayed?.links.map((link) => link.context.spanId)).toEqual([taken?.spanContext().spanId]);
    expect(replayed?.parentSpanContext).toBeUndefined();
  });
});

describe('events', () => {
  test('each has its severity and its attributes', async () => {
    await liveThroughAll();
    breaker.trip();
    await ending(breaker.protect(async () => 1)(1));
    for (const key of Object.keys(EVENTS) as EventKey[]) {
      const found = eventsNamed(key);
      expect(found.length, key).toBeGreaterThan(0);
      for (const { severityText, severityNumber, attributes } of found) {
        expect(severityText, key).toBe(EVENTS[key].severity);
        expect(severityNumber, key).toBe(SeverityNumber[EVENTS[key].severity]);
        expect(attributes[ATTR.name], key).toBe('payments');
      }
    }
    const keysOf = (key: EventKey) => Object.keys(eventsNamed(key)[0]?.attributes ?? {}).sort();
    expect(keysOf('trip')).toEqual(
      [ATTR.name, ATTR.previousState, ATTR.reason, ATTR.failureRatio, ATTR.windowCalls].sort(),
    );
    expect(keysOf('halfOpen')).toEqual([ATTR.name, ATTR.previousState].sort());
    expect(keysOf('reset')).toEqual([ATTR.name, ATTR.previousState, ATTR.reason, ATTR.openDurationSeconds].sort());
    expect(keysOf('callRejected')).toEqual([ATTR.name, ATTR.state].sort());
    expect(keysOf('wireOverflow')).toEqual([ATTR.name, ATTR.wireName, ATTR.dropReason, ATTR.wireDepth].sort());
    expect(keysOf('wireDrained')).toEqual(
      [ATTR.name, ATTR.wireName, ATTR.replayedCalls, ATTR.deadCalls, ATTR.drainDurationSeconds].sort(),
    );
    expect(eventsNamed('override')[0]?.attributes).toMatchObject({
      [ATTR.mode]: 'shadow',
      [ATTR.actor]: 'ada',
      [ATTR.overrideReason]: 'trial',
      [ATTR.revision]: 7,
    });
  });

  test('a failure passes its exception on as the object', async () => {
    well = false;
    await call(1);
    const [event] = eventsNamed('callException');
    expect(event?.attributes).toMatchObject({
      [ATTR.outcome]: 'failure',
      [ATTR.state]: 'closed',
      'exception.message': 'unwell 1',
    });
    expect(String(event?.attributes['exception.stacktrace'])).toContain('Unwell');
    expect(event?.spanContext?.traceId).toBeUndefined();
  });

  test('failures beyond ten a second are held back and counted', async () => {
    well = false;
    const expiresAt = new Date(clock.wallMs() + 60_000).toISOString();
    breaker.holdIn({ mode: 'disabled', reason: 'trial', actor: 'ada', expiresAt });
    for (let failure = 0; failure < 25; failure++) await ending(breaker.execute(fails));
    expect(eventsNamed('callException')).toHaveLength(10);
    await clock.advance(500);
    for (let failure = 0; failure < 25; failure++) await ending(breaker.execute(fails));
    expect(eventsNamed('callException')).toHaveLength(15);
    const suppressed = (await sdk.metricsOf('payments'))
      .find(({ descriptor }) => descriptor.name === METRICS.eventsSuppressed.name)
      ?.dataPoints.find(({ attributes }) => attributes[ATTR.event] === EVENTS.callException.name);
    expect(suppressed?.value).toBe(35);
  });
});
