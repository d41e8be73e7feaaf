import { bufferWire, createBreaker, isReceipt } from '@switchgear/breaker';
import type { Contender } from '../contender.ts';
import { expectCount } from '../contender.ts';
import type { Measurement } from '../measurement.ts';
import { answer, DAY_MS } from '../peers.ts';
import { timeSideBySide } from '../side-by-side.ts';

const CAPACITY = 1_000_000;
/** What the caller knows of its input: to measure it is the caller's own work. */
const INPUT_BYTES = 100;

/** Calls that a buffer in memory takes in. It is emptied between the rounds. */
export async function divertIntoMemory(): Promise<Measurement[]> {
  const buffer = bufferWire({ capacity: CAPACITY, maxBytes: CAPACITY * INPUT_BYTES, sizeOf: () => INPUT_BYTES });
  const breaker = createBreaker('bench divert', { cooldownMs: DAY_MS, neutralWires: [buffer] });
  const charge = breaker.protect(answer, { name: 'charge' });
  breaker.trip();
  const contenders: Contender[] = [
    { name: 'bare call', call: () => answer().then(isNumber), answer: true },
    {
      name: 'switchgear',
      call: () => charge(undefined).then(isReceipt),
      answer: true,
      check: (calls) => expectCount('switchgear', breaker.stats().calls.diverted, calls),
    },
  ];
  const purge = async () => {
    await buffer.purge();
  };
  return [await timeSideBySide('divert-memory', 'diverted into a buffer in memory', contenders, purge)];
}

function isNumber(value: unknown): boolean {
  return typeof value === 'number';
}
