import { createBreaker, fallbackWire } from '@switchgear/breaker';
import { circuitBreaker, handleAll, isBrokenCircuitError, SamplingBreaker } from 'cockatiel';
import CircuitBreaker from 'opossum';

export type Peer = 'bare call' | 'switchgear' | 'cockatiel' | 'opossum';

export interface Case {
  readonly name: string;
  readonly calls: ReadonlyMap<Peer, () => Promise<unknown>>;
}

const DAY_MS = 86_400_000;
const answer = async () => 42;
const fail = async () => {
  throw new Error('down');
};

/** The paths of a call that users pay for: let through; answered by a fallback while open; rejected. */
export async function cases(): Promise<Case[]> {
  return [await closed(), await openWithFallback(), await openRejected()];
}

async function closed(): Promise<Case> {
  const switchgear = createBreaker('bench-closed');
  const cockatiel = samplingBreaker();
  const opossum = new CircuitBreaker(answer, { timeout: 10_000 });
  return {
    name: 'closed, default options',
    calls: new Map<Peer, () => Promise<unknown>>([
      ['bare call', answer],
      ['switchgear', () => switchgear.execute(answer)],
      ['cockatiel', () => cockatiel.execute(answer)],
      ['opossum', () => opossum.fire()],
    ]),
  };
}

async function openWithFallback(): Promise<Case> {
  const switchgear = createBreaker('bench-fallback', { cooldownMs: DAY_MS, neutralWires: [fallbackWire(() => 7)] });
  switchgear.trip();
  const opossum = new CircuitBreaker(answer, { resetTimeout: DAY_MS });
  opossum.fallback(() => 7);
  opossum.open();
  return {
    name: 'open, answered by fallback',
    calls: new Map<Peer, () => Promise<unknown>>([
      ['switchgear', () => switchgear.execute(answer)],
      ['opossum', () => opossum.fire()],
    ]),
  };
}

async function openRejected(): Promise<Case> {
  const switchgear = createBreaker('bench-rejected', { cooldownMs: DAY_MS });
  switchgear.trip();
  const cockatiel = samplingBreaker();
  for (let calls = 0; calls < 100; calls++) await cockatiel.execute(fail).catch(() => undefined);
  const opossum = new CircuitBreaker(answer, { resetTimeout: DAY_MS });
  opossum.open();
  return {
    name: 'open, rejected',
    calls: new Map<Peer, () => Promise<unknown>>([
      ['switchgear', () => expectRejection(switchgear.execute(answer), 'BREAKER_OPEN')],
      [
        'cockatiel',
        () => cockatiel.execute(answer).then(unexpected, (error) => isBrokenCircuitError(error) || unexpected()),
      ],
      ['opossum', () => expectRejection(opossum.fire(), 'EOPENBREAKER')],
    ]),
  };
}

function samplingBreaker() {
  const breaker = new SamplingBreaker({ threshold: 0.5, duration: 10_000, minimumRps: 2 });
  return circuitBreaker(handleAll, { halfOpenAfter: DAY_MS, breaker });
}

/** A case that does not take the path it is named for measures nothing. */
function expectRejection(call: Promise<unknown>, code: string): Promise<unknown> {
  return call.then(unexpected, (error: { code?: string }) => error.code === code || unexpected());
}

function unexpected(): never {
  throw new Error('the call did not take the path that this case measures');
}
