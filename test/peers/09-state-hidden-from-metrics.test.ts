import { ATTR, BREAKER_STATES, METRICS } from '@switchgear/conventions';
import { describe, expect, test } from 'vitest';
import { breakerMetricProducer, createBreaker } from '../../src/breaker/index.ts';
import { ManualClock } from '../../src/breaker/testing.ts';
import { closeBreakersAfterEach, failTimes, hangs, NO_RULE, succeedTimes } from '../breaker/support.ts';
import { registerSdk } from '../breaker/telemetry/sdk.ts';

closeBreakersAfterEach();

const sdk = registerSdk({ metricProducers: [breakerMetricProducer()] });

/** The states whose series stand at 1. */
async function shown(name: string): Promise<string[]> {
  const found = await sdk.metricsOf(name);
  const points = found.find(({ descriptor }) => descriptor.name === METRICS.status.name)?.dataPoints ?? [];
  expect(points.map(({ attributes }) => attributes[ATTR.state]).sort()).toEqual([...BREAKER_STATES].sort());
  return points.filter(({ value }) => value === 1).map(({ attributes }) => String(attributes[ATTR.state]));
}

/**
 * opossum#331, failsafe-go#46, Polly#1828: events of transitions are counted, but what state a breaker is in now has to be
 * guessed from them; one that never changed, or that changed before somebody looked, cannot be seen at all.
 */
describe('the state is a metric', () => {
  test('from the first look on, before any call, and in every state it enters', async () => {
    const clock = new ManualClock();
    const trip = { ...NO_RULE, failures: 2 };
    const breaker = createBreaker('seen', {
      clock,
      trip,
      cooldownMs: 1_000,
      halfOpen: { probes: 1, probeTimeoutMs: 500 },
    });
    expect(await shown('seen')).toEqual(['closed']);
    await failTimes(breaker, 2);
    expect(await shown('seen')).toEqual(['open']);
    // Nobody called meanwhile: it is still open, since the next call is what it would try the dependency with.
    await clock.advance(3_600_000);
    expect(await shown('seen')).toEqual(['open']);
    void breaker.execute(hangs).catch(() => {});
    expect(await shown('seen')).toEqual(['half_open']);
    await clock.advance(1_500);
    expect(await shown('seen')).toEqual(['open']);
    await succeedTimes(breaker, 1);
    expect(await shown('seen')).toEqual(['closed']);
    const expiresAt = new Date(clock.wallMs() + 60_000).toISOString();
    for (const mode of ['forced_open', 'disabled', 'shadow'] as const) {
      breaker.holdIn({ mode, reason: 'r', actor: 'a', expiresAt });
      expect(await shown('seen')).toEqual([mode]);
    }
    await clock.advance(60_000);
    expect(await shown('seen')).toEqual(['closed']);
  });

  test('for a probe that a hand took and never gave back: the look itself finds its deadline passed', async () => {
    const clock = new ManualClock();
    const breaker = createBreaker('looked-at', {
      clock,
      cooldownMs: 1_000,
      halfOpen: { probes: 1, probeTimeoutMs: 500 },
    });
    breaker.trip();
    await clock.advance(1_000);
    breaker.acquire();
    expect(await shown('looked-at')).toEqual(['half_open']);
    await clock.advance(500);
    expect(await shown('looked-at')).toEqual(['open']);
  });

  test('and is gone with its breaker', async () => {
    const breaker = createBreaker('gone', { clock: new ManualClock() });
    expect(await shown('gone')).toEqual(['closed']);
    await breaker.close();
    expect(await sdk.metricsOf('gone')).toEqual([]);
  });
});
