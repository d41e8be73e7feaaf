import {
  type KeyedBreakers,
  type KeyedBreakersOptions,
  keyedBreakers,
  type NeutralWire,
} from '../../../src/breaker/index.ts';
import { ManualClock, RecordingObserver } from '../../../src/breaker/testing.ts';
import { QUICK } from '../support.ts';

let made = 0;

/** A group on a clock that stands still, of breakers that trip at the third failure. */
export function makeGroup<const Wires extends readonly NeutralWire[] = readonly []>(
  options: KeyedBreakersOptions<Wires> = {},
  name = `group-${++made}`,
): { readonly group: KeyedBreakers<Wires>; readonly clock: ManualClock; readonly observer: RecordingObserver } {
  const clock = new ManualClock();
  const observer = new RecordingObserver();
  const group = keyedBreakers<Wires>(name, { ...QUICK, telemetry: observer, clock, ...options });
  return { group, clock, observer };
}
