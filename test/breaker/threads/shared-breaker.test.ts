import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  attachBreaker,
  BreakerClosedDownError,
  BreakerOpenError,
  type BreakerOptions,
  bufferWire,
  fallbackWire,
  InvalidInputError,
  type NeutralWire,
} from '../../../src/breaker/index.ts';
import { ending, fails } from '../support.ts';
import { Crew, Member } from './crew.ts';
import type { Sight } from './orders.ts';

const THREE_FAILURES = {
  trip: { failureRatio: null, failures: 3, slowRatio: null, windowMs: 60_000 },
  cooldownMs: 3_600_000,
} as const satisfies BreakerOptions;

let one: Member;
let other: Member;
beforeAll(async () => {
  [one, other] = (await Member.all(2)) as [Member, Member];
}, 60_000);
afterAll(() => Promise.all([one.dismiss(), other.dismiss()]));

const made: Crew<readonly NeutralWire[]>[] = [];
afterEach(() => Promise.all(made.splice(0).map(({ breaker }) => breaker.close())));

describe('settings of the owner', () => {
  test('are in force in every thread from its next call on', async () => {
    const crew = await share('configured', THREE_FAILURES);
    expect(await one.ask({ task: 'call', calls: 1, failing: true })).toMatchObject({ failure: 1 });
    crew.breaker.configure({ trip: { failures: 2 }, cooldownMs: 60_000 });
    expect(await other.ask({ task: 'call', calls: 2, failing: true })).toMatchObject({ failure: 1, rejected: 1 });
    const { settings, retryAfterMs } = await look(one);
    expect(settings).toEqual(crew.breaker.settings);
    expect(retryAfterMs).toBeLessThanOrEqual(60_000);
    crew.breaker.configure(undefined);
    expect((await look(other)).settings.trip.failures).toBe(3);
  });

  test.each([
    ['a longer time', { windowMs: 86_400_000 }],
    ['a shorter time', { windowMs: 30_000 }],
    ['the last calls', { windowCalls: 10 }],
  ])('over %s, they judge by what each thread has counted before', async (_, trip) => {
    const crew = await share('resized', THREE_FAILURES);
    await one.ask({ task: 'call', calls: 1, failing: true });
    await other.ask({ task: 'call', calls: 4, failing: false });
    crew.breaker.configure({ trip });
    await other.ask({ task: 'call', calls: 1, failing: true });
    expect(crew.readings.window()).toMatchObject({ executed: 6, failed: 2 });
    await one.ask({ task: 'call', calls: 1, failing: true });
    expect(crew.breaker.state).toBe('open');
  });

  test('over a count of calls and back, they keep what all threads have counted', async () => {
    const crew = await share('there-and-back', { ...THREE_FAILURES, trip: { ...THREE_FAILURES.trip, windowCalls: 4 } });
    await one.ask({ task: 'call', calls: 10, failing: false });
    await other.ask({ task: 'call', calls: 1, failing: true });
    expect(crew.readings.window()).toMatchObject({ executed: 4, failed: 1 });
    crew.breaker.configure({ trip: { windowCalls: 1_000 } });
    await one.ask({ task: 'call', calls: 2, failing: false });
    expect(crew.readings.window()).toMatchObject({ executed: 6, failed: 1 });
    crew.breaker.configure({ trip: { windowCalls: null } });
    await other.ask({ task: 'call', calls: 1, failing: true });
    expect(crew.readings.window()).toMatchObject({ executed: 7, failed: 2 });
    await one.ask({ task: 'call', calls: 1, failing: true });
    expect((await look(other)).state).toBe('open');
  });

  test('limit the calls in flight of all threads together', async () => {
    const crew = await share('limited', { ...THREE_FAILURES, maxConcurrent: 1 });
    const { promise, resolve } = Promise.withResolvers<void>();
    const inFlight = crew.breaker.execute(() => promise);
    expect(await one.ask({ task: 'call', calls: 2, failing: false })).toMatchObject({ success: 0, limited: 2 });
    resolve();
    await inFlight;
    expect(await one.ask({ task: 'call', calls: 2, failing: false })).toMatchObject({ success: 2, limited: 0 });
  });
});

