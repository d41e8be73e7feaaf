import { describe, expect, test } from 'vitest';
import {
  type BreakerOpenError,
  breakerWire,
  bufferWire,
  cacheWire,
  fallbackWire,
  isCached,
  isReceipt,
} from '../../../src/breaker/index.ts';
import type { RecordingObserver } from '../../../src/breaker/testing.ts';
import { closeBreakersAfterEach, ending, fails, hangs, makeBreaker } from '../support.ts';
import { Dependency, RULES } from './support.ts';

closeBreakersAfterEach();

/** A cache, then another breaker, then a fallback: the primary answers, and is open after. */
async function makeChain(wireMode: 'first' | 'all' = 'first') {
  const dependency = new Dependency();
  const made = makeBreaker(RULES);
  const { breaker: backup, clock } = made;
  const fallback = { well: true };
  const { breaker, observer } = makeBreaker({
    ...RULES,
    clock,
    wireMode,
    neutralWires: [
      cacheWire(),
      breakerWire(backup, ({ input }) => dependency.answer(input as number), { name: 'backup' }),
      fallbackWire(({ input }) => (fallback.well ? `default ${input}` : fails())),
    ],
  });
  const call = breaker.protect((input: number) => `fresh ${input}`);
  await call(1);
  breaker.trip();
  return { breaker, backup, dependency, clock, call, observer, fallback };
}

function asked(observer: RecordingObserver): string[] {
  return observer.of<{ wire: string; outcome: string }>('diverted').map(({ wire, outcome }) => `${wire} ${outcome}`);
}

