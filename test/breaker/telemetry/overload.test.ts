import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { DiagLogLevel, diag, logs, metrics, trace } from '@opentelemetry/api';
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { afterEach, describe, expect, test } from 'vitest';
import { bufferWire, createBreaker, fallbackWire } from '../../../src/breaker/index.ts';
import { otelObserver } from '../../../src/breaker/telemetry/otel-observer.ts';
import { ManualClock } from '../../../src/breaker/testing.ts';
import { closeBreakersAfterEach, ending, hangs, NO_RULE, Unwell } from '../support.ts';
import { HandmadeReadings } from './readings.ts';
import { registerSdk } from './sdk.ts';

closeBreakersAfterEach();

const unhandled: unknown[] = [];
const keep = (reason: unknown) => void unhandled.push(reason);
process.on('unhandledRejection', keep);

afterEach(() => {
  for (const api of [metrics, logs, trace, diag]) api.disable();
  expect(unhandled.splice(0)).toEqual([]);
});

/** What the callers of a breaker get, call by call, on every way a call can end: the same whatever telemetry does. */
async function answers(telemetry: 'otel' | 'off'): Promise<unknown[]> {
  const clock = new ManualClock();
  const breaker = createBreaker(`${telemetry}-${Math.random()}`, {
    clock,
    telemetry,
    callSpans: 'all',
    trip: { ...NO_RULE, failures: 3 },
    cooldownMs: 1_000,
    halfOpen: { probes: 1, probeTimeoutMs: 100 },
    timeoutMs: 100,
    neutralWires: [
      bufferWire({ capacity: 2 }),
      fallbackWire(({ input }) => (input === 'none' ? Promise.reject(new Unwell('none')) : 'stale')),
    ],
  });
  const got: unknown[] = [];
  const note = (answer: unknown) =>
    got.push(answer instanceof Error ? answer.name : typeof answer === 'object' ? 'receipt' : answer);
  const call = breaker.protect(async (input: string) => input, { name: 'call' });
  note(await ending(call('good')));
  note(breaker.executeSync(() => 'at once'));
  note(await ending(breaker.execute(() => Promise.reject(new Unwell('unwell')))));
  const hung = ending(breaker.execute(hangs));
  await clock.advance(100);
  note(await hung);
  note(await ending(breaker.execute(() => Promise.reject(new Unwell('the last straw')))));
  note(breaker.state);
  for (const input of ['held', 'held too', 'one too many', 'none']) note(await ending(call(input)));
  await clock.advance(10_000);
  note(breaker.state);
  const expiresAt = new Date(clock.wallMs() + 1_000).toISOString();
  breaker.holdIn({ mode: 'shadow', reason: 'trial', actor: 'ada', expiresAt });
  for (let failing = 0; failing < 4; failing++)
    note(await ending(breaker.execute(() => Promise.reject(new Unwell('x')))));
  breaker.release();
  note(breaker.state);
  note(breaker.stats().calls);
  await breaker.close();
  return got;
}

/** An exporter that takes what it is given and never says that it is done. */
class HangingExporter {
  taken = 0;

  export(batch: readonly unknown[] | object): void {
    this.taken += Array.isArray(batch) ? batch.length : 1;
  }

  forceFlush(): Promise<void> {
    return new Promise(() => {});
  }

  shutdown(): Promise<void> {
    return new Promise(() => {});
  }
}

/** The real SDK with small queues in front of exporters that hang. */
function registerHanging() {
  const [spans, records, points] = [new HangingExporter(), new HangingExporter(), new HangingExporter()];
  const limits = { maxQueueSize: 20, maxExportBatchSize: 10, scheduledDelayMillis: 1 };
  trace.setGlobalTracerProvider(
    new TracerProvider({ spanProcessors: [new BatchSpanProcessor({ exporter: spans, ...limits })] }),
  );
  logs.setGlobalLoggerProvider(
    new LoggerProvider({ processors: [new BatchLogRecordProcessor({ exporter: records, ...limits })] }),
  );
  const reader = new PeriodicExportingMetricReader({
    exporter: points,
    exportIntervalMillis: 5,
    exportTimeoutMillis: 5,
  });
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
  return { spans, records, points };
}

describe('without an SDK', () => {
  test('calls are answered alike, and nobody is told anything', async () => {
    const told: unknown[] = [];
    listenToDiag(told);
    expect(await answers('otel')).toEqual(await answers('off'));
    expect(told).toEqual([]);
  });
});

