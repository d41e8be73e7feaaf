import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, expectTypeOf, test } from 'vitest';
import {
  attachBreaker,
  type Breaker,
  BreakerClosedDownError,
  BreakerOpenError,
  breakerWire,
  bufferWire,
  type CachedAnswer,
  cacheWire,
  fallbackWire,
  InvalidInputError,
  isCached,
  isReceipt,
  type NeutralWire,
  type Receipt,
} from '../../../src/breaker/index.ts';
import { closeBreakersAfterEach, ending, fails, hangs, makeBreaker } from '../support.ts';
import { Dependency, RULES } from './support.ts';

closeBreakersAfterEach();

/** An open breaker with another as its wire, over a dependency that is well. */
function makeBacked() {
  const dependency = new Dependency();
  const { breaker: backup, observer: backupObserver, clock } = makeBreaker(RULES, 'backup');
  const wire = breakerWire(backup, ({ input }) => dependency.answer(input as number));
  const { breaker, observer } = makeBreaker({ ...RULES, clock, neutralWires: [wire] });
  breaker.trip();
  return {
    breaker,
    backup,
    dependency,
    clock,
    observer,
    backupObserver,
    call: breaker.protect((_: number) => 'fresh'),
  };
}

describe('a breaker as a wire', () => {
  test('makes the call by the other way, under the other breaker, and each counts for itself', async () => {
    const { breaker, backup, call, observer, dependency } = makeBacked();
    expect(await call(7)).toBe('answer 7');
    expect(await breaker.execute(() => 'fresh', { input: 8 })).toBe('answer 8');
    expect(dependency.asked).toEqual([7, 8]);
    expect(breaker.stats().calls).toMatchObject({ diverted: 2, success: 0, rejected: 0 });
    expect(breaker.stats().wires).toMatchObject([{ name: 'backup', kind: 'breaker', served: 2, failed: 0 }]);
    expect(backup.stats().calls).toMatchObject({ success: 2, diverted: 0 });
    expect(observer.of('diverted')).toMatchObject([
      { wire: 'backup', outcome: 'served' },
      { wire: 'backup', outcome: 'served' },
    ]);
  });

  test('what fails there counts and trips there, and fails as a wire here', async () => {
    const { breaker, backup, call, dependency, backupObserver } = makeBacked();
    dependency.well = false;
    const error = await ending(call(7));
    expect(error).toBeInstanceOf(BreakerOpenError);
    expect((error as BreakerOpenError).breaker).toBe(breaker.name);
    expect((error as BreakerOpenError).causes).toMatchObject([{ name: 'Unwell', message: 'unwell at 7' }]);
    expect(backup.state).toBe('open');
    expect(backup.stats().calls).toMatchObject({ failure: 1 });
    expect(breaker.stats()).toMatchObject({ calls: { rejected: 1, failure: 0 }, wires: [{ failed: 1, served: 0 }] });
    expect(backupObserver.of('failed')).toHaveLength(1);
  });

  test('an open backup is not asked, and its error is among the causes', async () => {
    const { backup, call, dependency, breaker } = makeBacked();
    backup.trip();
    const error = await ending(call(7));
    expect((error as BreakerOpenError).causes).toMatchObject([{ code: 'BREAKER_OPEN', breaker: 'backup' }]);
    expect(dependency.asked).toEqual([]);
    expect(backup.stats().calls).toMatchObject({ rejected: 1 });
    expect(breaker.stats().wires).toMatchObject([{ failed: 1 }]);
  });

  test('one that is closed down is passed over, and closing one leaves the other', async () => {
    const { breaker, backup, call } = makeBacked();
    await backup.close();
    const error = await ending(call(7));
    expect((error as BreakerOpenError).causes[0]).toBeInstanceOf(BreakerClosedDownError);
    const other = makeBacked();
    await other.breaker.close();
    expect(await other.backup.execute(() => 'still here')).toBe('still here');
    await breaker.close();
  });

  test('it has the other breaker’s timeout, and the caller’s signal reaches it', async () => {
    const { breaker: backup, clock } = makeBreaker({ ...RULES, timeoutMs: 50 });
    const seen: AbortSignal[] = [];
    const wire = breakerWire(backup, (_, { signal }) => {
      seen.push(signal);
      return hangs();
    });
    const { breaker } = makeBreaker({ ...RULES, clock, neutralWires: [wire] });
    breaker.trip();
    const call = ending(breaker.execute(() => 'fresh'));
    await clock.advance(50);
    expect(await call).toMatchObject({ causes: [{ code: 'BREAKER_TIMEOUT', breaker: backup.name }] });
    expect(backup.stats().calls.timeout).toBe(1);

    backup.reset();
    const leaving = new AbortController();
    const left = ending(breaker.execute(() => 'fresh', { signal: leaving.signal }));
    await clock.advance(1);
    leaving.abort();
    await left;
    expect(seen.map(({ aborted }) => aborted)).toEqual([true, true]);
    expect(backup.stats().calls.cancelled).toBe(1);
    expect(breaker.stats().wires).toMatchObject([{ failed: 1 }]);
  });

  test('the other way is given the same idempotency key: the caller’s, or the one that the first way was given', async () => {
    const { breaker: backup, clock } = makeBreaker({ ...RULES, neutralWires: [bufferWire()] });
    const there: string[] = [];
    const here: string[] = [];
    const wire = breakerWire(backup, (_, { idempotencyKey }) => there.push(idempotencyKey));
    const { breaker } = makeBreaker({ ...RULES, clock, neutralWires: [wire] });
    const call = breaker.protect((_: number, { idempotencyKey }): number => {
      here.push(idempotencyKey);
      return fails();
    });
    await call(1);
    await call(2, { idempotencyKey: 'of the caller' });
    await breaker.execute(fails, { idempotencyKey: 'of another' });
    backup.trip();
    await call(3, { idempotencyKey: 'held there' });
    backup.reset();
    await clock.advance(1_000);
    expect(there).toEqual([...here, 'of the caller', 'of another', 'held there']);
    expect(here).toHaveLength(1);
  });

  test('its run is in the caller’s async context', async () => {
    const requests = new AsyncLocalStorage<string>();
    const { breaker: backup } = makeBreaker(RULES);
    const wire = breakerWire(backup, () => requests.getStore());
    const { breaker } = makeBreaker({ ...RULES, neutralWires: [wire] });
    breaker.trip();
    expect(await requests.run('jo', () => breaker.execute(() => 'fresh'))).toBe('jo');
  });

  test('keeps results apart from those of other wires through the same breaker', async () => {
    const { breaker: backup } = makeBreaker({ ...RULES, neutralWires: [cacheWire()] });
    const through = (what: string) => {
      const { breaker } = makeBreaker({
        ...RULES,
        neutralWires: [breakerWire(backup, ({ input }) => `${what} ${input}`)],
      });
      breaker.trip();
      return breaker;
    };
    const users = through('user');
    const orders = through('order');
    expect(await users.execute(fails, { input: 1 })).toBe('user 1');
    backup.trip();
    const answer = await users.execute(fails, { input: 1 });
    expect(isCached(answer) && answer.value).toBe('user 1');
    expect(await ending(orders.execute(fails, { input: 1 }))).toBeInstanceOf(BreakerOpenError);
  });
});

