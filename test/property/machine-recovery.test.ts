import { expect, test } from 'vitest';
import { type Happening, RECOVERY } from './machine-happenings.ts';
import { Reached } from './machine-run.ts';
import { tryMachine } from './machine-sequences.ts';
import { runs } from './runs.ts';

const sequences = runs(200_000);
/** Enough good probes for most settings: most sequences go on in the ramp, where there is one. */
const goodProbes: readonly Happening[] = [
  { what: 'restore', to: { kind: 'half_open', reopenings: 1 } },
  { what: 'calls', calls: 3 },
  { what: 'all_end_well' },
  { what: 'calls', calls: 1 },
  { what: 'all_end_well' },
];
const reached = new Reached();

test('the machine recovers as a plain model does, through trips, probes and the steps of a ramp', () => {
  tryMachine(sequences, RECOVERY, reached, goodProbes);
}, 900_000);

test.runIf(sequences >= 10_000)('the sequences reach the last step of a ramp and as many probes as may be out', () => {
  expect(reached.mostSteps).toBe(3);
  expect(reached.mostProbesOut).toBe(16);
  expect(reached.mostReopenings).toBeGreaterThan(3);
});
