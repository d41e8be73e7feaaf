import {
  type Breaker,
  type BreakerOptions,
  createBreaker,
  keyedBreakers,
  reportBreaker,
} from '../../src/breaker/index.ts';
import type { ManualClock } from '../../src/breaker/testing.ts';
import { HandSwitch } from '../breaker/foreign/hand-switch.ts';
import { deferred, ending, fails, failTimes, hangs, NO_RULE, succeedTimes, takes } from '../breaker/support.ts';
import { holdCalls, liveByWires } from './live-by-wires.ts';
import { good, type Living, QUICK_TRIP } from './living.ts';

/**
 * Drives breakers through everything a breaker can live through, each path at least once, on a clock that stands still
 * between. All are left as they are, one in each state.
 */
export async function liveThroughEverything(clock: ManualClock): Promise<Living[]> {
  await clock.advance(1_000);
  const lived = [
    await endInEveryOutcome(clock),
    ...(await tripForEachReason(clock)),
    ...(await beSteered(clock, 'operator')),
    ...(await beSteered(clock, 'desired_state')),
    ...(await tellOfCalls(clock)),
    await beKeyed(clock),
    beOfAnotherLibrary(clock),
    ...(await liveByWires(clock)),
  ];
  // While they are looked at, one probes, and others have a call in flight and calls that wait.
  return [...lived, await probe(clock), ...(await holdCalls(clock))];
}

async function endInEveryOutcome(clock: ManualClock): Promise<Living> {
  const breaker = createBreaker('outcomes', {
    clock,
    trip: { ...NO_RULE, failures: 1_000, slowMs: 100 },
    timeoutMs: 1_000,
    maxConcurrent: 1,
    isFailure: (error) => !(error instanceof RangeError),
    isFailureResult: (result) => result === 'bad',
  });
  await breaker.execute(good);
  await breaker.execute(() => 'bad');
  await failTimes(breaker, 20);
  await ending(breaker.execute(() => Promise.reject(new RangeError('the caller asked for too much'))));
  const slow = breaker.execute(takes(clock, 200));
  await clock.advance(200);
  await slow;
  const hung = ending(breaker.execute(hangs));
  await ending(breaker.execute(good));
  await clock.advance(1_000);
  await hung;
  const caller = new AbortController();
  const cancelled = ending(breaker.execute(hangs, { signal: caller.signal }));
  caller.abort();
  await cancelled;
  const late = deferred();
  const outlived = ending(breaker.execute(() => late.promise));
  breaker.trip();
  late.reject(new Error('after the trip'));
  await outlived;
  for (let call = 0; call < 20; call++) await ending(breaker.execute(good));
  breaker.reset();
  return breaker;
}

async function tripForEachReason(clock: ManualClock): Promise<Living[]> {
  const make = (name: string, trip: BreakerOptions['trip']) =>
    createBreaker(name, { ...QUICK_TRIP, clock, trip: { ...NO_RULE, ...trip } });
  const threshold = make('by-threshold', { failureRatio: 0.5, minimumCalls: 4 });
  await succeedTimes(threshold, 2);
  await failTimes(threshold, 2);
  const byCalls = make('by-calls', { failureRatio: 0.5, minimumCalls: 2, windowCalls: 4 });
  await failTimes(byCalls, 2);
  const consecutive = make('by-consecutive', { consecutive: 2 });
  await failTimes(consecutive, 2);
  const slow = make('by-slow', { slowRatio: 0.5, slowMs: 100, minimumCalls: 2 });
  const calls = [slow.execute(takes(clock, 200)), slow.execute(takes(clock, 200))];
  await clock.advance(200);
  await Promise.all(calls);
  // A failed probe, a hung one, and a good one.
  const probed = make('probed', { failures: 2 });
  await failTimes(probed, 2);
  await clock.advance(1_000);
  await failTimes(probed, 1);
  await clock.advance(1_000);
  const hung = ending(probed.execute(hangs));
  await clock.advance(500);
  await hung;
  await clock.advance(1_000);
  await probed.execute(good);
  return [threshold, byCalls, consecutive, slow, probed];
}

