import { expect, test } from 'vitest';
import { EVERYDAY } from './machine-happenings.ts';
import { Reached } from './machine-run.ts';
import { tryMachine } from './machine-sequences.ts';
import { runs } from './runs.ts';

const sequences = runs(200_000);
const reached = new Reached();

test('the machine does what a plain model does, whatever happens to it in whatever order', () => {
  tryMachine(sequences, EVERYDAY, reached);
}, 900_000);

test.runIf(sequences >= 10_000)('the sequences reach every transition and every reason of a trip', () => {
  expect([...reached.transitions].sort()).toEqual([
    'closed (operator)',
    'closed (probes_passed)',
    'disabled (operator)',
    'forced_open (operator)',
    'half_open (cooldown)',
    'half_open (operator)',
    'open (consecutive)',
    'open (operator)',
    'open (probe_failed)',
    'open (slow)',
    'open (threshold)',
    'shadow (operator)',
  ]);
  expect([...reached.shadowTrips].sort()).toEqual(['consecutive', 'slow', 'threshold']);
  expect(reached.lateResults).toBeGreaterThan(sequences / 2);
});
