import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { bridgeOpossum } from '@switchgear/adapters/opossum';
import { allReportedBreakers, breakerMetricProducer } from '@switchgear/breaker';
import { RecordingObserver } from '@switchgear/breaker/testing';
import { ATTR, BREAKER_STATES, METRICS } from '@switchgear/conventions';
import CircuitBreaker from 'opossum';
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { registerContext, registerSdk } from '../../breaker/telemetry/sdk.ts';
import { ending } from '../../support/ending.ts';
import { counted, entered } from '../support/bridge-readings.ts';
import { expectOutageTold } from '../support/outage.ts';
import { failTwice, makeOpossum, type Order, Unwell } from './make-opossum.ts';

type Opossum = CircuitBreaker<[Order], unknown>;

let sdk: ReturnType<typeof registerSdk>;
const made: Opossum[] = [];

beforeAll(() => {
  registerContext();
  sdk = registerSdk({ metricProducers: [breakerMetricProducer()] });
});
beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(async () => {
  for (const bridge of allReportedBreakers()) await bridge.close();
  for (const breaker of made.splice(0)) breaker.shutdown();
  vi.useRealTimers();
  sdk.forget();
});

function make(options?: CircuitBreaker.Options<[Order]>, name?: string): Opossum {
  const breaker = makeOpossum(options, name);
  made.push(breaker);
  return breaker;
}

async function metric(key: keyof typeof METRICS, attribute: string): Promise<Record<string, unknown>> {
  const found = (await sdk.metricsOf('stock')).find(({ descriptor }) => descriptor.name === METRICS[key].name);
  return Object.fromEntries(found?.dataPoints.map(({ attributes, value }) => [attributes[attribute], value]) ?? []);
}

const inAMinute = () => new Date(Date.now() + 60_000).toISOString();
const held = (mode: 'forced_open' | 'disabled' | 'shadow') =>
  ({ mode, reason: 'release 7', actor: 'ada', expiresAt: inAMinute() }) as const;

