import type { BreakerReadings } from './observer.ts';

/** The breakers of the process that report through OpenTelemetry: what its instruments and its producers read. */
export const observedBreakers: Set<BreakerReadings> = new Set();

let producers = 0;

/** Notes that a metric producer reads the breakers: no instruments are made until the function that it returns was called. */
export function noteProducer(): () => void {
  producers += 1;
  let isNoted = true;
  return () => {
    if (isNoted) producers -= 1;
    isNoted = false;
  };
}

/** Whether the breakers are read by a metric producer. */
export function haveProducer(): boolean {
  return producers > 0;
}
