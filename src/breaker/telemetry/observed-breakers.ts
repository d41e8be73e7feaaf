import type { BreakerReadings } from './observer.ts';

/** The breakers of the process that report through OpenTelemetry: what its instruments and its producers read. */
export const observedBreakers: Set<BreakerReadings> = new Set();

let produced = false;

/** Notes that a metric producer reads the breakers: no instruments are made from then on. */
export function noteProducer(): void {
  produced = true;
}

/** Whether the breakers are read by a metric producer. */
export function haveProducer(): boolean {
  return produced;
}