describe('what is counted for a call of opossum', () => {
  interface Row {
    readonly options?: CircuitBreaker.Options<[Order]>;
    readonly prepare?: (breaker: Opossum) => unknown;
    readonly order?: Order;
    readonly counts: Record<string, number>;
  }
  const full = { capacity: 0 };
  const byFilter = { errorFilter: () => true };
  const withFallback = (breaker: Opossum) => breaker.fallback(() => 'stand-in');
  const rows: readonly (readonly [string, Row])[] = [
    ['a good one', { counts: { success: 1 } }],
    ['one that fails', { order: 'fail', counts: { failure: 1 } }],
    ['one that throws at once', { order: 'throw', counts: { failure: 1 } }],
    ['one that times out', { order: 'hang', counts: { timeout: 1 } }],
    ['one whose error the filter lets pass', { order: 'known', counts: { ignored: 1 } }],
    ['a timeout that the filter lets pass', { order: 'hang', options: byFilter, counts: { ignored: 1 } }],
    ['one too many', { options: full, counts: { limited: 1 } }],
    ['one too many that the filter lets pass', { options: { ...full, ...byFilter }, counts: { limited: 1 } }],
    ['one while it is open', { prepare: (breaker) => breaker.open(), counts: { rejected: 1 } }],
    [
      'one that the fallback answers while it is open',
      {
        prepare(breaker) {
          withFallback(breaker).open();
        },
        counts: { diverted: 1, 'wire fallback': 1 },
      },
    ],
    [
      'one that the fallback fails for while it is open',
      {
        prepare(breaker) {
          breaker.fallback(() => {
            throw new Error('no stand-in');
          });
          breaker.open();
        },
        counts: { rejected: 1 },
      },
    ],
    [
      'one too many that the fallback answers',
      { options: full, prepare: withFallback, counts: { diverted: 1, 'wire fallback': 1 } },
    ],
    [
      'a failed one that the fallback answers',
      { order: 'fail', prepare: withFallback, counts: { failure: 1, 'wire fallback': 1 } },
    ],
    ['one while it is disabled', { prepare: (breaker) => breaker.disable(), counts: {} }],
    [
      'one that the cache answers while it is closed',
      { options: { cache: true }, prepare: (breaker) => breaker.fire('well'), counts: { success: 1 } },
    ],
    [
      'one that the cache answers while it is open',
      {
        options: { cache: true },
        async prepare(breaker) {
          await breaker.fire('well');
          breaker.open();
        },
        counts: { success: 1, diverted: 1, 'wire cache': 1 },
      },
    ],
    [
      'one that shares the answer of another',
      {
        options: { coalesce: true } as CircuitBreaker.Options<[Order]>,
        prepare: (breaker) => void breaker.fire('well'),
        counts: { success: 1 },
      },
    ],
  ];

  test.each(rows)('%s', async (_, { options, prepare, order = 'well', counts }) => {
    const breaker = make(options);
    const bridge = bridgeOpossum(breaker);
    await prepare?.(breaker);
    const call = ending(breaker.fire(order));
    await vi.advanceTimersByTimeAsync(150);
    await call;
    expect(counted(bridge)).toEqual(counts);
  });

  test('a failure that is the timeout of a breaker inside is a failure', async () => {
    const inner = make({}, 'inner');
    const bridge = bridgeOpossum(make({ timeout: false }));
    const call = ending(made[1]!.fire(inner.fire('hang')));
    await vi.advanceTimersByTimeAsync(150);
    expect(await call).toMatchObject({ code: 'ETIMEDOUT' });
    expect(counted(bridge)).toEqual({ failure: 1 });
  });

  test('calls in flight are those that hold a place, and durations are opossum’s own', async () => {
    const breaker = make({ timeout: 1_000 });
    bridgeOpossum(breaker);
    const late = Promise.withResolvers<unknown>();
    const call = breaker.fire(late.promise);
    expect(await metric('activeCalls', ATTR.name)).toEqual({ stock: 1 });
    await vi.advanceTimersByTimeAsync(300);
    late.resolve('late');
    await call;
    expect(await metric('activeCalls', ATTR.name)).toEqual({ stock: 0 });
    expect(await metric('callDuration', ATTR.outcome)).toMatchObject({ success: { count: 1, sum: 0.3 } });
  });

  test('a fallback that is set later has its wire from its first call on', async () => {
    const breaker = make();
    const bridge = bridgeOpossum(breaker);
    expect(bridge.neutralWires).toEqual([]);
    breaker.fallback(() => 'stand-in').open();
    await breaker.fire('well');
    expect(bridge.neutralWires).toEqual([{ name: 'fallback', kind: 'fallback' }]);
    expect(counted(bridge)).toEqual({ diverted: 1, 'wire fallback': 1 });
  });
});

