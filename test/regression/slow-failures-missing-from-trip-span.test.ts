import { SpanStatusCode } from '@opentelemetry/api';
import { expect, test } from 'vitest';
import { createBreaker } from '../../src/breaker/index.ts';
import { ManualClock } from '../../src/breaker/testing.ts';
import { msOf, registerSdk } from '../breaker/telemetry/sdk.ts';

const sdk = registerSdk();

/** A failure counts when it ends, but was looked for by its start: one that took longer than the window was not linked. */
test('a trip by calls that hang longer than the window is linked to them and begins with the first', async () => {
  const clock = new ManualClock();
  const breaker = createBreaker('hangs', {
    clock,
    trip: { failureRatio: null, failures: 2, windowMs: 1_000 },
    timeoutMs: 5_000,
  });
  const began = clock.wallMs();
  const calls = [1, 2].map(() => breaker.execute(() => new Promise(() => {})).catch((error) => error));
  await clock.advance(5_000);
  await Promise.all(calls);
  const trip = sdk.spans().find(({ name }) => name === 'breaker.trip hangs');
  expect(trip?.links).toHaveLength(2);
  expect(trip?.status.code).toBe(SpanStatusCode.ERROR);
  expect(msOf(trip!.startTime)).toBe(began);
  await breaker.close();
});

/** A late failure of an earlier generation was linked as a cause of the next trip. */
test('a trip is not linked to a failure from before the last reset', async () => {
  const clock = new ManualClock();
  const breaker = createBreaker('late', { clock, trip: { failureRatio: null, failures: 1 } });
  const late = Promise.withResolvers<never>();
  const lateCall = breaker.execute(() => late.promise).catch((error) => error);
  breaker.trip();
  breaker.reset();
  late.reject(new Error('late'));
  await lateCall;
  await breaker.execute(() => Promise.reject(new Error('fresh'))).catch((error) => error);
  const trips = sdk.spans().filter(({ name }) => name === 'breaker.trip late');
  expect(trips.map(({ links }) => links.length)).toEqual([0, 1]);
  await breaker.close();
});
