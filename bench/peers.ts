import { circuitBreaker, handleAll, SamplingBreaker } from 'cockatiel';
import { Circuit, type CircuitFunction, type Module, SlidingTimeBreaker } from 'mollitia';

/** Longer than any run: a breaker that is opened for a case stays open. */
export const DAY_MS = 86_400_000;
export const ANSWER = 42;
export const answer = async () => ANSWER;
export const fail = async () => {
  throw new Error('down');
};

/** Cockatiel's breaker of a time window. It has no defaults, so it gets ours: half of at least 20 calls in 10 s. */
export function cockatielBreaker() {
  const breaker = new SamplingBreaker({ threshold: 0.5, duration: 10_000, minimumRps: 2 });
  return circuitBreaker(handleAll, { halfOpenAfter: DAY_MS, breaker });
}

export async function openCockatielBreaker() {
  const policy = cockatielBreaker();
  for (let calls = 0; calls < 100; calls++) await policy.execute(fail).catch(() => undefined);
  return policy;
}

/**
 * Mollitia's breaker of a time window, in milliseconds; its default of 60 of them would keep next to nothing. It copies its
 * window, of up to 1,000 calls, at every call, and that is most of what it takes.
 */
export function mollitiaBreaker(): SlidingTimeBreaker {
  return new SlidingTimeBreaker({
    slidingWindowSize: 10_000,
    minimumNumberOfCalls: 20,
    failureRateThreshold: 50,
    openStateDelay: DAY_MS,
  });
}

export function mollitiaCircuit(func: CircuitFunction, modules: Module[] = [mollitiaBreaker()]): Circuit {
  return new Circuit({ func, options: { modules } });
}
