import { describe, expect, test } from 'vitest';
import { BreakerOpenError, bufferWire, fallbackWire, isReceipt } from '../../src/breaker/index.ts';
import { closeBreakersAfterEach, ending, fails, failTimes, makeBreaker, NO_RULE, Unwell } from '../breaker/support.ts';

closeBreakersAfterEach();

const unwell = new Unwell('unwell');
const RULES = {
  trip: { ...NO_RULE, failures: 3 },
  cooldownMs: 1_000,
  halfOpen: { probes: 1, probeTimeoutMs: 500 },
} as const;

/** How a conduit of Electrician's asks: may I, and if not, or if it fails, tell. */
function process(breaker: ReturnType<typeof makeBreaker>['breaker'], works: boolean): 'refused' | 'done' | 'failed' {
  if (!breaker.allow()) return 'refused';
  if (works) {
    breaker.recordSuccess();
    return 'done';
  }
  breaker.recordError(unwell);
  return 'failed';
}

/** Electrician at ec990db, whose breaker this one follows: what its users count on. */
describe('as in Electrician', () => {
  test('the threshold trips when it is reached, not when it is passed', () => {
    const { breaker } = makeBreaker(RULES);
    expect([1, 2].map(() => process(breaker, false))).toEqual(['failed', 'failed']);
    expect(breaker.state).toBe('closed');
    expect(process(breaker, false)).toBe('failed');
    expect(breaker.state).toBe('open');
    expect(process(breaker, true)).toBe('refused');
  });

  test('an error within the debounce period is wholly ignored: it neither counts nor begins the period anew', async () => {
    const { breaker, clock } = makeBreaker({ ...RULES, trip: { ...RULES.trip, debounceMs: 100 } });
    // Judged at 10, 110 and 210 ms; the others, 50 ms after each, are not.
    await clock.advance(10);
    for (let error = 0; error < 4; error++) {
      process(breaker, false);
      await clock.advance(50);
    }
    expect(breaker.exportState().window).toMatchObject({ executed: 2, failed: 2 });
    expect(breaker.state).toBe('closed');
    process(breaker, false);
    expect(breaker.state).toBe('open');
  });

  test('errors while it is open neither trip it again nor extend the cooldown', async () => {
    const { breaker, clock } = makeBreaker(RULES);
    let trips = 0;
    breaker.onTrip(() => trips++);
    for (let error = 0; error < 3; error++) process(breaker, false);
    await clock.advance(999);
    for (let error = 0; error < 100; error++) breaker.recordError(unwell);
    expect(breaker.allow()).toBe(false);
    await clock.advance(1);
    expect(breaker.allow()).toBe(true);
    expect(trips).toBe(1);
  });

  test('a manual trip expires as well', async () => {
    const { breaker, clock } = makeBreaker(RULES);
    breaker.trip();
    await clock.advance(999);
    expect(process(breaker, true)).toBe('refused');
    await clock.advance(1);
    expect(process(breaker, true)).toBe('done');
    expect(breaker.state).toBe('closed');
  });

  test('a trip while open and a reset while closed do nothing', async () => {
    const { breaker, clock } = makeBreaker(RULES);
    const heard: string[] = [];
    breaker.onTransition(({ to }) => heard.push(to));
    expect(breaker.reset()).toBe(false);
    expect(heard).toEqual([]);
    expect(breaker.trip()).toBe(true);
    await clock.advance(900);
    expect(breaker.trip()).toBe(false);
    expect(heard).toEqual(['open']);
    // Nor did the second trip begin the cooldown anew.
    await clock.advance(100);
    expect(breaker.allow()).toBe(true);
  });

  test('a reset while closed does not forget the errors there are', () => {
    const { breaker } = makeBreaker(RULES);
    process(breaker, false);
    process(breaker, false);
    breaker.reset();
    process(breaker, false);
    expect(breaker.state).toBe('open');
  });

  test('who asked to be notified hears of each reset, and of nothing else', async () => {
    const { breaker, clock } = makeBreaker(RULES);
    let resets = 0;
    const off = breaker.notifyOnReset(() => resets++);
    breaker.trip();
    expect(resets).toBe(0);
    breaker.reset();
    breaker.trip();
    await clock.advance(1_000);
    process(breaker, true);
    expect(resets).toBe(2);
    off();
    breaker.trip();
    breaker.reset();
    expect(resets).toBe(2);
  });

  test('the element that trips it is diverted itself, with its original input', async () => {
    const taken: unknown[] = [];
    const wire = fallbackWire(({ input }) => taken.push(input));
    const { breaker } = makeBreaker({ ...RULES, neutralWires: [wire] });
    const elements = [{ id: 1 }, { id: 2 }, { id: 3 }, { id: 4 }];
    // What is done to an element on the way to its failure does not reach the wire.
    const transform = breaker.protect(async (element: { id: number }) => {
      const transformed = { ...element, id: element.id * 100 };
      throw new Unwell(`unwell at ${transformed.id}`);
    });
    for (const element of elements) await ending(transform(element));
    expect(taken).toHaveLength(2);
    expect(taken[0]).toBe(elements[2]);
    expect(taken[1]).toBe(elements[3]);
  });

  test('several neutral wires get the element in the order attached, and those that fail are passed over', async () => {
    const asked: string[] = [];
    const wire = (name: string, works: boolean) =>
      fallbackWire(
        () => {
          asked.push(name);
          return works ? name : fails();
        },
        { name },
      );
    const neutralWires = [wire('first', false), wire('second', true), wire('third', false), wire('fourth', true)];
    const { breaker } = makeBreaker({ ...RULES, wireMode: 'all', neutralWires });
    breaker.trip();
    expect(await breaker.execute(() => 'live')).toBe('second');
    expect(asked).toEqual(['first', 'second', 'third', 'fourth']);
    expect(breaker.neutralWires.map(({ name }) => name)).toEqual(['first', 'second', 'third', 'fourth']);
    expect(breaker.stats().wires.map(({ served, failed }) => [served, failed])).toEqual([
      [0, 1],
      [1, 0],
      [0, 1],
      [1, 0],
    ]);
  });

  test('retries run only while the breaker allows, and together they count once', async () => {
    const { breaker } = makeBreaker(RULES);
    let tries = 0;
    const withRetries = () =>
      breaker.execute(async () => {
        for (let retry = 0; retry < 5 && breaker.state === 'closed'; retry++) {
          tries += 1;
          if (tries === 12) breaker.trip();
        }
        throw unwell;
      });
    for (let element = 0; element < 3; element++) await ending(withRetries());
    expect(breaker.stats().calls.failure).toBe(3);
    // Five, five, and two: the trip ended the third element's retries.
    expect(tries).toBe(12);
  });

  test('an error of a call that was not asked for counts like any other', () => {
    const { breaker } = makeBreaker(RULES);
    for (let error = 0; error < 3; error++) breaker.recordError(unwell);
    expect(breaker.state).toBe('open');
  });
});