describe('the wires of a breaker that is a wire', () => {
  test('answer where it does not let a call through', async () => {
    const { breaker: backup } = makeBreaker({
      ...RULES,
      neutralWires: [fallbackWire(({ input }) => `default ${input}`)],
    });
    const { breaker } = makeBreaker({ ...RULES, neutralWires: [breakerWire(backup, () => 'by the backup')] });
    breaker.trip();
    backup.trip();
    expect(await breaker.execute(fails, { input: 7 })).toBe('default 7');
    expect(breaker.stats().wires).toMatchObject([{ served: 1, failed: 0 }]);
    expect(backup.stats()).toMatchObject({ calls: { diverted: 1 }, wires: [{ served: 1 }] });
  });

  test('its buffer holds calls that can be replayed, and replays them by its own way', async () => {
    const dependency = new Dependency();
    const { breaker: backup, clock } = makeBreaker({ ...RULES, neutralWires: [bufferWire()] });
    const wire = breakerWire(backup, ({ input }) => dependency.answer(input as number));
    const { breaker, observer } = makeBreaker({ ...RULES, clock, neutralWires: [wire] });
    const call = breaker.protect((_: number) => 'fresh');
    breaker.holdIn({ mode: 'forced_open', reason: 'r', actor: 'a', expiresAt: '2027-01-01T00:00:00Z' });
    backup.trip();
    const receipt = await call(7, { key: 'jo' });
    expect(isReceipt(receipt) && receipt.breaker).toBe(backup.name);
    // Held there: this breaker has nothing to replay, so its wire counts it as served and promises no replay.
    expect(breaker.stats().wires).toMatchObject([{ served: 1, buffered: 0 }]);
    expect(observer.of('diverted')).toMatchObject([{ outcome: 'served', receipt: undefined }]);
    expect(backup.stats().wires).toMatchObject([{ buffered: 1, depth: 1 }]);
    // What cannot be replayed gets no receipt.
    expect(await ending(breaker.execute(fails, { input: 8 }))).toBeInstanceOf(BreakerOpenError);
    backup.reset();
    await clock.advance(5_000);
    expect(dependency.answered).toEqual([7]);
    expect(backup.stats().wires).toMatchObject([{ replayed: 1, depth: 0 }]);
  });
});

