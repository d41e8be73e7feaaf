import fc from 'fast-check';
import { MachineRun, type Reached } from './machine-run.ts';
import { SETTINGS_BITS, settingsOf } from './machine-settings.ts';

/** Sequences this long on average half, with every length as likely as any other. */
const MOST_HAPPENINGS = 60;

/** Lets so many random sequences happen to the machine and its model, each from settings of its own, and then recover. */
export function tryMachine(numRuns: number, kinds: readonly string[], reached: Reached): void {
  const numbers = fc.noBias(fc.array(fc.nat(), { maxLength: MOST_HAPPENINGS, size: 'max' }));
  fc.assert(
    fc.property(fc.noBias(fc.nat(2 ** SETTINGS_BITS - 1)), numbers, (bits, happenings) => {
      const run = new MachineRun(settingsOf(bits), reached);
      run.live(happenings, kinds);
      run.recover();
      run.account();
    }),
    { numRuns },
  );
}
