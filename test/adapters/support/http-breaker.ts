import type { ResponseHead } from '@switchgear/adapters/http-answers';
import { type Breaker, type BreakerOptions, createBreaker } from '@switchgear/breaker';
import { onTestFinished } from 'vitest';

let made = 0;

/** A breaker for one test to which a status of 500 and above is a failure. It trips by the third in a row. */
export function httpBreaker(options: BreakerOptions = {}): Breaker {
  const breaker = createBreaker(`http-${++made}`, {
    telemetry: 'off',
    trip: { consecutive: 3 },
    isFailureResult: (head) => (head as ResponseHead).status >= 500,
    ...options,
  });
  onTestFinished(() => breaker.close());
  return breaker;
}
