import { guardFetch } from '@switchgear/adapters/fetch';
import type { ResponseHead } from '@switchgear/adapters/http-answers';
import { type Breaker, type BreakerOptions, createBreaker } from '@switchgear/breaker';
import { ManualClock } from '@switchgear/breaker/testing';
import { onTestFinished } from 'vitest';
import { Upstream } from '../support/upstream.ts';

export interface Guarded {
  readonly upstream: Upstream;
  readonly clock: ManualClock;
  readonly breaker: Breaker;
  /** Calls by path. */
  readonly get: (path: string, init?: RequestInit) => Promise<Response>;
}

/** A service that calls an upstream under a breaker which trips by the second failure on end. */
export async function guardedUpstream(options: BreakerOptions): Promise<Guarded> {
  const upstream = await Upstream.start();
  const clock = new ManualClock();
  const breaker = createBreaker(`answers-${upstream.port}`, {
    clock,
    telemetry: 'off',
    trip: { consecutive: 2 },
    isFailureResult: (head) => (head as ResponseHead).status >= 500,
    ...options,
  });
  onTestFinished(() => breaker.close());
  const guarded = guardFetch(fetch, breaker);
  return { upstream, clock, breaker, get: (path, init) => guarded(`${upstream.url}${path}`, init) };
}