describe('an override of the owner', () => {
  const until = new Date(Date.now() + 3_600_000).toISOString();

  test('holds in every thread until it is released', async () => {
    const crew = await share('held', THREE_FAILURES);
    crew.breaker.holdIn({ mode: 'forced_open', reason: 'maintenance', actor: 'test', expiresAt: until });
    expect(await one.ask({ task: 'call', calls: 3, failing: false })).toMatchObject({ success: 0, rejected: 3 });
    crew.breaker.holdIn({ mode: 'disabled', reason: 'emergency', actor: 'test', expiresAt: until });
    expect(await other.ask({ task: 'call', calls: 9, failing: true })).toMatchObject({ failure: 9, rejected: 0 });
    crew.breaker.release();
    expect(await one.ask({ task: 'call', calls: 4, failing: true })).toMatchObject({ failure: 3, rejected: 1 });
  });

  test('in shadow, what another thread would have tripped is told by the owner', async () => {
    const crew = await share('shadowed', THREE_FAILURES);
    crew.breaker.holdIn({ mode: 'shadow', reason: 'trial', actor: 'test', expiresAt: until });
    expect(await one.ask({ task: 'call', calls: 5, failing: true })).toMatchObject({ failure: 5 });
    await crew.observer.when((records) => records.length === 2);
    expect(crew.observer.records.map(({ from, to, reason }) => [from, to, reason])).toEqual([
      ['closed', 'shadow', 'operator'],
      ['shadow', 'shadow', 'threshold'],
    ]);
    expect((await look(one)).published).toBe(0);
  });
});

describe('a mode of the owner', () => {
  test('is in force in every thread from the start, and what would have tripped is told by the owner', async () => {
    const crew = await share('on-trial', { ...THREE_FAILURES, mode: 'shadow' });
    expect(await look(one)).toMatchObject({ state: 'shadow', generation: 1 });
    expect(await one.ask({ task: 'trip' })).toBe(false);
    expect(await one.ask({ task: 'call', calls: 2, failing: true })).toMatchObject({ failure: 2 });
    expect(await other.ask({ task: 'call', calls: 2, failing: true })).toMatchObject({ failure: 2, rejected: 0 });
    await crew.observer.when((records) => records.length === 1);
    expect(crew.observer.records).toMatchObject([{ from: 'shadow', to: 'shadow', reason: 'threshold' }]);
  });

  test('is another one in every thread once it is redefined, with the settings', async () => {
    const crew = await share('redefined', { ...THREE_FAILURES, mode: 'disabled' });
    expect(await one.ask({ task: 'call', calls: 9, failing: true })).toMatchObject({ failure: 9, rejected: 0 });
    crew.breaker.redefine({ ...THREE_FAILURES, trip: { ...THREE_FAILURES.trip, failures: 2 } });
    expect(await one.ask({ task: 'call', calls: 1, failing: true })).toMatchObject({ failure: 1 });
    expect(await other.ask({ task: 'call', calls: 2, failing: true })).toMatchObject({ failure: 1, rejected: 1 });
    for (const member of [one, other]) {
      await member.ask({ task: 'hear', count: 2 });
      const { state, settings, heard } = await look(member);
      expect(state).toBe('open');
      expect(settings).toEqual(crew.breaker.settings);
      expect([...heard].sort()).toEqual(['closed by operator', 'open by threshold']);
    }
  });
});

