import fc from 'fast-check';
import type { Happening } from './machine-happenings.ts';
import { MachineRun, type Reached } from './machine-run.ts';
import { SETTINGS_BITS, settingsOf } from './machine-settings.ts';

/** Every length up to this is as likely as any other. */
const MOST_HAPPENINGS = 60;
/** The modes of its own that it begins in. */
const MODES = ['auto', 'auto', 'shadow', 'disabled'] as const;

/**
 * Lets so many random sequences happen to the machine and its model, each from settings of its own, and then recover.
 * @param kinds what happens, how often
 * @param beginning what happens first, in every sequence
 */
export function tryMachine(
  numRuns: number,
  kinds: readonly string[],
  reached: Reached,
  beginning: readonly Happening[] = [],
): void {
  const numbers = fc.noBias(fc.array(fc.nat(), { maxLength: MOST_HAPPENINGS, size: 'max' }));
  fc.assert(
    fc.property(fc.noBias(fc.nat(2 ** SETTINGS_BITS - 1)), fc.nat(3), numbers, (bits, mode, happenings) => {
      const run = new MachineRun(settingsOf(bits), MODES[mode]!, reached);
      for (const happening of beginning) run.happen(happening);
      run.live(happenings, kinds);
      run.recover();
      run.account();
    }),
    { numRuns },
  );
}