describe('the states of opossum', () => {
  test('a trip, a probe that fails, one that passes and the reset: as metrics, spans and events', async () => {
    const breaker = make();
    const bridge = bridgeOpossum(breaker);
    await failTwice(breaker);
    expect(bridge.state).toBe('open');
    await ending(breaker.fire('well'));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(bridge.state).toBe('half_open');
    await ending(breaker.fire('fail'));
    await vi.advanceTimersByTimeAsync(1_000);
    await breaker.fire('well');
    expect(entered(bridge)).toEqual([
      'open: threshold 1',
      'open: probe_failed 1',
      'half_open: cooldown 2',
      'closed: probes_passed 1',
    ]);
    expect(await metric('status', ATTR.state)).toEqual(
      Object.fromEntries(BREAKER_STATES.map((state) => [state, state === 'closed' ? 1 : 0])),
    );
    expect(await metric('thresholdRatio', ATTR.name)).toEqual({ stock: 0.5 });
    expectOutageTold(sdk);
    expect(sdk.spans()[2]!.links).toHaveLength(2);
  });

  test('a timeout and a call too many trip it as well', async () => {
    const byTimeout = make({ volumeThreshold: 1 });
    const observer = new RecordingObserver();
    const bridge = bridgeOpossum(byTimeout, { telemetry: observer });
    const call = ending(byTimeout.fire('hang'));
    await vi.advanceTimersByTimeAsync(100);
    await call;
    expect(observer.of('failed')).toMatchObject([{ outcome: 'timeout', tripped: true }]);
    const byLimit = make({ volumeThreshold: 1, capacity: 0 }, 'limit');
    const other = bridgeOpossum(byLimit);
    await ending(byLimit.fire('well'));
    expect([entered(bridge), entered(other)]).toEqual([['open: threshold 1'], ['open: threshold 1']]);
  });

  test('nothing trips it while it warms up', async () => {
    const breaker = make({ allowWarmUp: true });
    const observer = new RecordingObserver();
    bridgeOpossum(breaker, { telemetry: observer });
    await failTwice(breaker);
    expect(observer.of('failed')).toMatchObject([{ tripped: false }, { tripped: false }]);
  });

  test('somebody’s own open and close are an operator’s, and so is a health check that fails', async () => {
    const breaker = make();
    const observer = new RecordingObserver();
    bridgeOpossum(breaker, { telemetry: observer });
    breaker.open();
    breaker.close();
    breaker.healthCheck(() => Promise.reject(new Unwell('unwell')));
    await vi.advanceTimersByTimeAsync(0);
    await vi.advanceTimersByTimeAsync(1_000);
    breaker.close();
    expect(observer.of('transitioned')).toMatchObject([
      { to: 'open', reason: 'operator', note: undefined },
      { to: 'closed', reason: 'operator' },
      { to: 'open', reason: 'operator', note: 'its health check failed' },
      { to: 'half_open', reason: 'cooldown' },
      { to: 'closed', reason: 'operator' },
    ]);
  });

  test('disable and enable have no event, and are found when somebody looks', () => {
    const breaker = make();
    const bridge = bridgeOpossum(breaker);
    breaker.disable();
    expect(bridge.state).toBe('disabled');
    breaker.enable();
    expect(bridge.state).toBe('closed');
  });

  test('its settings are known as far as both libraries have them', () => {
    const settings = bridgeOpossum(
      make({ capacity: 7, errorThresholdPercentage: 30, rollingCountTimeout: 5_000 }),
    ).settings;
    expect(settings).toMatchObject({
      trip: { failureRatio: 0.3, minimumCalls: 2, windowMs: 5_000, slowRatio: null, consecutive: null },
      cooldownMs: 1_000,
      halfOpen: { probes: 1 },
      timeoutMs: 100,
      maxConcurrent: 7,
    });
    const bare = { timeout: false, resetTimeout: 0, errorThresholdPercentage: 0, volumeThreshold: 0 } as const;
    expect(bridgeOpossum(make({ ...bare, rollingCountTimeout: 50 }, 'bare')).settings).toMatchObject({
      trip: { failureRatio: null, minimumCalls: 1, windowMs: 100 },
      cooldownMs: 1,
      timeoutMs: null,
      maxConcurrent: null,
    });
  });
});

describe('steering opossum', () => {
  test('trip and reset are its own open and close, with our reason', async () => {
    const breaker = make();
    const bridge = bridgeOpossum(breaker);
    expect(bridge.act('trip', 'ada: drill')).toBe(true);
    expect(breaker.opened).toBe(true);
    expect(bridge.reset({ reason: 'done' })).toBe(true);
    expect(breaker.closed).toBe(true);
    expect(entered(bridge)).toEqual(['open: desired_state 1', 'closed: operator 1']);
  });

  test('a lockout stands against its timer and against close, and no call gets through', async () => {
    const breaker = make();
    // Before the bridge, as the application's own listeners are.
    const through: unknown[] = [];
    breaker.on('halfOpen', () =>
      breaker.fire('well').then(
        (value) => through.push(value),
        () => {},
      ),
    );
    const bridge = bridgeOpossum(breaker);
    bridge.holdIn(held('forced_open'));
    await vi.advanceTimersByTimeAsync(10_500);
    breaker.close();
    expect(await ending(breaker.fire('well'))).toMatchObject({ code: 'EOPENBREAKER' });
    expect(through).toEqual([]);
    expect([bridge.state, entered(bridge)]).toEqual(['forced_open', ['forced_open: operator 1']]);
  });

  test('let go of, it lets a probe through when its own timer says so', async () => {
    const breaker = make();
    const bridge = bridgeOpossum(breaker);
    bridge.holdIn(held('forced_open'));
    bridge.release();
    expect(bridge.state).toBe('open');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(bridge.state).toBe('half_open');
    await breaker.fire('well');
    expect(bridge.state).toBe('closed');
  });

  test('an override runs out by itself', async () => {
    const breaker = make();
    const bridge = bridgeOpossum(breaker);
    bridge.holdIn(held('disabled'));
    expect(await ending(breaker.fire('fail'))).toBeInstanceOf(Unwell);
    expect([breaker.enabled, bridge.state]).toEqual([false, 'disabled']);
    await vi.advanceTimersByTimeAsync(60_000);
    expect([breaker.enabled, bridge.state, bridge.override]).toEqual([true, 'closed', undefined]);
  });

  test('one that was disabled already is locked out, and disabled again after it', () => {
    const breaker = make({ enabled: false });
    const bridge = bridgeOpossum(breaker);
    bridge.holdIn(held('forced_open'));
    expect([bridge.state, breaker.enabled]).toEqual(['forced_open', true]);
    bridge.release();
    expect([bridge.state, breaker.enabled]).toEqual(['disabled', false]);
    bridge.holdIn(held('disabled'));
    bridge.release();
    expect(breaker.enabled).toBe(false);
  });

  test('shadow and other settings are refused', () => {
    const bridge = bridgeOpossum(make());
    expect(() => bridge.holdIn(held('shadow'))).toThrow('must be forced_open or disabled');
    expect(() => bridge.configure({ timeoutMs: 5 })).toThrow('goes by its own settings');
  });
});