describe('what a thread decides', () => {
  test('is published by the owner, once, and heard in every thread', async () => {
    const crew = await share('steered', THREE_FAILURES);
    const heard: (string | undefined)[] = [];
    crew.breaker.onTrip(({ reason, note }) => heard.push(`tripped by ${reason}: ${note}`));
    crew.breaker.notifyOnReset(({ reason, note }) => heard.push(`reset by ${reason}: ${note}`));
    expect(await one.ask({ task: 'trip' })).toBe(true);
    expect(await other.ask({ task: 'trip' })).toBe(false);
    expect(crew.breaker.state).toBe('open');
    await crew.heard(2);
    expect(await other.ask({ task: 'reset' })).toBe(true);
    await crew.heard(3);
    expect(heard).toEqual(['tripped by operator: by a thread', 'reset by operator: by a thread']);
    expect(crew.observer.records.map(({ generation }) => generation)).toEqual([2, 3]);
    for (const member of [one, other]) {
      await member.ask({ task: 'hear', count: 2 });
      const sight = await look(member);
      expect(sight).toMatchObject({ state: 'closed', generation: 3, published: 0 });
      expect([...sight.heard].sort()).toEqual(['closed by operator', 'open by operator']);
    }
  });

  test('has the numbers of all threads in its record', async () => {
    const crew = await share('recorded', THREE_FAILURES);
    await one.ask({ task: 'call', calls: 7, failing: false });
    await ending(crew.breaker.execute(fails));
    await one.ask({ task: 'call', calls: 1, failing: true });
    await other.ask({ task: 'call', calls: 3, failing: true });
    await crew.heard(2);
    expect(crew.observer.records).toMatchObject([
      { from: 'closed', to: 'open', reason: 'threshold', window: { executed: 10, failed: 3 }, cooldownMs: 3_600_000 },
    ]);
    await ending(crew.breaker.execute(fails));
    await one.ask({ task: 'reset' });
    await crew.heard(3);
    expect(crew.observer.records.at(-1)).toMatchObject({ to: 'closed', meanwhile: { rejected: 3, diverted: 0 } });
  });
});

describe('a thread that came later', () => {
  test('goes by the same time: the same cooldown and the same window', async () => {
    const crew = await share('timed', THREE_FAILURES);
    // The clocks of the threads begin at 0 when these do, so they stand far apart.
    const late = await Member.hire();
    try {
      await ending(crew.breaker.execute(fails));
      await late.ask({ task: 'attach', contract: crew.contract });
      await late.ask({ task: 'call', calls: 1, failing: true });
      expect(crew.readings.window()).toMatchObject({ executed: 2, failed: 2 });
      await one.ask({ task: 'call', calls: 1, failing: true });
      const before = await retryAfterMs(crew);
      const { retryAfterMs: found } = await look(late);
      const after = await retryAfterMs(crew);
      // The reading of two clocks one after the other is off by some microseconds.
      expect(found).toBeLessThanOrEqual(before + 1);
      expect(found).toBeGreaterThanOrEqual(after - 1);
    } finally {
      await late.dismiss();
    }
  });

  test('ends by itself when its work is done, though the breaker is attached, and so does the process', async () => {
    const leaving = await Member.hire();
    const crew = await share('left', THREE_FAILURES);
    await leaving.ask({ task: 'attach', contract: crew.contract });
    await leaving.ask({ task: 'call', calls: 3, failing: true });
    leaving.worker.postMessage({ task: 'leave' });
    expect(await leaving.exit).toEqual([0]);
    await crew.heard(2);

    const run = promisify(execFile)(process.execPath, ['--input-type=module', '-e', OWNER], { timeout: 15_000 });
    expect((await run).stdout.trim().split('\n')).toEqual(['open by threshold', 'open after 0']);
  });
});

/** Trips in its worker, waits for nothing, and says what it knows when the worker has ended. */
const OWNER = `
  import { Worker } from 'node:worker_threads';
  import { createBreaker } from ${JSON.stringify(join(import.meta.dirname, '../../../src/breaker/index.ts'))};
  const breaker = createBreaker('alone', { telemetry: 'off', trip: { failureRatio: null, failures: 3, slowRatio: null } });
  breaker.onTransition(({ to, reason }) => console.log(to, 'by', reason));
  const handle = breaker.share();
  const worker = new Worker(${JSON.stringify(join(import.meta.dirname, 'crew-member.ts'))}, { execArgv: [] });
  const orders = [
    { task: 'attach', contract: { handle, steering: new SharedArrayBuffer(64) } },
    { task: 'call', calls: 5, failing: true },
    { task: 'leave' },
  ];
  worker.on('message', () => worker.postMessage(orders.shift()));
  worker.on('exit', (code) => setImmediate(() => console.log(breaker.state, 'after', code)));
`;