describe('a circle of breakers', () => {
  test('a breaker that is its own wire is refused where the call comes round, and says how it came', async () => {
    const { breaker: backup } = makeBreaker(RULES, 'b');
    let runs = 0;
    const { breaker } = makeBreaker(
      {
        ...RULES,
        neutralWires: [
          breakerWire(backup, (): Promise<unknown> => {
            runs += 1;
            return first.execute(() => 'fresh');
          }),
        ],
      },
      'a',
    );
    const first = breaker as Breaker<readonly NeutralWire[]>;
    breaker.trip();
    const error = await ending(breaker.execute(() => 'fresh'));
    const [inner] = (error as BreakerOpenError).causes;
    expect(inner).toMatchObject({ code: 'BREAKER_OPEN', breaker: 'a', causes: [{ code: 'WIRE_REFUSED', wire: 'b' }] });
    expect(String((inner as BreakerOpenError).causes[0])).toContain('in a circle, "a" to "b" to "a"');
    expect(runs).toBe(1);
  });

  test('through others as well', async () => {
    const breakers: Breaker<readonly NeutralWire[]>[] = [];
    let runs = 0;
    const next = (index: number) => () => {
      runs += 1;
      return breakers[index]!.execute(() => 'fresh');
    };
    const { breaker: c } = makeBreaker(RULES, 'c');
    const { breaker: b } = makeBreaker({ ...RULES, neutralWires: [breakerWire(c, next(0))] }, 'b');
    const { breaker: a } = makeBreaker({ ...RULES, neutralWires: [breakerWire(b, () => 'by b')] }, 'a');
    breakers.push(a as Breaker<readonly NeutralWire[]>);
    a.trip();
    b.trip();
    const error = await ending(a.execute(() => 'fresh'));
    expect(runs).toBe(1);
    expect(messages(error)).toContain('in a circle, "a" to "b" to "c" to "a"');
  });

  test('two calls at once by one wire are no circle, nor is a call of work that outlived an earlier one', async () => {
    const { breaker: backup, clock } = makeBreaker(RULES);
    const later: Promise<unknown>[] = [];
    const { breaker } = makeBreaker({
      ...RULES,
      clock,
      neutralWires: [
        breakerWire(backup, ({ input }): unknown => {
          if (input === 'first') {
            later.push(
              new Promise<void>((resolve) => clock.timer(10, resolve)).then(() =>
                (breaker as Breaker<readonly NeutralWire[]>).execute(fails, { input: 'later' }),
              ),
            );
          }
          return `backup of ${input}`;
        }),
      ],
    });
    breaker.trip();
    const both = ['first', 'second'].map((input) => breaker.execute(fails, { input }));
    expect(await Promise.all(both)).toEqual(['backup of first', 'backup of second']);
    await clock.advance(10);
    expect(await Promise.all(later)).toEqual(['backup of later']);
  });

  test('and where the callers cannot wait', () => {
    const { breaker: backup } = makeBreaker(RULES, 'b');
    const { breaker } = makeBreaker(
      {
        ...RULES,
        neutralWires: [
          breakerWire(backup, (): unknown => (breaker as Breaker<readonly NeutralWire[]>).executeSync(() => 'fresh')),
        ],
      },
      'a',
    );
    breaker.trip();
    try {
      breaker.executeSync(() => 'fresh');
      expect.unreachable();
    } catch (error) {
      expect(messages(error)).toContain('in a circle, "a" to "b" to "a"');
    }
  });
});

describe('for callers that cannot wait', () => {
  test('it answers at once, under the other breaker, with its wires that answer at once', () => {
    const { breaker: backup } = makeBreaker({ ...RULES, neutralWires: [bufferWire(), fallbackWire(() => 'default')] });
    const { breaker } = makeBreaker({
      ...RULES,
      neutralWires: [breakerWire(backup, ({ input }) => `backup ${input}`)],
    });
    breaker.trip();
    expect(breaker.executeSync(() => 'fresh', { input: 7 })).toBe('backup 7');
    expect(backup.stats().calls.success).toBe(1);
    backup.trip();
    expect(breaker.executeSync(() => 'fresh', { input: 7 })).toBe('default');
    expect(breaker.stats().wires).toMatchObject([{ served: 2 }]);
  });

  test('it is passed over where its function answers later, in silence, and that is no failure of it', async () => {
    const unhandled: unknown[] = [];
    const onUnhandled = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', onUnhandled);
    const { breaker: backup, clock } = makeBreaker(RULES);
    const { breaker } = makeBreaker({
      ...RULES,
      neutralWires: [breakerWire(backup, async () => fails()), fallbackWire(() => 'default')],
    });
    breaker.trip();
    expect(breaker.executeSync(() => 'fresh')).toBe('default');
    await clock.advance(1);
    process.off('unhandledRejection', onUnhandled);
    expect(unhandled).toEqual([]);
    expect(breaker.stats().wires).toMatchObject([{ failed: 0, served: 0 }, { served: 1 }]);
  });

  test('what it throws passes it over', () => {
    const { breaker: backup } = makeBreaker(RULES);
    const { breaker } = makeBreaker({
      ...RULES,
      neutralWires: [breakerWire(backup, fails), fallbackWire(() => 'default')],
    });
    breaker.trip();
    expect(breaker.executeSync(() => 'fresh')).toBe('default');
    expect(breaker.stats().wires).toMatchObject([{ failed: 1 }, { served: 1 }]);
    expect(backup.stats().calls.failure).toBe(1);
  });
});

