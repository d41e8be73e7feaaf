import { describe, expect, test } from 'vitest';
import { BreakerOpenError, bufferWire, fallbackWire, isReceipt } from '../../../src/breaker/index.ts';
import { ending, fails, makeBreaker, Unwell } from '../support.ts';
import { RULES } from './support.ts';

describe('diverting', () => {
  test('the call that trips the breaker is diverted itself, with its original input and its error', async () => {
    const seen: unknown[] = [];
    const { breaker } = makeBreaker({
      ...RULES,
      neutralWires: [
        fallbackWire(({ input, key, error }) => {
          seen.push([input, key, (error as Error | undefined)?.name]);
          return 'stale';
        }),
      ],
    });
    const input = { order: 7 };
    expect(await breaker.execute(fails, { input, key: 'ada' })).toBe('stale');
    expect(await breaker.execute(() => 'fresh', { input: 8 })).toBe('stale');
    expect(seen).toEqual([
      [input, 'ada', 'Unwell'],
      [8, undefined, undefined],
    ]);
    expect((seen[0] as unknown[])[0]).toBe(input);
    // One call, one outcome: the tripping call was executed, the next one diverted.
    expect(breaker.stats().calls).toMatchObject({ failure: 1, diverted: 1, rejected: 0 });
    await breaker.close();
  });

  test('first: the first wire that takes a call has it, the later ones are not asked', async () => {
    const asked: string[] = [];
    const wire = (name: string) => fallbackWire(() => asked.push(name) && name, { name });
    const { breaker } = makeBreaker({ ...RULES, neutralWires: [wire('near'), wire('far')] });
    breaker.trip();
    expect(await breaker.execute(() => 'fresh')).toBe('near');
    expect(asked).toEqual(['near']);
    await breaker.close();
  });

  test('all: every wire gets the call in the order attached, and the first answer is the caller’s', async () => {
    const asked: string[] = [];
    const wire = (name: string) => fallbackWire(() => asked.push(name) && name, { name });
    const { breaker } = makeBreaker({ ...RULES, wireMode: 'all', neutralWires: [wire('near'), wire('far')] });
    breaker.trip();
    expect(await breaker.execute(() => 'fresh')).toBe('near');
    expect(asked).toEqual(['near', 'far']);
    expect(breaker.stats().wires).toMatchObject([{ served: 1 }, { served: 1 }]);
    expect(breaker.stats().calls.diverted).toBe(1);
    await breaker.close();
  });

  test('a wire that fails is passed over, counted and reported', async () => {
    const { breaker, observer } = makeBreaker({
      ...RULES,
      neutralWires: [fallbackWire(fails, { name: 'broken' }), fallbackWire(async () => 'stale')],
    });
    breaker.trip();
    expect(await breaker.execute(() => 'fresh')).toBe('stale');
    expect(breaker.stats().wires).toMatchObject([
      { name: 'broken', failed: 1, served: 0 },
      { name: 'fallback', failed: 0, served: 1 },
    ]);
    expect(observer.of('diverted')).toMatchObject([
      { wire: 'broken', outcome: 'failed', error: expect.any(Unwell) },
      { wire: 'fallback', outcome: 'served', error: undefined },
    ]);
    await breaker.close();
  });

  test('where no wire takes it the caller gets the error, with why each did not', async () => {
    const { breaker, observer } = makeBreaker({
      ...RULES,
      neutralWires: [fallbackWire(fails, { name: 'broken' }), bufferWire()],
    });
    breaker.trip();
    const error = await ending(breaker.execute(() => 'fresh'));
    expect(error).toBeInstanceOf(BreakerOpenError);
    expect((error as BreakerOpenError).causes).toMatchObject([
      { name: 'Unwell' },
      { code: 'WIRE_REFUSED', wire: 'buffer', declined: true },
    ]);
    expect((error as BreakerOpenError).cause).toMatchObject({ name: 'Unwell' });
    expect(breaker.stats().calls).toMatchObject({ rejected: 1, diverted: 0 });
    // A buffer that is not meant for such a call has not failed.
    expect(breaker.stats().wires).toMatchObject([{ failed: 1 }, { failed: 0 }]);
    expect(observer.of('rejected')).toHaveLength(1);
    await breaker.close();
  });

  test('the tripping call whose wires all fail gets its own error', async () => {
    const { breaker } = makeBreaker({
      ...RULES,
      neutralWires: [fallbackWire(() => Promise.reject(new Error('empty')))],
    });
    expect(await ending(breaker.execute(fails))).toBeInstanceOf(Unwell);
    expect(breaker.stats().calls).toMatchObject({ failure: 1, rejected: 0, diverted: 0 });
    await breaker.close();
  });

  test('a buffer takes a protected call and answers with a receipt', async () => {
    const { breaker } = makeBreaker({ ...RULES, neutralWires: [bufferWire({ name: 'held' })] });
    breaker.trip();
    const answer = await breaker.protect(async (input: number) => input)(7);
    expect(isReceipt(answer)).toBe(true);
    expect(answer).toMatchObject({ breaker: breaker.name, wire: 'held' });
    expect(isReceipt({ id: 'x' })).toBe(false);
    expect(isReceipt(null)).toBe(false);
    await breaker.close();
  });
});
