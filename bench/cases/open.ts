import { createBreaker, fallbackWire } from '@switchgear/breaker';
import { fallback as cockatielFallback, handleAll, isBrokenCircuitError, wrap } from 'cockatiel';
import { BreakerError } from 'mollitia';
import CircuitBreaker from 'opossum';
import { type Contender, expectCount, expectRejection, hasCode, REJECTED } from '../contender.ts';
import type { Measurement } from '../measurement.ts';
import { answer, DAY_MS, fail, mollitiaBreaker, mollitiaCircuit, openCockatielBreaker } from '../peers.ts';
import { timeSideBySide } from '../side-by-side.ts';

const FALLBACK = 7;

/** Calls that an open breaker turns away; the caller gets its error. */
export async function rejected(): Promise<Measurement[]> {
  const policy = await openCockatielBreaker();
  const breaker = new CircuitBreaker(answer, { resetTimeout: DAY_MS });
  breaker.open();
  const module = mollitiaBreaker();
  await module.open();
  const circuit = mollitiaCircuit(answer, [module]);
  const contenders: Contender[] = [
    { name: 'bare call that throws', call: () => expectRejection(fail(), () => true), answer: REJECTED },
    rejecting(),
    { name: 'cockatiel', call: () => expectRejection(policy.execute(answer), isBrokenCircuitError), answer: REJECTED },
    {
      name: 'opossum',
      call: () => expectRejection(breaker.fire(), (error) => hasCode(error, 'EOPENBREAKER')),
      answer: REJECTED,
    },
    {
      name: 'mollitia',
      call: () => expectRejection(circuit.execute(), (error) => error instanceof BreakerError),
      answer: REJECTED,
    },
  ];
  return [await timeSideBySide('rejected', 'open, rejected', contenders)];
}

/** Calls that an open breaker has answered in another way. Mollitia's fallback can only change the error. */
export async function fallback(): Promise<Measurement[]> {
  const policy = wrap(cockatielFallback(handleAll, FALLBACK), await openCockatielBreaker());
  const breaker = new CircuitBreaker(answer, { resetTimeout: DAY_MS });
  breaker.fallback(() => FALLBACK);
  breaker.open();
  const contenders: Contender[] = [
    diverting(),
    { name: 'cockatiel', call: () => policy.execute(answer), answer: FALLBACK },
    { name: 'opossum', call: () => breaker.fire(), answer: FALLBACK },
  ];
  return [await timeSideBySide('fallback', 'open, answered by a fallback wire', contenders)];
}

export function rejecting(): Contender {
  const breaker = createBreaker('bench rejected', { cooldownMs: DAY_MS });
  breaker.trip();
  return {
    name: 'switchgear',
    call: () => expectRejection(breaker.execute(answer), (error) => hasCode(error, 'BREAKER_OPEN')),
    answer: REJECTED,
    check: (calls) => expectCount('switchgear', breaker.stats().calls.rejected, calls),
  };
}

export function diverting(): Contender {
  const breaker = createBreaker('bench fallback', {
    cooldownMs: DAY_MS,
    neutralWires: [fallbackWire(() => FALLBACK)],
  });
  breaker.trip();
  return {
    name: 'switchgear',
    call: () => breaker.execute(answer),
    answer: FALLBACK,
    check: (calls) => expectCount('switchgear', breaker.stats().calls.diverted, calls),
  };
}