describe('what it takes', () => {
  test.each<[string, unknown, unknown, unknown]>([
    ['no breaker', {}, () => 1, { name: 'b' }],
    ['nothing', undefined, () => 1, undefined],
    ['no function', undefined, 5, { name: 'b' }],
    ['an empty name', undefined, () => 1, { name: '' }],
  ])('%s is refused', (_, backup, run, options) => {
    expect(() => breakerWire(backup as never, run as never, options as never)).toThrow(InvalidInputError);
  });

  test('a name of its own, so that one breaker may be several wires', async () => {
    const { breaker: backup } = makeBreaker(RULES);
    const { breaker } = makeBreaker({
      ...RULES,
      neutralWires: [breakerWire(backup, fails, { name: 'near' }), breakerWire(backup, () => 'far', { name: 'far' })],
    });
    breaker.trip();
    expect(await ending(breaker.execute(() => 'fresh'))).toMatchObject({
      causes: [{ name: 'Unwell' }, { code: 'BREAKER_OPEN' }],
    });
    expect(breaker.stats().wires).toMatchObject([{ name: 'near' }, { name: 'far' }]);
  });

  test('a breaker of another thread', async () => {
    const { breaker: backup, clock } = makeBreaker(RULES);
    const attached = attachBreaker(backup.share(), { clock, telemetry: 'off' });
    const { breaker } = makeBreaker({ ...RULES, clock, neutralWires: [breakerWire(attached, () => 'backup')] });
    breaker.trip();
    expect(await breaker.execute(() => 'fresh')).toBe('backup');
    expect(backup.stats().calls.success).toBe(1);
    attached.close();
  });

  test('in another thread it counts for the wire of the thread that owns the breaker', async () => {
    const { breaker: backup, clock } = makeBreaker(RULES);
    const wire = () => breakerWire(backup, () => 'backup');
    const { breaker } = makeBreaker({ ...RULES, clock, neutralWires: [wire()] });
    const attached = attachBreaker(breaker.share(), { clock, telemetry: 'off', neutralWires: [wire()] });
    breaker.trip();
    expect(await attached.execute(() => 'fresh')).toBe('backup');
    expect(breaker.stats().wires).toMatchObject([{ served: 1 }]);
    attached.close();
  });
});

describe('its type', () => {
  test('the caller gets the answers of the function and of the other breaker’s wires; a receipt only where it can be replayed', () => {
    const { breaker: backup } = makeBreaker({ neutralWires: [bufferWire(), cacheWire(), fallbackWire(() => 0)] });
    const wire = breakerWire(backup, async ({ input }) => input === 'yes');
    expectTypeOf(wire).toEqualTypeOf<NeutralWire<boolean | Receipt | CachedAnswer<boolean> | number>>();
    const { breaker } = makeBreaker({ neutralWires: [wire] });
    const name = breaker.protect(async (id: number) => `name ${id}`);
    expectTypeOf<Awaited<ReturnType<typeof name>>>().toEqualTypeOf<
      string | boolean | Receipt | CachedAnswer<boolean> | number
    >();
    const executed = () => breaker.execute(async () => 'x');
    expectTypeOf<Awaited<ReturnType<typeof executed>>>().toEqualTypeOf<
      string | boolean | CachedAnswer<boolean> | number
    >();
  });

  test('a backup without wires adds its function’s answer alone', () => {
    const { breaker: backup } = makeBreaker();
    const { breaker } = makeBreaker({ neutralWires: [breakerWire(backup, () => 1)] });
    const executed = () => breaker.execute(async () => 'x');
    expectTypeOf<Awaited<ReturnType<typeof executed>>>().toEqualTypeOf<string | number>();
  });
});

/** What an error and all of its causes say. */
function messages(error: unknown): string {
  const { message, causes = [] } = error as BreakerOpenError;
  return [message, ...causes.map(messages)].join('; ');
}
