import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bufferWire, createBreaker, fallbackWire, type NeutralWire } from '../../src/breaker/index.ts';
import { ManualClock } from '../../src/breaker/testing.ts';
import { runs } from './runs.ts';

type Step =
  | {
      readonly do: 'call';
      readonly ends: 'good' | 'bad' | 'ignored' | 'hangs' | 'cancelled';
      readonly replayable: boolean;
    }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'trip' }
  | { readonly do: 'reset' }
  | { readonly do: 'hold' }
  | { readonly do: 'release' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('call' as const),
      ends: fc.constantFrom('good', 'bad', 'ignored', 'hangs', 'cancelled'),
      replayable: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 1_500 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom('trip' as const, 'reset' as const, 'hold' as const, 'release' as const),
    }),
  },
);

let made = 0;

/** Runs the steps on a breaker whose replays end well or badly by `replays`, in turn. */
async function run(steps: readonly Step[], replays: readonly boolean[], wires: 'none' | 'buffer' | 'both') {
  const clock = new ManualClock();
  const neutralWires: NeutralWire[] = [];
  if (wires === 'both') {
    let asked = 0;
    const answer = () => (asked++ % 2 === 0 ? Promise.reject(new Error('stale')) : 'stale');
    neutralWires.push(fallbackWire(answer));
  }
  if (wires !== 'none') {
    neutralWires.push(bufferWire({ capacity: 4, ttlMs: 4_000, maxAttempts: 2, drainPerSecond: 10, onDead: () => {} }));
  }
  const breaker = createBreaker(`property-${++made}`, {
    clock,
    telemetry: 'off',
    trip: { failureRatio: null, failures: 2, windowMs: 2_000 },
    cooldownMs: 500,
    halfOpen: { probes: 2, probeTimeoutMs: 200 },
    timeoutMs: 300,
    isFailure: (error) => !(error instanceof TypeError),
    neutralWires,
  });
  let calls = 0;
  let replayed = 0;
  for (const next of steps) {
    if (next.do === 'wait') await clock.advance(next.ms);
    else if (next.do === 'trip') breaker.trip();
    else if (next.do === 'reset') breaker.reset();
    else if (next.do === 'release') breaker.release();
    else if (next.do === 'hold') {
      const expiresAt = new Date(clock.wallMs() + 1_000).toISOString();
      breaker.holdIn({ mode: 'forced_open', reason: 'r', actor: 'a', expiresAt });
    } else {
      calls += 1;
      const caller = new AbortController();
      let live = true;
      const act = async () => {
        if (!live) {
          replayed += 1;
          if (replays[replayed % replays.length]) return 'good';
          throw new Error('bad');
        }
        live = false;
        if (next.ends === 'bad') throw new Error('bad');
        if (next.ends === 'ignored') throw new TypeError('ignored');
        return next.ends === 'good' ? 'good' : new Promise(() => {});
      };
      const { signal } = caller;
      const ended = next.replayable ? breaker.protect(act)(calls, { signal }) : breaker.execute(act, { signal });
      ended.catch(() => {});
      // A call that is let through runs before its promise is returned: what runs of it later is a replay.
      live = false;
      if (next.ends === 'cancelled') caller.abort();
      await clock.advance(0);
    }
  }
  return { breaker, clock, received: calls, replays: () => replayed };
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}

const scenario = [
  fc.array(step, { maxLength: 30, size: 'max' }),
  fc.array(fc.boolean(), { minLength: 1, maxLength: 5 }),
  fc.constantFrom('none' as const, 'buffer' as const, 'both' as const),
] as const;

test('every call has exactly one outcome, and every replay one more', async () => {
  await fc.assert(
    fc.asyncProperty(...scenario, async (steps, replays, wires) => {
      const { breaker, clock, received, replays: replayed } = await run(steps, replays, wires);
      await clock.advance(300);
      const closing = breaker.close();
      await clock.advance(1_000);
      await closing;
      // What all calls of a clock share runs out by itself: the longest is of the slow threshold.
      await clock.advance(10_000);
      expect(sum(breaker.stats().calls)).toBe(received + replayed());
      expect(clock.pendingTimers).toBe(0);
    }),
    { numRuns: runs(300) },
  );
}, 120_000);

test('a buffer loses nothing in silence: received = replayed + dead + dropped + held', async () => {
  await fc.assert(
    fc.asyncProperty(...scenario, fc.nat(3_000), async (steps, replays, wires, drainForMs) => {
      const { breaker, clock } = await run(steps, replays, wires);
      const buffer = () => breaker.stats().wires.find(({ kind }) => kind === 'buffer');
      const overflows = (wire = buffer()) => wire?.failed ?? 0;
      const conserves = () => {
        const wire = buffer();
        if (!wire) return;
        const given = wire.buffered + overflows(wire);
        expect(wire.replayed + wire.dead + wire.dropped + wire.depth).toBe(given);
        expect(wire.depth).toBeLessThanOrEqual(4);
      };
      conserves();
      await clock.advance(2_500);
      conserves();
      const closing = breaker.close({ drainForMs });
      await clock.advance(drainForMs + 100);
      await closing;
      conserves();
      expect(buffer()?.depth ?? 0).toBe(0);
    }),
    { numRuns: runs(300) },
  );
}, 120_000);
