import { afterEach } from 'vitest';
import {
  allBreakers,
  type Breaker,
  type BreakerOptions,
  createBreaker,
  type NeutralWire,
} from '../../src/breaker/index.ts';
import { ManualClock, RecordingObserver } from '../../src/breaker/testing.ts';
import { ending } from '../support/ending.ts';

export { ending };

let made = 0;

/** A breaker on a clock that stands still, closed down with the test: `using` or `close()`. */
export function makeBreaker<const Wires extends readonly NeutralWire[] = readonly []>(
  options: BreakerOptions<Wires> = {},
  name = `breaker-${++made}`,
): { readonly breaker: Breaker<Wires>; readonly clock: ManualClock; readonly observer: RecordingObserver } {
  const clock = (options.clock as ManualClock | undefined) ?? new ManualClock();
  const observer = new RecordingObserver();
  const breaker = createBreaker<Wires>(name, { telemetry: observer, ...options, clock });
  return { breaker, clock, observer };
}

/** Closes down every breaker after each test of the file. */
export function closeBreakersAfterEach(): void {
  afterEach(async () => {
    for (const breaker of allBreakers()) await breaker.close();
  });
}

/** No trip rule by default: the one under test is laid over it. */
export const NO_RULE = { failureRatio: null, slowRatio: null, countOverdue: false } as const;

/** Trips at the third failure and probes after a second. */
export const QUICK = {
  trip: { failureRatio: null, failures: 3, windowMs: 10_000 },
  cooldownMs: 1_000,
  halfOpen: { probes: 2, probeTimeoutMs: 500 },
  timeoutMs: 2_000,
} as const satisfies BreakerOptions;

export class Unwell extends Error {
  override readonly name = 'Unwell';
}

export function fails(): never {
  throw new Unwell('unwell');
}

type Executing = Pick<Breaker<readonly NeutralWire[]>, 'execute'> | Pick<Breaker<readonly []>, 'execute'>;

/** Sends `times` failing calls. */
export async function failTimes(breaker: Executing, times: number): Promise<void> {
  for (let call = 0; call < times; call++) await ending(breaker.execute(fails));
}

/** Sends `times` good calls. */
export async function succeedTimes(breaker: Executing, times: number): Promise<void> {
  for (let call = 0; call < times; call++) await breaker.execute(() => 'good');
}

/** A function that answers `ms` after it was called. */
export function takes<Answer = string>(clock: ManualClock, ms: number, answer = 'slow' as Answer) {
  return () => new Promise<Answer>((resolve) => clock.timer(ms, () => resolve(answer)));
}

/** A function that never answers. */
export function hangs(): Promise<never> {
  return new Promise(() => {});
}

/** A call whose end the test decides. */
export function deferred<T = string>() {
  return Promise.withResolvers<T>();
}