describe('the bridge to opossum', () => {
  const EVENTS = [
    'success',
    'failure',
    'timeout',
    'reject',
    'fallback',
    'open',
    'close',
    'halfOpen',
    'fire',
    'cacheHit',
  ];
  const listeners = (breaker: Opossum) => [...EVENTS, 'shutdown'].map((event) => breaker.listenerCount(event));

  test('it takes its listeners off as it is closed, and lets go', async () => {
    const breaker = make();
    const before = listeners(breaker);
    const bridge = bridgeOpossum(breaker);
    bridge.holdIn(held('forced_open'));
    expect(listeners(breaker)).not.toEqual(before);
    await bridge.close();
    expect(listeners(breaker)).toEqual(before);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(breaker.halfOpen).toBe(true);
  });

  test('a breaker that is shut down leaves the fleet, and is not enabled again', async () => {
    const breaker = make();
    bridgeOpossum(breaker).holdIn(held('disabled'));
    breaker.shutdown();
    await vi.advanceTimersByTimeAsync(0);
    expect([allReportedBreakers(), breaker.enabled]).toEqual([[], false]);
    expect(() => bridgeOpossum(breaker)).toThrow('must not be shut down');
  });

  test('its name is the breaker’s own or the one given, but none that opossum made up', () => {
    expect(bridgeOpossum(make()).name).toBe('stock');
    expect(bridgeOpossum(make(), { name: 'stock-2' }).name).toBe('stock-2');
    const nameless = new CircuitBreaker(async () => 'well');
    made.push(nameless as unknown as Opossum);
    expect(() => bridgeOpossum(nameless)).toThrow('must be given');
  });

  test('it keeps no process alive, locked out neither', { timeout: 60_000 }, async () => {
    const script = `
      import { bridgeOpossum } from '@switchgear/adapters/opossum';
      import CircuitBreaker from 'opossum';
      const bridge = bridgeOpossum(new CircuitBreaker(async () => 'well', { name: 'stock' }));
      const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
      bridge.holdIn({ mode: 'forced_open', reason: 'drill', actor: 'ada', expiresAt });
      console.log(bridge.state);`;
    const ran = promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], {
      cwd: join(import.meta.dirname, '../../..'),
      timeout: 30_000,
    });
    expect(await ran).toEqual({ stdout: 'forced_open\n', stderr: '' });
  });

  test('a promise that nobody handles is as unhandled as without it', async () => {
    const rejected: unknown[] = [];
    const others = process.listeners('unhandledRejection');
    process.removeAllListeners('unhandledRejection');
    process.on('unhandledRejection', (reason) => rejected.push((reason as Error).message));
    try {
      for (const isBridged of [false, true]) {
        const breaker = make({}, `unhandled-${isBridged}`);
        if (isBridged) bridgeOpossum(breaker);
        void breaker.fire('fail');
        breaker.open();
        void breaker.fire('well');
        breaker.fallback(() => Promise.reject(new Error('no stand-in')));
        void breaker.fire('well');
        vi.useRealTimers();
        await new Promise((resolve) => setTimeout(resolve, 5));
        vi.useFakeTimers();
        expect(rejected.splice(0)).toEqual(['Breaker is open', 'no stand-in', 'no stand-in']);
      }
    } finally {
      process.removeAllListeners('unhandledRejection');
      for (const listener of others) process.on('unhandledRejection', listener);
    }
  });
});
