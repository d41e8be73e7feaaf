import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { fallbackWire } from '../../src/breaker/index.ts';
import { ManualClock } from '../../src/breaker/testing.ts';
import { closeBreakersAfterEach, ending, fails, hangs, makeBreaker, NO_RULE, takes } from '../breaker/support.ts';

closeBreakersAfterEach();

/** Timers hold the async context they were made in, as those of Node.js do. */
class ContextClock extends ManualClock {
  override timer(delayMs: number, run: () => void) {
    return super.timer(delayMs, AsyncResource.bind(run));
  }
}

interface Request {
  readonly id: number;
}

/**
 * resilience4j#1357: what runs on a breaker's own threads and timers has lost the request it runs for, so its logs and
 * traces are nobody's. The other way round a timer that many share holds, and hands on, the request that armed it.
 */
describe("a request's async context", () => {
  const RULES = { trip: { ...NO_RULE, failures: 1_000_000 }, timeoutMs: 50 } as const;

  test('is its own throughout, of a thousand that go on at once and end in every way', async () => {
    const requests = new AsyncLocalStorage<Request>();
    const clock = new ContextClock();
    const { breaker } = makeBreaker({
      ...RULES,
      clock,
      maxConcurrent: 900,
      neutralWires: [fallbackWire(async () => requests.getStore()?.id)],
    });
    const strangers: unknown[] = [];
    const kinds = [takes(clock, 10), async () => fails(), hangs];
    const request = (id: number) =>
      requests.run({ id }, async () => {
        const answer = await ending(
          breaker.execute(async () => {
            await Promise.resolve();
            if (requests.getStore()?.id !== id) strangers.push(['in the call', id]);
            return kinds[id % kinds.length]!();
          }),
        );
        if (requests.getStore()?.id !== id) strangers.push(['after the call', id]);
        if (typeof answer === 'number' && answer !== id) strangers.push(['in the fallback', id]);
      });
    const all = Array.from({ length: 1_000 }, (_, id) => request(id));
    await clock.advance(50);
    await Promise.all(all);
    expect(strangers).toEqual([]);
    expect(breaker.stats().calls).toMatchObject({ success: 300, failure: 300, timeout: 300, diverted: 100 });
  });

  test('is let go with the request, though the timer it armed still runs', async () => {
    const requests = new AsyncLocalStorage<Request>();
    // An observer that keeps the error would keep its stack, and that the request.
    const clock = new ContextClock();
    const { breaker } = makeBreaker({ ...RULES, clock, timeoutMs: 3_600_000, telemetry: 'off' });
    const shared = new AbortController();
    const letGo = await (async () => {
      const request = { id: 1 };
      await requests.run(request, async () => {
        await breaker.execute(async () => 'good', { signal: shared.signal });
        await ending(breaker.execute(async () => fails(), { signal: shared.signal }));
      });
      return new WeakRef(request);
    })();
    expect(clock.pendingTimers).toBeGreaterThan(0);
    const isLetGo = () => {
      collectGarbage();
      return letGo.deref() === undefined;
    };
    await expect.poll(isLetGo).toBe(true);
  });

  test('is not handed on to what a trip sets off', async () => {
    const requests = new AsyncLocalStorage<Request>();
    const { breaker } = makeBreaker({ trip: { ...NO_RULE, failures: 1 } });
    const later = Promise.withResolvers<Request | undefined>();
    breaker.onTrip(() => setImmediate(() => later.resolve(requests.getStore())));
    await requests.run({ id: 1 }, () => ending(breaker.execute(fails)));
    expect(await later.promise).toBeUndefined();
  });
});

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
