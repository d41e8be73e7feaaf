import {
  breakerWire,
  bufferWire,
  cacheWire,
  createBreaker,
  fallbackWire,
  type NeutralWire,
} from '../../src/breaker/index.ts';
import type { ManualClock } from '../../src/breaker/testing.ts';
import { ending, hangs, Unwell } from '../breaker/support.ts';
import { good, type Living, QUICK_TRIP } from './living.ts';

/** Drives breakers whose calls go over wires: all that a wire can do with a call. */
export async function liveByWires(clock: ManualClock): Promise<Living[]> {
  return [
    ...(await answerAtOnce(clock)),
    await drain(clock),
    await overflow(clock),
    await expire(clock),
    await exhaust(clock),
    await purge(clock),
  ];
}

/** Fallback, cache and breaker wires: served, and failed. */
async function answerAtOnce(clock: ManualClock): Promise<Living[]> {
  const backup = createBreaker('backup', { ...QUICK_TRIP, clock });
  const answered = createBreaker('answered', {
    ...QUICK_TRIP,
    clock,
    wireMode: 'all',
    neutralWires: [
      cacheWire(),
      fallbackWire(() => Promise.reject(new Unwell('no answer')), { name: 'broken' }),
      breakerWire(backup, good),
      fallbackWire(good),
    ],
  });
  const ask = answered.protect(async (question: string) => question, { name: 'ask' });
  await ask('which');
  // The call that trips it is diverted as well.
  for (let call = 0; call < 2; call++) await ending(answered.execute(() => Promise.reject(new Unwell('unwell'))));
  // More than have a span each, so that the rate limit is reached.
  for (let call = 0; call < 20; call++) await ask('which');
  const late = createBreaker('late', {
    ...QUICK_TRIP,
    clock,
    wireTimeoutMs: 100,
    neutralWires: [fallbackWire(() => new Promise<never>(() => {}), { name: 'hung' })],
  });
  late.trip();
  const waiting = ending(late.execute(good));
  await clock.advance(100);
  await waiting;
  return [backup, answered, late];
}

/** A buffer wire that is filled and emptied: replayed, retried, dead. */
async function drain(clock: ManualClock): Promise<Living> {
  let well = true;
  const breaker = createBreaker('drained', {
    ...QUICK_TRIP,
    clock,
    trip: { ...QUICK_TRIP.trip, failures: 1_000 },
    neutralWires: [bufferWire({ name: 'held', maxAttempts: 2, onDead: () => {} })],
  });
  const charge = breaker.protect(
    async (order: number) => {
      if (!well && order === 1) throw new Unwell('refused');
      return order;
    },
    { name: 'charge' },
  );
  breaker.trip();
  await charge(1);
  await charge(2);
  well = false;
  breaker.reset();
  await clock.advance(10_000);
  return breaker;
}

/** A buffer that holds a call, and a breaker with one in flight. */
export async function holdCalls(clock: ManualClock): Promise<Living[]> {
  const busy = createBreaker('busy', { clock });
  void ending(busy.execute(hangs));
  const { breaker, call } = open('holding', clock, [bufferWire()]);
  await call(1);
  await clock.advance(100);
  return [busy, breaker];
}

async function overflow(clock: ManualClock): Promise<Living> {
  const { breaker, call } = open('overflowing', clock, [bufferWire({ capacity: 1 })]);
  for (let each = 0; each < 20; each++) await ending(call(each));
  return breaker;
}

async function expire(clock: ManualClock): Promise<Living> {
  const { breaker, call } = open('expiring', clock, [bufferWire({ ttlMs: 500 })]);
  await call(1);
  await clock.advance(2_000);
  return breaker;
}

/** Without `onDead` nobody has a dead call of a buffer in memory. */
async function exhaust(clock: ManualClock): Promise<Living> {
  const { breaker, call } = open('exhausting', clock, [bufferWire({ maxAttempts: 1 })], async () => {
    throw new Unwell('unwell');
  });
  await call(1);
  breaker.reset();
  await clock.advance(2_000);
  return breaker;
}

async function purge(clock: ManualClock): Promise<Living> {
  const buffer = bufferWire();
  const { breaker, call } = open('purged', clock, [buffer]);
  await call(1);
  await buffer.purge();
  return breaker;
}

function open(
  name: string,
  clock: ManualClock,
  neutralWires: readonly NeutralWire[],
  run: (input: number) => Promise<number> = async (input) => input,
) {
  const breaker = createBreaker(name, { ...QUICK_TRIP, clock, neutralWires });
  const call = breaker.protect(run, { name: 'call' });
  breaker.trip();
  return { breaker, call };
}