describe('exporters that hang, behind full queues', () => {
  test('change no answer of a call', async () => {
    const expected = await answers('off');
    const exporters = registerHanging();
    for (let round = 0; round < 50; round++) expect(await answers('otel')).toEqual(expected);
    await expect.poll(() => exporters.points.taken).toBeGreaterThan(0);
    // They wait for the answer to their first batch.
    for (const { taken } of [exporters.spans, exporters.records]) {
      expect(taken).toBeGreaterThan(0);
      expect(taken).toBeLessThanOrEqual(10);
    }
  });

  test('hold no more errors than their queues have places, however many calls fail', async () => {
    registerHanging();
    const breaker = createBreaker('failing', { trip: { ...NO_RULE, failures: 100_000 }, callSpans: 'all' });
    const errors: WeakRef<Error>[] = [];
    for (let call = 0; call < 5_000; call++) {
      await breaker
        .execute(() => {
          const error = new Unwell(`unwell ${call}`);
          errors.push(new WeakRef(error));
          throw error;
        })
        .catch(() => {});
    }
    const alive = () => {
      collectGarbage();
      return errors.filter((error) => error.deref() !== undefined).length;
    };
    await expect.poll(alive).toBeLessThan(100);
  });
});

describe('what the library keeps for its spans', () => {
  test('is at most 128 failures for the links of a trip', () => {
    const sdk = registerSdk();
    const breaker = new HandmadeReadings('linked');
    const observer = otelObserver();
    const times = { startedAt: breaker.wallMs(), endedAt: breaker.wallMs() };
    for (let call = 0; call < 1_000; call++) {
      observer.failed(breaker, {
        outcome: 'failure',
        error: new Error('refused'),
        stateAtStart: 'closed',
        ...times,
        tripped: false,
        counted: true,
      });
    }
    observer.transitioned(breaker, {
      from: 'closed',
      to: 'open',
      reason: 'threshold',
      at: breaker.wallMs(),
      generation: 1,
      note: undefined,
      window: { executed: 1_000, failed: 1_000, slow: 0, consecutive: 1_000 },
      cooldownMs: 1_000,
      openMs: undefined,
      meanwhile: undefined,
    });
    const spans = sdk.spans();
    const trip = spans.find(({ name }) => name === 'breaker.trip linked');
    const latest = spans.filter(({ name }) => name === 'breaker.call linked').slice(-128);
    expect(trip?.links.map(({ context }) => context.spanId)).toEqual(latest.map((span) => span.spanContext().spanId));
  });

  test('is at most 10,000 diverted calls for the links of their replays, the latest', () => {
    const sdk = registerSdk();
    // Another hour for each, so that no span is held back.
    let now = 0;
    const breaker = new HandmadeReadings('holding');
    breaker.monotonicMs = () => now;
    const observer = otelObserver();
    for (let call = 0; call <= 10_000; call++) {
      now += 3_600_000;
      observer.diverted(breaker, {
        wire: 'held',
        outcome: 'buffered',
        startedAt: now,
        error: undefined,
        receipt: `${call}`,
      });
    }
    sdk.forget();
    for (const receipt of ['0', '1', '10000']) {
      observer.replayed(breaker, {
        wire: 'held',
        outcome: 'replayed',
        receipt,
        waitedMs: 1,
        durationMs: 1,
        error: undefined,
      });
    }
    expect(sdk.spans().map(({ links }) => links.length)).toEqual([0, 1, 1]);
  });
});

function listenToDiag(told: unknown[]): void {
  const tell = (message: string) => void told.push(message);
  const logger = { error: tell, warn: tell, info: tell, debug: tell, verbose: tell };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
}

const broken = (): never => {
  throw new Error('the telemetry is broken');
};

/** Something all of whose methods throw, but for those given. */
function breaking<Thing extends object>(own: object = {}): Thing {
  return new Proxy(own, { get: (target, key) => Reflect.get(target, key) ?? broken }) as Thing;
}

const instrument = { record: broken, addCallback: broken };
const meter = {
  createHistogram: () => instrument,
  createObservableCounter: () => instrument,
  createObservableUpDownCounter: () => instrument,
  createObservableGauge: () => instrument,
};

