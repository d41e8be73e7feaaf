import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, test } from 'vitest';
import { createBreaker } from '../../src/breaker/index.ts';
import { RecordingObserver } from '../../src/breaker/testing.ts';
import { ending, fails, makeBreaker, QUICK } from './support.ts';

describe('async context', () => {
  test('the guarded function and its caller keep their own', async () => {
    const request = new AsyncLocalStorage<string>();
    const { breaker } = makeBreaker(QUICK);
    const seen = await request.run('mine', async () => {
      const inner = await breaker.execute(async () => {
        await Promise.resolve();
        return request.getStore();
      });
      return [inner, request.getStore()];
    });
    expect(seen).toEqual(['mine', 'mine']);
    await breaker.close();
  });

  test("listeners and the observer hear of a trip outside the tripping request's", async () => {
    const request = new AsyncLocalStorage<string>();
    const heard: [string, string | undefined][] = [];
    const observer = new RecordingObserver();
    const telemetry = Object.assign(observer, {
      transitioned: () => heard.push(['observer', request.getStore()]),
      failed: () => heard.push(['failure', request.getStore()]),
    });
    const { breaker } = makeBreaker({ ...QUICK, trip: { failureRatio: null, failures: 1 }, telemetry });
    breaker.onTransition(() => heard.push(['listener', request.getStore()]));
    await request.run('mine', () => ending(breaker.execute(fails)));
    // A failure belongs to its request's trace; a transition belongs to nobody's.
    expect(heard).toEqual([
      ['failure', 'mine'],
      ['observer', undefined],
      ['listener', undefined],
    ]);
    await breaker.close();
  });

  test('a trip that shadow did not make is told outside as well', async () => {
    const request = new AsyncLocalStorage<string>();
    const heard: (string | undefined)[] = [];
    const telemetry = Object.assign(new RecordingObserver(), { transitioned: () => heard.push(request.getStore()) });
    const { breaker, clock } = makeBreaker({ ...QUICK, trip: { failureRatio: null, failures: 1 }, telemetry });
    const expiresAt = new Date(clock.wallMs() + 1_000).toISOString();
    breaker.holdIn({ mode: 'shadow', reason: 'r', actor: 'a', expiresAt });
    await request.run('mine', () => ending(breaker.execute(fails)));
    expect(heard).toEqual([undefined, undefined]);
    await breaker.close();
  });
});

test('an observer that throws at everything never reaches a call', async () => {
  const observer = new RecordingObserver();
  const throwing = Object.fromEntries(
    Object.keys(observer).map((key) => [
      key,
      () => {
        throw new Error('a bad observer');
      },
    ]),
  ) as unknown as RecordingObserver;
  const breaker = createBreaker('bad-observer', { ...QUICK, telemetry: throwing });
  expect(await breaker.execute(() => 1)).toBe(1);
  for (let call = 0; call < 3; call++) expect(await ending(breaker.execute(fails))).toMatchObject({ name: 'Unwell' });
  expect(await ending(breaker.execute(() => 1))).toMatchObject({ code: 'BREAKER_OPEN' });
  await breaker.close();
});
