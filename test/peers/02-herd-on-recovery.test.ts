import { describe, expect, test } from 'vitest';
import { bufferWire, isReceipt } from '../../src/breaker/index.ts';
import { ManualClock } from '../../src/breaker/testing.ts';
import { closeBreakersAfterEach, ending, makeBreaker, NO_RULE, takes } from '../breaker/support.ts';

closeBreakersAfterEach();

/** A dependency that knows how many calls it has at a time. */
class Dependency {
  mostAtATime = 0;
  answered = 0;
  readonly #clock: ManualClock;
  #now = 0;

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  readonly call = async (): Promise<void> => {
    this.#now += 1;
    this.mostAtATime = Math.max(this.mostAtATime, this.#now);
    await takes(this.#clock, 50)();
    this.#now -= 1;
    this.answered += 1;
  };
}

/**
 * opossum#613, cockatiel#73, Hystrix#1647, safe-client-gateway#3442: all that waited comes at the instant the cooldown ends,
 * and the dependency that had just come back goes down under it.
 */
describe('recovery lets no herd through', () => {
  const RULES = {
    trip: { ...NO_RULE, failureRatio: 0.5, minimumCalls: 20 },
    cooldownMs: 1_000,
    halfOpen: { probes: 3, probeTimeoutMs: 500, ramp: [0.1, 0.5], rampStepMs: 1_000 },
  } as const;

  test('a thousand callers at the end of the cooldown are three probes, and the rest is refused', async () => {
    const clock = new ManualClock();
    const dependency = new Dependency(clock);
    const { breaker } = makeBreaker({ ...RULES, clock });
    breaker.trip();
    await clock.advance(1_000);
    const calls = Array.from({ length: 1_000 }, () => ending(breaker.execute(dependency.call)));
    await clock.advance(50);
    await Promise.all(calls);
    expect(dependency.mostAtATime).toBe(3);
    expect(breaker.stats().calls).toMatchObject({ success: 3, rejected: 997 });
  });

  test('after the probes comes a tenth, then half of them, and only then all', async () => {
    const clock = new ManualClock();
    const { breaker } = makeBreaker({ ...RULES, clock });
    breaker.trip();
    await clock.advance(1_000);
    for (let probe = 0; probe < 3; probe++) await breaker.execute(() => 'well');
    const most: number[] = [];
    for (let step = 0; step < 3; step++) {
      const dependency = new Dependency(clock);
      const calls = Array.from({ length: 1_000 }, () => ending(breaker.execute(dependency.call)));
      await clock.advance(1_000);
      await Promise.all(calls);
      most.push(dependency.mostAtATime);
    }
    expect(most).toEqual([100, 500, 1_000]);
    expect(breaker.state).toBe('closed');
  });

  test('five hundred held calls are replayed at their pace, one at a time', async () => {
    const clock = new ManualClock();
    const dependency = new Dependency(clock);
    const wire = bufferWire({ drainPerSecond: 10 });
    const { breaker } = makeBreaker({ ...RULES, clock, neutralWires: [wire] });
    const call = breaker.protect((_: number) => dependency.call());
    breaker.trip();
    for (let input = 0; input < 500; input++) expect(isReceipt(await call(input))).toBe(true);
    breaker.reset();
    await clock.advance(10_000);
    expect(dependency.answered).toBeGreaterThan(90);
    expect(dependency.answered).toBeLessThanOrEqual(101);
    expect(dependency.mostAtATime).toBe(1);
  });

  test('fifty instances that tripped in the same instant do not come back in the same instant', async () => {
    const cooldownMs = { baseMs: 10_000, maxMs: 10_000, factor: 1, jitter: 0.5 };
    const instances = Array.from({ length: 50 }, () => makeBreaker({ ...RULES, cooldownMs }));
    const perTenth = new Map<number, number>();
    for (const { breaker, observer } of instances) {
      breaker.trip();
      const [trip] = observer.of<{ cooldownMs: number }>('transitioned');
      const tenth = Math.floor((trip?.cooldownMs ?? 0) / 500);
      perTenth.set(tenth, (perTenth.get(tenth) ?? 0) + 1);
    }
    // Ten half-seconds for fifty instances: five each, were they even. Twenty in one have a chance below one in a million.
    expect(perTenth.size).toBeGreaterThan(4);
    expect(Math.max(...perTenth.values())).toBeLessThan(20);
  });
});
