import { bridgeCockatiel } from '@switchgear/adapters/cockatiel';
import { allReportedBreakers, breakerMetricProducer } from '@switchgear/breaker';
import { RecordingObserver } from '@switchgear/breaker/testing';
import { METRICS } from '@switchgear/conventions';
import {
  type CircuitBreakerPolicy,
  ConsecutiveBreaker,
  CountBreaker,
  circuitBreaker,
  ExponentialBackoff,
  handleAll,
  handleType,
  handleWhenResult,
  type ICircuitBreakerOptions,
  type Policy,
  SamplingBreaker,
  TimeoutStrategy,
  timeout,
  wrap,
} from 'cockatiel';
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { registerContext, registerSdk } from '../../breaker/telemetry/sdk.ts';
import { ending } from '../../support/ending.ts';
import { counted, entered } from '../support/bridge-readings.ts';
import { expectOutageTold } from '../support/outage.ts';

class Unwell extends Error {
  override readonly name = 'Unwell';
}

let sdk: ReturnType<typeof registerSdk>;

beforeAll(() => {
  registerContext();
  sdk = registerSdk({ metricProducers: [breakerMetricProducer()] });
});
beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(async () => {
  for (const bridge of allReportedBreakers()) await bridge.close();
  vi.useRealTimers();
  sdk.forget();
});

/** A breaker that opens at the second failure in a row, and is open for a second. */
function make(options: Partial<ICircuitBreakerOptions> = {}, policy: Policy = handleAll): CircuitBreakerPolicy {
  return circuitBreaker(policy, { halfOpenAfter: 1_000, breaker: new ConsecutiveBreaker(2), ...options });
}

const fails = (): Promise<never> => Promise.reject(new Unwell('unwell'));
const works = async () => 'well';

async function failTwice(policy: CircuitBreakerPolicy): Promise<void> {
  for (let call = 0; call < 2; call++) await ending(policy.execute(fails));
}

async function activeCalls(): Promise<unknown> {
  const metrics = await sdk.metricsOf('stock');
  return metrics.find(({ descriptor }) => descriptor.name === METRICS.activeCalls.name)?.dataPoints[0]?.value;
}
const held = (mode: 'forced_open' | 'disabled' | 'shadow') =>
  ({ mode, reason: 'release 7', actor: 'ada', expiresAt: new Date(Date.now() + 60_000).toISOString() }) as const;

