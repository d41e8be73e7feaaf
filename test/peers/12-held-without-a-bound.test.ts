import { describe, expect, test } from 'vitest';
import { BreakerOpenError, bufferWire, isReceipt, WireRefusedError } from '../../src/breaker/index.ts';
import { closeBreakersAfterEach, ending, hangs, makeBreaker, NO_RULE } from '../breaker/support.ts';

closeBreakersAfterEach();

/**
 * Polly#2591 and resilience4j#370: calls that wait for a place or for the breaker to close, in a queue that an outage fills
 * until the process dies of it.
 */
describe('what a breaker holds has a bound', () => {
  const RULES = {
    trip: { ...NO_RULE, failures: 1 },
    cooldownMs: 60_000,
    halfOpen: { probes: 1, probeTimeoutMs: 60_000 },
  } as const;

  test('in calls: those beyond are refused at once, each with why, and counted', async () => {
    const { breaker, observer } = makeBreaker({ ...RULES, neutralWires: [bufferWire({ capacity: 100 })] });
    const call = breaker.protect(async (input: number) => input);
    breaker.trip();
    const answers: unknown[] = [];
    for (let input = 0; input < 10_000; input++) answers.push(await ending(call(input)));
    expect(answers.filter(isReceipt)).toHaveLength(100);
    const refused = answers.filter((answer) => answer instanceof BreakerOpenError);
    expect(refused).toHaveLength(9_900);
    expect(refused[0]?.causes[0]).toBeInstanceOf(WireRefusedError);
    expect(breaker.stats().calls).toMatchObject({ diverted: 100, rejected: 9_900 });
    expect(breaker.stats().wires[0]).toMatchObject({ depth: 100, dropped: 9_900 });
    expect(observer.of('dropped')).toHaveLength(9_900);
  });

  test('in bytes, however few the calls are', async () => {
    const wire = bufferWire({ maxBytes: 1_000_000 });
    const { breaker } = makeBreaker({ ...RULES, neutralWires: [wire] });
    const call = breaker.protect(async (input: string) => input.length);
    breaker.trip();
    for (let input = 0; input < 50; input++) await ending(call('x'.repeat(100_000)));
    expect(wire.load?.().sizeBytes).toBeLessThanOrEqual(1_000_000);
    expect(breaker.stats().wires[0]).toMatchObject({ depth: 9, dropped: 41 });
  });

  test('in time: what nobody could deliver is given up, and counted', async () => {
    const { breaker, clock } = makeBreaker({ ...RULES, neutralWires: [bufferWire({ ttlMs: 5_000 })] });
    const call = breaker.protect(async (input: number) => input);
    breaker.trip();
    for (let second = 0; second < 30; second++) {
      for (let input = 0; input < 10; input++) await call(input);
      await clock.advance(1_000);
    }
    const [wire] = breaker.stats().wires;
    expect(wire).toMatchObject({ buffered: 300, depth: 40, dropped: 260 });
  });

  test('by default as well', async () => {
    const wire = bufferWire();
    const { breaker } = makeBreaker({ ...RULES, neutralWires: [wire] });
    const call = breaker.protect(async (input: number) => input);
    breaker.trip();
    for (let input = 0; input < 1_100; input++) await ending(call(input));
    expect(wire.load?.()).toMatchObject({ depth: 1_000, capacity: 1_000 });
  });

  test('nobody is parked: beside a probe, and over the concurrency limit, callers have their answer at once', async () => {
    const { breaker, clock } = makeBreaker({ ...RULES, maxConcurrent: 1 });
    void ending(breaker.execute(hangs));
    const overLimit = await Promise.all(Array.from({ length: 1_000 }, () => ending(breaker.execute(hangs))));
    expect(new Set(overLimit.map((error) => (error as { code: string }).code))).toEqual(new Set(['BREAKER_LIMITED']));
    breaker.trip();
    await clock.advance(60_000);
    void ending(breaker.execute(hangs));
    const besideProbe = await Promise.all(Array.from({ length: 1_000 }, () => ending(breaker.execute(hangs))));
    expect(new Set(besideProbe.map((error) => (error as { code: string }).code))).toEqual(new Set(['BREAKER_OPEN']));
  });

  test('permits by hand that nobody gives back are at most 1,024', () => {
    const { breaker } = makeBreaker(RULES);
    for (let call = 0; call < 10_000; call++) breaker.allow();
    expect(breaker.stats().calls.cancelled).toBe(10_000 - 1_024);
  });
});
