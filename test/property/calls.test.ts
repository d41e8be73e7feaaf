import { CALL_OUTCOMES } from '@switchgear/conventions';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CAPACITY, CallsRun } from './calls-run.ts';
import { making, step } from './calls-steps.ts';
import { runs } from './runs.ts';

const steps = fc.array(step, { maxLength: 40, size: 'max' });

/** Outcomes that the sequences came to, over all of them: a property that reaches little says little. */
const reached = new Set<string>();

test('every call has exactly one outcome, every replay one more, and none is in flight in the end', async () => {
  await fc.assert(
    fc.asyncProperty(making, steps, async (made, happened) => {
      const run = new CallsRun(made);
      for (const next of happened) await run.take(next);
      await run.end();
      const { calls } = run.breaker.stats();
      expect(Object.values(calls).reduce((total, count) => total + count, 0)).toBe(run.received);
      for (const [outcome, count] of Object.entries(calls)) if (count > 0) reached.add(outcome);
    }),
    { numRuns: runs(300) },
  );
  expect([...reached].sort()).toEqual([...CALL_OUTCOMES].sort());
}, 120_000);

test('a buffer loses nothing in silence: received = replayed + dead + dropped + held', async () => {
  await fc.assert(
    fc.asyncProperty(making, steps, fc.nat(3_000), async (made, happened, drainForMs) => {
      const run = new CallsRun({ ...made, wires: made.wires === 'none' ? 'buffer' : made.wires });
      const buffer = () => run.breaker.stats().wires.find(({ kind }) => kind === 'buffer')!;
      const conserves = () => {
        const { buffered, failed, replayed, dead, dropped, depth } = buffer();
        // What it turned away is counted as failed, and among the dropped.
        expect(replayed + dead + dropped + depth).toBe(buffered + failed);
        expect(depth).toBeLessThanOrEqual(CAPACITY);
      };
      for (const next of happened) {
        await run.take(next);
        conserves();
      }
      await run.clock.advance(2_500);
      conserves();
      await run.end(drainForMs);
      conserves();
      expect(buffer().depth).toBe(0);
    }),
    { numRuns: runs(300) },
  );
}, 120_000);