describe('what is counted for a call of cockatiel', () => {
  test('a good one, one that fails, and one whose error the policy does not handle', async () => {
    const policy = make({}, handleType(Unwell));
    const bridge = bridgeCockatiel(policy, { name: 'stock' });
    await policy.execute(works);
    await ending(policy.execute(fails));
    await ending(policy.execute(() => Promise.reject(new TypeError('mine'))));
    expect(counted(bridge)).toEqual({ success: 1, failure: 1, ignored: 1 });
  });

  test('a result that is judged as a failure is one, without an error', async () => {
    const policy = make(
      {},
      handleWhenResult((result) => result === 503),
    );
    const observer = new RecordingObserver();
    const bridge = bridgeCockatiel(policy, { name: 'stock', telemetry: observer });
    for (const result of [503, 503]) expect(await policy.execute(() => result)).toBe(result);
    expect([bridge.state, counted(bridge)]).toEqual(['open', { failure: 2 }]);
    expect(observer.of('failed')).toMatchObject([
      { error: undefined, tripped: false },
      { error: undefined, tripped: true },
    ]);
  });

  test('what a timeout policy within it cuts off is a timeout', async () => {
    const policy = make();
    const bridge = bridgeCockatiel(policy, { name: 'stock' });
    const both = wrap(policy, timeout(50, TimeoutStrategy.Aggressive));
    const call = ending(both.execute(() => new Promise(() => {})));
    await vi.advanceTimersByTimeAsync(50);
    await call;
    expect(counted(bridge)).toEqual({ timeout: 1 });
  });

  test('one while it is open or isolated is rejected', async () => {
    const policy = make();
    const bridge = bridgeCockatiel(policy, { name: 'stock' });
    await failTwice(policy);
    expect(await ending(policy.execute(works))).toHaveProperty('isBrokenCircuitError');
    expect(await ending(wrap(policy, timeout(50, TimeoutStrategy.Aggressive)).execute(works))).toHaveProperty(
      'isBrokenCircuitError',
    );
    const handle = policy.isolate();
    expect(await ending(policy.execute(works))).toHaveProperty('isIsolatedCircuitError');
    handle.dispose();
    expect(counted(bridge)).toEqual({ failure: 2, rejected: 3 });
  });

  test('calls in flight are those whose function runs; one that waits for a probe is counted once', async () => {
    const policy = make();
    const bridge = bridgeCockatiel(policy, { name: 'stock' });
    await failTwice(policy);
    await vi.advanceTimersByTimeAsync(1_000);
    const [probe, later] = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
    const calls = [policy.execute(() => probe.promise), policy.execute(() => later.promise)];
    expect(await activeCalls()).toBe(1);
    probe.resolve('well');
    await calls[0];
    await vi.advanceTimersByTimeAsync(0);
    expect(await activeCalls()).toBe(1);
    later.resolve('well');
    await calls[1];
    expect(await activeCalls()).toBe(0);
    expect(counted(bridge)).toEqual({ success: 2, failure: 2 });
  });

  test('callers that wait for a probe that fails are rejected', async () => {
    const policy = make();
    const bridge = bridgeCockatiel(policy, { name: 'stock' });
    await failTwice(policy);
    await vi.advanceTimersByTimeAsync(1_000);
    const answers = await Promise.all(
      [policy.execute(fails), policy.execute(works), policy.execute(works)].map(ending),
    );
    expect(answers[1]).toHaveProperty('isBrokenCircuitError');
    expect(counted(bridge)).toEqual({ failure: 3, rejected: 2 });
  });
});

describe('the states of cockatiel', () => {
  test('a trip, a probe that fails, one that passes and the reset: as metrics, spans and events', async () => {
    const policy = make();
    const bridge = bridgeCockatiel(policy, { name: 'stock' });
    await failTwice(policy);
    await ending(policy.execute(works));
    for (const probe of [fails, works]) {
      await vi.advanceTimersByTimeAsync(1_000);
      await ending(policy.execute(probe));
    }
    expect(entered(bridge)).toEqual([
      'open: consecutive 1',
      'open: probe_failed 1',
      'half_open: cooldown 2',
      'closed: probes_passed 1',
    ]);
    expectOutageTold(sdk);
  });

  test('somebody’s own isolation is a lockout by an operator', () => {
    const policy = make();
    const bridge = bridgeCockatiel(policy, { name: 'stock' });
    const handle = policy.isolate();
    expect(bridge.state).toBe('forced_open');
    handle.dispose();
    expect(entered(bridge)).toEqual(['closed: operator 1', 'forced_open: operator 1']);
  });

  test.each([
    [
      'a share of a time',
      { breaker: new SamplingBreaker({ threshold: 0.2, duration: 30_000, minimumRps: 2 }) },
      { failureRatio: 0.2, minimumCalls: 60, windowMs: 30_000 },
    ],
    [
      'a share of a count',
      { breaker: new CountBreaker({ threshold: 0.4, size: 50, minimumNumberOfCalls: 5 }) },
      { failureRatio: 0.4, minimumCalls: 5, windowCalls: 50 },
    ],
    ['failures in a row', {}, { failureRatio: null, consecutive: 2 }],
    [
      'a rule of somebody’s own',
      { breaker: { state: 0, success() {}, failure: () => false, threshold: 7 } },
      { failureRatio: null, consecutive: null, failures: null },
    ],
  ])('its settings are known: %s', (_, options, trip) => {
    const { settings } = bridgeCockatiel(make(options), { name: 'stock' });
    expect(settings).toMatchObject({ trip, cooldownMs: 1_000, halfOpen: { probes: 1 } });
  });

  test('a cooldown that grows is not known, and the default is shown', () => {
    const { settings } = bridgeCockatiel(
      make({ halfOpenAfter: new ExponentialBackoff(), halfOpenSampling: { calls: 4, threshold: 0.5 } }),
      { name: 'stock' },
    );
    expect(settings).toMatchObject({ cooldownMs: 30_000, halfOpen: { probes: 4 } });
  });
});