describe('a provider that throws changes no answer of a call, and costs the other signals nothing', () => {
  test.each<[string, 'metrics' | 'logs' | 'traces', () => unknown]>([
    ['for a meter', 'metrics', () => metrics.setGlobalMeterProvider(breaking())],
    ['for an instrument', 'metrics', () => metrics.setGlobalMeterProvider(breaking({ getMeter: () => breaking() }))],
    ['for a callback', 'metrics', () => metrics.setGlobalMeterProvider(breaking({ getMeter: () => breaking(meter) }))],
    [
      'at each record',
      'metrics',
      () =>
        metrics.setGlobalMeterProvider(
          breaking({ getMeter: () => breaking({ ...meter, addBatchObservableCallback: () => {} }) }),
        ),
    ],
    ['for a logger', 'logs', () => logs.setGlobalLoggerProvider(breaking())],
    [
      'for whether a logger listens',
      'logs',
      () => logs.setGlobalLoggerProvider(breaking({ getLogger: () => breaking() })),
    ],
    [
      'at each event',
      'logs',
      () => logs.setGlobalLoggerProvider(breaking({ getLogger: () => breaking({ enabled: () => true }) })),
    ],
    ['for a tracer', 'traces', () => trace.setGlobalTracerProvider(breaking())],
    ['at each span', 'traces', () => trace.setGlobalTracerProvider(breaking({ getTracer: () => breaking() }))],
    [
      'at the end of each span',
      'traces',
      () => trace.setGlobalTracerProvider(breaking({ getTracer: () => breaking({ startSpan: () => breaking() }) })),
    ],
  ])('%s', async (_, signal, register) => {
    const expected = await answers('off');
    const sdk = registerSdk();
    const { traces, events, points } = await emitted(sdk);
    expect(Math.min(traces, events, points)).toBeGreaterThan(0);
    ({ metrics, logs, traces: trace })[signal].disable();
    register();
    sdk.forget();
    expect(await answers('otel')).toEqual(expected);
    const others = await emitted(sdk, expected);
    if (signal !== 'traces') expect(others.traces).toBe(traces);
    if (signal !== 'logs') expect(others.events).toBe(events);
    if (signal !== 'metrics') expect(others.points).toBeGreaterThan(0);
  });

  /** How much of each signal reached the SDK: lives through all once, unless that was done. */
  async function emitted(sdk: ReturnType<typeof registerSdk>, done?: unknown) {
    if (!done) await answers('otel');
    const { resourceMetrics } = await sdk.collect();
    return { traces: sdk.spans().length, events: sdk.events().length, points: resourceMetrics.scopeMetrics.length };
  }
});

describe('telemetry that throws at every call', () => {
  test('is told ten times a second and no more, with how often it was not', async () => {
    const told: unknown[] = [];
    listenToDiag(told);
    // The exporters of the tests before hang on.
    const ofBreaker = () => told.filter((line) => String(line).includes('breaker'));
    trace.setGlobalTracerProvider(breaking());
    const clock = new ManualClock();
    const breaker = createBreaker('broken', { clock, trip: { ...NO_RULE, failures: 1_000 } });
    const failTimes = async (times: number) => {
      for (let call = 0; call < times; call++) await ending(breaker.execute(() => Promise.reject(new Unwell('x'))));
    };
    await failTimes(35);
    expect(ofBreaker()).toEqual(Array(10).fill('The observer of breaker "broken" threw'));
    await clock.advance(1_000);
    await failTimes(1);
    expect(ofBreaker().slice(10)).toEqual([
      'The observer of breaker "broken" threw, and 25 times before without a word',
    ]);
  });
});

describe('an error that bites who looks at it', () => {
  const biting = () =>
    Object.defineProperties(new Error('biting'), {
      code: { get: broken },
      cause: { get: broken },
      name: { get: broken },
      stack: { get: broken },
    });

  test.each<[string, () => unknown, string]>([
    ['by throwing getters', biting, '_OTHER'],
    ['by a name that is a number', () => Object.assign(new Error('a'), { name: 7 }), '_OTHER'],
    ['by a name that is a symbol', () => Object.assign(new Error('a'), { name: Symbol('a') }), '_OTHER'],
    ['by an empty name', () => Object.assign(new Error('a'), { name: '' }), '_OTHER'],
    ['by being null', () => null, 'object'],
    ['by being revoked', revoked, '_OTHER'],
  ])('%s reaches its caller as it is, and has its span', async (_, make, type) => {
    const sdk = registerSdk();
    const breaker = createBreaker('bitten', { trip: { ...NO_RULE, failures: 1 } });
    const error = make();
    let caught: unknown;
    await breaker
      .execute(() => Promise.reject(error))
      .catch((reason) => {
        caught = reason;
      });
    expect(caught === error).toBe(true);
    expect(breaker.state).toBe('open');
    expect(sdk.spans().map(({ name }) => name)).toEqual(['breaker.call bitten', 'breaker.trip bitten']);
    expect(sdk.spans()[0]?.attributes['error.type']).toBe(type);
  });

  function revoked(): unknown {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  }
});

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
