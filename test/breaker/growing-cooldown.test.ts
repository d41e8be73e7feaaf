import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { BreakerOptions } from '../../src/breaker/index.ts';
import { closeBreakersAfterEach, failTimes, makeBreaker, NO_RULE, succeedTimes } from './support.ts';

closeBreakersAfterEach();

const RULES = {
  trip: { ...NO_RULE, failures: 1 },
  halfOpen: { probes: 1 },
} as const satisfies BreakerOptions;

/** The cooldowns of so many trips in a row, each after a failed probe. */
async function cooldowns({ breaker, clock, observer }: ReturnType<typeof makeBreaker>, trips: number) {
  const all = () => observer.of<{ to: string; cooldownMs: number }>('transitioned').filter(({ to }) => to === 'open');
  const before = all().length;
  for (let trip = 0; trip < trips; trip++) {
    await failTimes(breaker, 1);
    await clock.advance(Math.ceil(all().at(-1)?.cooldownMs ?? 0));
  }
  return all()
    .slice(before)
    .map(({ cooldownMs }) => cooldownMs);
}

describe('a growing cooldown', () => {
  test('grows by its factor with each failed probe, up to its most', async () => {
    const made = makeBreaker({ ...RULES, cooldownMs: { baseMs: 1_000, maxMs: 5_000, factor: 2, jitter: 0 } });
    expect(await cooldowns(made, 6)).toEqual([1_000, 2_000, 4_000, 5_000, 5_000, 5_000]);
  });

  test('lets no call through before its time', async () => {
    const { breaker, clock } = makeBreaker({
      ...RULES,
      cooldownMs: { baseMs: 1_000, maxMs: 60_000, factor: 3, jitter: 0 },
    });
    await failTimes(breaker, 1);
    await clock.advance(1_000);
    await failTimes(breaker, 1);
    await clock.advance(2_999);
    let ran = 0;
    await expect(breaker.execute(() => ran++)).rejects.toMatchObject({ code: 'BREAKER_OPEN', retryAfterMs: 1 });
    await clock.advance(1);
    await breaker.execute(() => ran++);
    expect(ran).toBe(1);
  });

  test('begins at its base again after a reset, by probes or by an operator', async () => {
    const made = makeBreaker({ ...RULES, cooldownMs: { baseMs: 1_000, maxMs: 60_000, factor: 2, jitter: 0 } });
    const { breaker } = made;
    expect(await cooldowns(made, 3)).toEqual([1_000, 2_000, 4_000]);
    await succeedTimes(breaker, 1);
    expect(breaker.state).toBe('closed');
    expect(await cooldowns(made, 2)).toEqual([1_000, 2_000]);
    breaker.reset();
    expect(await cooldowns(made, 1)).toEqual([1_000]);
  });

  test('leaves no more than its share to chance, and that share it does', async () => {
    await fc.assert(
      fc.asyncProperty(fc.double({ min: 0.1, max: 1, noNaN: true }), async (jitter) => {
        const made = makeBreaker({ ...RULES, cooldownMs: { baseMs: 1_000, maxMs: 1_000, factor: 1, jitter } });
        const lengths = await cooldowns(made, 20);
        for (const length of lengths) {
          expect(length).toBeLessThanOrEqual(1_000);
          expect(length).toBeGreaterThanOrEqual(1_000 * (1 - jitter));
        }
        expect(new Set(lengths).size).toBeGreaterThan(1);
        await made.breaker.close();
      }),
      { numRuns: 30 },
    );
  });

  test('given by its base alone doubles up to ten times that, with full jitter', () => {
    const { breaker } = makeBreaker({ ...RULES, cooldownMs: { baseMs: 100 } });
    expect(breaker.settings.cooldownMs).toEqual({ baseMs: 100, maxMs: 1_000, factor: 2, jitter: 1 });
  });

  test('whose most is below its base is refused', () => {
    expect(() => makeBreaker({ ...RULES, cooldownMs: { baseMs: 100, maxMs: 99 } })).toThrow(
      '`cooldownMs.maxMs` must not be below baseMs, got 99',
    );
  });
});
