import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type BufferMaking, BufferRun, type BufferStep } from './buffer-run.ts';
import { runs } from './runs.ts';

const making: fc.Arbitrary<BufferMaking> = fc.record({
  isShared: fc.boolean(),
  overflow: fc.constantFrom('next', 'reject', 'dropOldest'),
  concurrency: fc.integer({ min: 1, max: 4 }),
  ramp: fc.constantFrom([], [0.3, 0.6]),
  onDead: fc.constantFrom('none', 'takes', 'throws'),
});

const divert = fc.record({ do: fc.constant('divert' as const), key: fc.constantFrom(null, 1, 2) });
const step: fc.Arbitrary<BufferStep> = fc.oneof(
  { arbitrary: divert, weight: 6 },
  {
    arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(10, 50, 300, 1_000, 2_500) }),
    weight: 5,
  },
  { arbitrary: fc.record({ do: fc.constant('live calls' as const), count: fc.constantFrom(1, 5, 20) }), weight: 2 },
  { arbitrary: fc.record({ do: fc.constantFrom('trip' as const, 'reset' as const, 'restart' as const) }), weight: 4 },
  {
    arbitrary: fc.record({
      do: fc.constantFrom(
        'pause' as const,
        'resume' as const,
        'purge' as const,
        'be well' as const,
        'be unwell' as const,
        'refuse' as const,
        'hang' as const,
        'go on' as const,
        'spool fails' as const,
        'spool works' as const,
      ),
    }),
    weight: 4,
  },
  {
    arbitrary: fc.record({
      do: fc.constantFrom('others end' as const, 'be overtaken' as const),
      as: fc.constantFrom('replayed' as const, 'dead' as const, 'dropped' as const),
    }),
    weight: 2,
  },
);

/** Chance comes by these too, but not each time. */
const SHARED: BufferMaking = { isShared: true, overflow: 'next', concurrency: 1, ramp: [], onDead: 'none' };
const TOO_LATE: [BufferMaking, BufferStep[]][] = (['replayed', 'dead', 'dropped'] as const).map((kind) => [
  SHARED,
  [
    { do: kind === 'dead' ? 'refuse' : 'be well' },
    { do: 'divert', key: 1 },
    { do: 'be overtaken', as: kind },
    { do: kind === 'dropped' ? 'purge' : 'reset' },
    { do: 'wait', ms: 1_000 },
  ],
]);

/** What became of calls, over all sequences: a property that reaches little says little. */
const reached = new Set<string>();

test('whatever happens, received = replayed + dead + dropped + held, keys keep their order, and receipts settle', async () => {
  await fc.assert(
    fc.asyncProperty(making, fc.array(step, { maxLength: 40, size: 'max' }), async (made, steps) => {
      const run = new BufferRun(made);
      for (const next of steps) await run.take(next);
      const { dropped, ...ends } = await run.end();
      for (const [end, count] of Object.entries({ ...ends, ...dropped })) if (count > 0) reached.add(end);
      for (const end of run.spool.late) reached.add(`${end} too late`);
    }),
    { numRuns: runs(500), examples: TOO_LATE },
  );
  // A durable spool keeps what is dead, so that nothing is dropped as exhausted.
  expect([...reached].sort()).toEqual([
    'dead',
    'dead too late',
    'dropped too late',
    'expired',
    'overflow',
    'received',
    'replayed',
    'replayed too late',
    'shutdown',
  ]);
}, 120_000);