describe('a chain of a cache, a breaker and a fallback', () => {
  test('first: each call goes to the first that takes it, in the order attached', async () => {
    const { breaker, backup, call, dependency, observer } = await makeChain();
    const known = await call(1);
    expect(isCached(known) && known.value).toBe('fresh 1');
    expect(await call(2)).toBe('answer 2');
    backup.trip();
    expect(await call(3)).toBe('default 3');
    expect(dependency.asked).toEqual([2]);
    // The cache declines what it does not know: no failure, and nothing to tell.
    expect(asked(observer)).toEqual(['cache served', 'backup served', 'backup failed', 'fallback served']);
    expect(breaker.stats().wires.map(({ name, served, failed }) => [name, served, failed])).toEqual([
      ['cache', 1, 0],
      ['backup', 1, 1],
      ['fallback', 1, 0],
    ]);
    expect(breaker.stats().calls).toMatchObject({ success: 1, diverted: 3, rejected: 0 });
  });

  test('first: where none takes it, the causes are in the order asked', async () => {
    const { breaker, backup, call, fallback } = await makeChain();
    fallback.well = false;
    backup.trip();
    const error = (await ending(call(2))) as BreakerOpenError;
    expect(error).toMatchObject({ code: 'BREAKER_OPEN', breaker: breaker.name });
    expect(error.causes).toMatchObject([
      { code: 'WIRE_REFUSED', wire: 'cache', declined: true },
      { code: 'BREAKER_OPEN', breaker: backup.name },
      { name: 'Unwell' },
    ]);
    expect(error.cause).toBe(error.causes[0]);
    expect(breaker.stats().calls.rejected).toBe(1);
  });

  test('first: a backup that hangs is passed over in time, and goes on to its own end', async () => {
    const { breaker: backup, clock } = makeBreaker({ ...RULES, timeoutMs: 300 });
    const { breaker } = makeBreaker({
      ...RULES,
      clock,
      wireTimeoutMs: 100,
      neutralWires: [breakerWire(backup, hangs), fallbackWire(() => 'default')],
    });
    breaker.trip();
    const answer = breaker.execute(() => 'fresh');
    await clock.advance(100);
    expect(await answer).toBe('default');
    expect(backup.stats().calls.timeout).toBe(0);
    await clock.advance(200);
    expect(backup.stats().calls.timeout).toBe(1);
    expect(breaker.stats().wires).toMatchObject([{ failed: 1, served: 0 }, { served: 1 }]);
  });

  test('all: every wire has the call in the order attached, and the first answer is the caller’s', async () => {
    const { breaker, call, dependency, observer } = await makeChain('all');
    const known = await call(1);
    expect(isCached(known) && known.value).toBe('fresh 1');
    expect(await call(2)).toBe('answer 2');
    expect(dependency.asked).toEqual([1, 2]);
    expect(asked(observer)).toEqual([
      'cache served',
      'backup served',
      'fallback served',
      'backup served',
      'fallback served',
    ]);
    expect(breaker.stats().calls.diverted).toBe(2);
  });

  test('all: those that fail are passed over, and only where all do the caller has the causes', async () => {
    const { backup, call, fallback } = await makeChain('all');
    backup.trip();
    expect(await call(2)).toBe('default 2');
    fallback.well = false;
    expect(isCached(await call(1))).toBe(true);
    expect(((await ending(call(2))) as BreakerOpenError).causes).toMatchObject([
      { wire: 'cache' },
      { breaker: backup.name },
      { name: 'Unwell' },
    ]);
  });

  test('all: an answer now and a record for later', async () => {
    const { breaker, clock } = makeBreaker({
      ...RULES,
      wireMode: 'all',
      neutralWires: [cacheWire(), bufferWire(), fallbackWire(() => 'default')],
    });
    const sent: number[] = [];
    const call = breaker.protect((input: number) => sent.push(input));
    await call(1);
    breaker.trip();
    expect(isCached(await call(1))).toBe(true);
    expect(isReceipt(await call(2))).toBe(true);
    breaker.reset();
    await clock.advance(1_000);
    expect(sent).toEqual([1, 1, 2]);
  });

  test('the tripping call goes the same way', async () => {
    const { breaker, call } = await makeChain();
    breaker.reset();
    const tripping = breaker.protect((_: number): string => fails());
    expect(await tripping(9)).toBe('answer 9');
    expect(breaker.state).toBe('open');
    expect(await call(9)).toBe('answer 9');
  });

  test('executeSync: those that answer at once, in the same order', async () => {
    const { breaker: backup, clock } = makeBreaker(RULES);
    const { breaker } = makeBreaker({
      ...RULES,
      clock,
      neutralWires: [
        cacheWire(),
        fallbackWire(async () => 'too late', { name: 'later' }),
        breakerWire(backup, ({ input }) => `backup ${input}`),
        fallbackWire(() => 'default'),
      ],
    });
    breaker.executeSync(() => 'fresh 1', { input: 1 });
    breaker.trip();
    expect(breaker.executeSync(fails, { input: 1 })).toMatchObject({ value: 'fresh 1' });
    expect(breaker.executeSync(fails, { input: 2 })).toBe('backup 2');
    backup.trip();
    expect(breaker.executeSync(fails, { input: 2 })).toBe('default');
    expect(breaker.stats().wires.map(({ served, failed }) => [served, failed])).toEqual([
      [1, 0],
      [0, 0],
      [1, 1],
      [1, 0],
    ]);
  });

  test('a chain of breakers, each the wire of the one before, is as deep as one likes', async () => {
    const last = makeBreaker(RULES);
    let backup = last.breaker as Parameters<typeof breakerWire>[0];
    for (let depth = 0; depth < 20; depth++) {
      const { breaker } = makeBreaker({ ...RULES, neutralWires: [breakerWire(backup, () => 'in between')] });
      breaker.trip();
      backup = breaker as unknown as typeof backup;
    }
    expect(await backup.execute(() => 'never')).toBe('in between');
    last.breaker.trip();
    let error = await ending(backup.execute(() => 'never'));
    let deep = 0;
    for (; (error as BreakerOpenError).causes?.length > 0; deep++) [error] = (error as BreakerOpenError).causes;
    expect(deep).toBe(20);
    expect(error).toMatchObject({ breaker: last.breaker.name });
  });
});