/** What its README promises and its code does not have. */
describe('beyond Electrician', () => {
  test('errors count in a window of time: three in an hour are no outage', async () => {
    const { breaker, clock } = makeBreaker(RULES);
    for (let error = 0; error < 12; error++) {
      process(breaker, false);
      await clock.advance(1_200_000);
    }
    expect(breaker.state).toBe('closed');
  });

  test('elements are held until the reset, and then go on in their order', async () => {
    const { breaker, clock } = makeBreaker({ ...RULES, neutralWires: [bufferWire()] });
    const processed: number[] = [];
    const element = breaker.protect(async (id: number) => void processed.push(id));
    breaker.trip();
    for (const id of [1, 2, 3]) expect(isReceipt(await element(id))).toBe(true);
    expect(processed).toEqual([]);
    breaker.reset();
    await clock.advance(1_000);
    expect(processed).toEqual([1, 2, 3]);
  });

  test('an element that no neutral wire takes is lost to nobody: its caller has the error, with why each wire failed', async () => {
    const wire = (name: string) => fallbackWire(() => Promise.reject(new Unwell(name)), { name });
    const { breaker } = makeBreaker({ ...RULES, neutralWires: [wire('first'), wire('second')] });
    await failTimes(breaker, 2);
    // The tripping element's own error, and after it the refusal.
    expect(await ending(breaker.execute(() => Promise.reject(unwell)))).toBe(unwell);
    const error = await ending(breaker.execute(() => 'live'));
    expect(error).toBeInstanceOf(BreakerOpenError);
    expect((error as BreakerOpenError).causes).toMatchObject([{ message: 'first' }, { message: 'second' }]);
    expect(breaker.stats().calls).toMatchObject({ failure: 3, rejected: 1, diverted: 0 });
    expect(breaker.stats().wires).toMatchObject([{ failed: 2 }, { failed: 2 }]);
  });
});
