import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RampTurns } from '../../../src/breaker/neutral/ramp-turns.ts';

/** A step of the ramp as the breaker counts it. */
class Step {
  readonly since = 0;
  readonly share: number;
  offered = 0;
  admitted = 0;

  constructor(share: number) {
    this.share = share;
  }

  ask(): boolean {
    this.offered += 1;
    const passes = this.admitted < this.offered * this.share;
    if (passes) this.admitted += 1;
    return passes;
  }
}

test('whatever the order in which live calls and replays come, as many live calls pass as without replays', () => {
  let replays = 0;
  const share = fc.constantFrom(0.01, 0.1, 0.25, 0.3, 0.5, 0.7, 1);
  fc.assert(
    fc.property(share, fc.array(fc.boolean(), { maxLength: 300 }), (part, areLive) => {
      const step = new Step(part);
      const alone = new Step(part);
      const turns = new RampTurns();
      let live = 0;
      for (const isLive of areLive) {
        if (isLive) {
          alone.ask();
          live += step.ask() ? 1 : 0;
        } else if (turns.mayAsk(step, false)) {
          const isLetThrough = step.ask();
          turns.asked(isLetThrough);
          replays += isLetThrough ? 1 : 0;
        }
        expect(live).toBeGreaterThanOrEqual(alone.admitted);
      }
    }),
    { numRuns: 500 },
  );
  expect(replays).toBeGreaterThan(0);
});

test('where no live call comes, a replay takes what is there', () => {
  const step = new Step(0.1);
  const turns = new RampTurns();
  expect(turns.mayAsk(step, false)).toBe(false);
  expect(turns.mayAsk(step, true)).toBe(true);
});

test('each step is reckoned by itself', () => {
  const turns = new RampTurns();
  const first = { since: 0, share: 0.5, offered: 0, admitted: 0 };
  expect(turns.mayAsk(first, false)).toBe(false);
  turns.asked(false);
  expect(turns.mayAsk(first, false)).toBe(true);
  expect(turns.mayAsk({ since: 1, share: 0.5, offered: 0, admitted: 0 }, false)).toBe(false);
});
