import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';
import { expect, test } from 'vitest';
import { bufferWire, createBreaker } from '../../src/breaker/index.ts';
import { ManualClock } from '../../src/breaker/testing.ts';

/** Timers carry the async context they were made in, as those of Node.js do. */
class ContextClock extends ManualClock {
  override timer(delayMs: number, run: () => void) {
    return super.timer(delayMs, AsyncResource.bind(run));
  }
}

/** The drain's timer was armed by the call that was diverted last, so all replays ran in that request's context. */
test('a drain and what hears of it run outside the requests that were diverted', async () => {
  const request = new AsyncLocalStorage<string>();
  const clock = new ContextClock();
  const breaker = createBreaker('drain-context', {
    clock,
    telemetry: 'off',
    trip: { failureRatio: null, failures: 1 },
    cooldownMs: 1_000,
    halfOpen: { probes: 1 },
    neutralWires: [bufferWire()],
  });
  const seen: [string, string | undefined][] = [];
  breaker.onTransition(({ to }) => seen.push([to, request.getStore()]));
  const call = breaker.protect(async (input: string) => {
    seen.push([input, request.getStore()]);
    if (seen.length === 1) throw new Error('unwell');
  });
  await request.run('request 1', () => call('live'));
  await request.run('request 2', () => call('held'));
  await clock.advance(10_000);
  expect(seen).toEqual([
    ['live', 'request 1'],
    ['open', undefined],
    ['half_open', undefined],
    ['live', undefined],
    ['closed', undefined],
    ['held', undefined],
  ]);
  await breaker.close();
});