async function beSteered(clock: ManualClock, reason: 'operator' | 'desired_state'): Promise<Living[]> {
  const make = (name: string) => createBreaker(`${reason}-${name}`, { ...QUICK_TRIP, clock });
  const acted = make('acted');
  if (reason === 'operator') {
    acted.trip({ reason: 'maintenance' });
    acted.reset();
  } else {
    acted.act('trip', 'maintenance');
    acted.act('reset', 'done');
  }
  const modes = ['forced_open', 'disabled', 'shadow'] as const;
  const held = modes.map((mode) => {
    const released = make(`released-${mode}`);
    holdIn(released, mode, clock, reason);
    released.release(reason);
    const stays = make(mode);
    holdIn(stays, mode, clock, reason);
    return [released, stays];
  });
  const shadow = make('shadow-trip');
  holdIn(shadow, 'shadow', clock, reason);
  await failTimes(shadow, 3);
  const expires = make('expires');
  holdIn(expires, 'disabled', clock, reason, 1_000);
  await failTimes(expires, 1);
  await clock.advance(1_000);
  await expires.execute(good);
  return [acted, ...held.flat(), shadow, expires];
}

function holdIn(
  breaker: Breaker<readonly []>,
  mode: 'forced_open' | 'disabled' | 'shadow',
  clock: ManualClock,
  reason: 'operator' | 'desired_state',
  forMs = 3_600_000,
): void {
  const expiresAt = new Date(clock.wallMs() + forMs).toISOString();
  const source = reason === 'operator' ? {} : { reason, revision: 7 };
  breaker.holdIn({ mode, reason: 'trial', actor: 'ada', expiresAt }, source);
}

async function tellOfCalls(clock: ManualClock): Promise<Living[]> {
  const policies = ['all', 'failures', 'off'] as const;
  return Promise.all(
    policies.map(async (callSpans) => {
      const breaker = createBreaker(`spans-${callSpans}`, { ...QUICK_TRIP, clock, callSpans });
      await breaker.execute(good);
      await ending(breaker.execute(() => Promise.reject('a text')));
      await ending(breaker.execute(fails));
      return breaker;
    }),
  );
}

async function beKeyed(clock: ManualClock): Promise<Living> {
  const group = keyedBreakers('tenants', { ...QUICK_TRIP, clock, maxBreakers: 2 });
  for (const key of ['a', 'b', 'c']) await group.get(key).execute(good);
  await failTimes(group.get('c'), 2);
  await ending(group.get('c').execute(good));
  await clock.advance(1_000);
  await group.get('c').execute(good);
  return group;
}

/** A breaker of another library, which tells what it does. */
function beOfAnotherLibrary(clock: ManualClock): Living {
  const source = new HandSwitch();
  const breaker = reportBreaker('foreign', source, { clock, callSpans: 'all' });
  const report = source.report!;
  report.succeeded(5);
  report.timedOut(new Error('late'), 100);
  report.failed(undefined, 10, { tripped: true });
  source.enter('open');
  report.rejected();
  report.diverted('standby');
  report.diverted('another');
  report.served('standby');
  source.enter('half_open');
  report.failed(new Error('unwell'), 10, { tripped: true });
  source.enter('open');
  source.enter('half_open');
  source.enter('closed');
  report.ignored();
  report.cancelled();
  report.limited();
  // A reason that no breaker of ours has, and a way that none of ours goes.
  report.state('open', 'fleet');
  report.state('shadow', 'probes_passed');
  report.state('closed');
  return breaker;
}

async function probe(clock: ManualClock): Promise<Living> {
  const breaker = createBreaker('probing', { ...QUICK_TRIP, clock });
  await failTimes(breaker, 2);
  await clock.advance(1_000);
  void ending(breaker.execute(hangs));
  return breaker;
}