describe('steering cockatiel', () => {
  test('a lockout isolates it until it is let go of, and then it is closed, as cockatiel has it', async () => {
    const policy = make();
    const bridge = bridgeCockatiel(policy, { name: 'stock' });
    bridge.holdIn(held('forced_open'), { reason: 'desired_state' });
    expect(await ending(policy.execute(works))).toHaveProperty('isIsolatedCircuitError');
    await vi.advanceTimersByTimeAsync(60_000);
    expect([bridge.state, await policy.execute(works)]).toEqual(['closed', 'well']);
    expect(entered(bridge)).toEqual(['closed: desired_state 1', 'forced_open: desired_state 1']);
  });

  test('it stays isolated for whoever else isolated it', () => {
    const policy = make();
    const bridge = bridgeCockatiel(policy, { name: 'stock' });
    const handle = policy.isolate();
    bridge.holdIn(held('forced_open'));
    bridge.release();
    expect(bridge.state).toBe('forced_open');
    handle.dispose();
    expect(bridge.state).toBe('closed');
  });

  test('what cockatiel has no way to is refused', () => {
    const bridge = bridgeCockatiel(make(), { name: 'stock' });
    expect(() => bridge.trip()).toThrow('has no way to');
    expect(() => bridge.reset()).toThrow('has no way to');
    expect(() => bridge.holdIn(held('disabled'))).toThrow('`mode` must be forced_open: ');
    expect(() => bridge.configure({ cooldownMs: 5 })).toThrow('goes by its own settings');
  });
});

describe('the bridge to cockatiel', () => {
  test('closed, it leaves no trace', async () => {
    const policy = make();
    const { execute } = policy;
    const bridge = bridgeCockatiel(policy, { name: 'stock' });
    bridge.holdIn(held('forced_open'));
    expect(policy.execute).not.toBe(execute);
    await bridge.close();
    expect(policy.execute).toBe(execute);
    expect(Object.hasOwn(policy, 'execute')).toBe(false);
    expect(await policy.execute(works)).toBe('well');
    expect(counted(bridge)).toEqual({});
  });

  test('an execute that somebody has put in place since stays', async () => {
    const policy = make();
    const bridge = bridgeCockatiel(policy, { name: 'stock' });
    const bridged = policy.execute;
    policy.execute = (...given) => bridged.call(policy, ...given) as never;
    const theirs = policy.execute;
    await bridge.close();
    expect(policy.execute).toBe(theirs);
    expect(await policy.execute(works)).toBe('well');
  });

  test('the function gets what it got, and a caller’s mistake is rejected as before', async () => {
    const policy = make();
    const bare = make();
    bridgeCockatiel(policy, { name: 'stock' });
    const { signal } = new AbortController();
    expect(await policy.execute((context) => context, signal)).toEqual({ signal });
    const [own, theirs] = await Promise.all([policy, bare].map((one) => ending(one.execute(undefined as never))));
    expect(own).toBeInstanceOf(TypeError);
    expect(theirs).toBeInstanceOf(TypeError);
  });

  test('a call that began before the bridge leaves the calls in flight as they are', async () => {
    const policy = make();
    // A listener of the application’s, without which cockatiel tells nothing of such a call.
    policy.onSuccess(() => {});
    const early = Promise.withResolvers<string>();
    const call = policy.execute(() => early.promise);
    const bridge = bridgeCockatiel(policy, { name: 'stock' });
    early.resolve('well');
    await call;
    expect([await activeCalls(), counted(bridge)]).toEqual([0, { success: 1 }]);
  });
});
