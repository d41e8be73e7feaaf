import {
  type Breaker,
  type BufferWireOptions,
  bufferWire,
  type NeutralWire,
  type Receipt,
} from '../../../src/breaker/index.ts';
import { makeBreaker, Unwell } from '../support.ts';

/** A dependency that is well or not, as the test says, and keeps what it was asked. */
export class Dependency {
  well = true;
  readonly asked: number[] = [];
  readonly answered: number[] = [];

  readonly answer = async (input: number): Promise<string> => {
    this.asked.push(input);
    if (!this.well) throw new Unwell(`unwell at ${input}`);
    this.answered.push(input);
    return `answer ${input}`;
  };
}

export const RULES = {
  trip: { failureRatio: null, failures: 1, windowMs: 10_000 },
  cooldownMs: 1_000,
  halfOpen: { probes: 1, probeTimeoutMs: 500 },
  timeoutMs: 100,
} as const;

/** A breaker over a dependency with one buffer, which trips at the first failure. */
export function makeBuffered(buffer: BufferWireOptions = {}) {
  const dependency = new Dependency();
  const wire = bufferWire(buffer);
  const made = makeBreaker({ ...RULES, neutralWires: [wire] });
  const call = made.breaker.protect(dependency.answer);
  return { ...made, wire, dependency, call };
}

export function statsOf(breaker: Breaker<readonly [NeutralWire<Receipt>]>) {
  const [stats] = breaker.stats().wires;
  if (!stats) throw new Error('no wire');
  return stats;
}