describe('neutral wires in another thread', () => {
  const standby = () => fallbackWire(() => 'by the owner', { name: 'standby' });

  test('take the calls of their thread, counted with the owner', async () => {
    const crew = new Crew('wired', { ...THREE_FAILURES, neutralWires: [standby()] });
    made.push(crew);
    await crew.take([one], { wires: ['standby'] });
    // The call that trips is diverted as well.
    expect(await one.ask({ task: 'call', calls: 10, failing: true })).toMatchObject({ failure: 2, diverted: 8 });
    expect(await crew.breaker.execute(fails)).toBe('by the owner');
    const { calls, wires } = crew.breaker.stats();
    expect(wires).toMatchObject([{ name: 'standby', served: 9 }]);
    expect(calls).toMatchObject({ failure: 3, diverted: 8, rejected: 0 });
  });

  test('must have the name of one of the owner', () => {
    const crew = new Crew('wired-otherwise', { neutralWires: [standby()] });
    made.push(crew);
    const wire = fallbackWire(() => 1, { name: 'stand-by' });
    const refused = problemsOf(() => attachBreaker(crew.breaker.share(), { neutralWires: [wire] }));
    expect(refused).toEqual([
      {
        field: 'neutralWires[0].name',
        rule: 'must be the name of a wire of breaker "wired-otherwise" in the thread that owns it (standby)',
        value: 'stand-by',
      },
    ]);
  });

  test('must not hold calls', () => {
    const crew = new Crew('wired-to-hold', { neutralWires: [standby()] });
    made.push(crew);
    const wire = bufferWire({ name: 'standby' });
    const refused = problemsOf(() => attachBreaker(crew.breaker.share(), { neutralWires: [wire] }));
    expect(refused).toEqual([
      {
        field: 'neutralWires[0]',
        rule: 'must hold no calls: such a wire belongs to the thread that owns the breaker',
        value: 'buffer',
      },
    ]);
  });
});

describe('an attached breaker', () => {
  test.each([undefined, null, {}, 'handle', { kind: 'switchgear.breaker-handle/v2' }])(
    'is attached by what share() returned, not by %j',
    (value) => {
      const refused = problemsOf(() => attachBreaker(value as never));
      expect(refused).toEqual([{ field: 'handle', rule: 'must be what share() returned', value }]);
    },
  );

  test('is refused options that break their rules', () => {
    const crew = new Crew('strict', {});
    made.push(crew);
    const refused = problemsOf(() => attachBreaker(crew.breaker.share(), { callSpans: 'some' as never }));
    expect(refused).toMatchObject([{ field: 'callSpans', value: 'some' }]);
  });

  test('closed down takes no more calls in its thread, and leaves the others alone', async () => {
    const crew = await share('closing', THREE_FAILURES);
    const attached = attachBreaker(crew.breaker.share(), { telemetry: 'off' });
    expect(await attached.execute(() => 'here')).toBe('here');
    attached.close();
    expect(await ending(attached.execute(() => 'here'))).toBeInstanceOf(BreakerClosedDownError);
    expect(attached.acquire()).toBeUndefined();
    expect(await crew.breaker.execute(() => 'there')).toBe('there');
    expect(await one.ask({ task: 'call', calls: 1, failing: false })).toMatchObject({ success: 1 });
    expect(crew.breaker.stats().calls.success).toBe(3);
  });

  test('has one handle, however often it is shared', () => {
    const crew = new Crew('again', {});
    made.push(crew);
    expect(crew.breaker.share()).toBe(crew.breaker.share());
    expect(structuredClone(crew.breaker.share())).toMatchObject({ name: 'again', wires: [] });
  });
});

/** A breaker of this thread that two others have attached. */
async function share(name: string, options: BreakerOptions): Promise<Crew> {
  const crew = new Crew(name, options as BreakerOptions<readonly []>);
  made.push(crew as unknown as Crew<readonly NeutralWire[]>);
  await crew.take([one, other]);
  return crew;
}

function look(member: Member): Promise<Sight> {
  return member.ask<{ task: 'look' }, Sight>({ task: 'look' });
}

async function retryAfterMs({ breaker }: Crew): Promise<number> {
  const error = await ending(breaker.execute(() => 1));
  return error instanceof BreakerOpenError ? (error.retryAfterMs ?? Number.NaN) : Number.NaN;
}

function problemsOf(attach: () => unknown): unknown {
  try {
    attach();
  } catch (error) {
    if (error instanceof InvalidInputError) return error.problems;
    throw error;
  }
  throw new Error('It was not refused');
}
