import { beforeEach, describe, expect, test } from 'vitest';
import { AwaitedEnds } from '../../../src/adapters/redis/awaited-ends.ts';
import { SCRIPTS } from '../../../src/adapters/redis/scripts.ts';
import { call } from './spooled-call.ts';

const NONE: ReadonlySet<string> = new Set();

describe('the ends that a process waits for', () => {
  let ends: AwaitedEnds;
  let told: string[];
  /** What Redis was asked, whether it is held. */
  let asked: string[][];

  beforeEach(() => {
    ends = new AwaitedEnds();
    told = [];
    asked = [];
    ends.listen((id) => told.push(id));
  });

  const add = (count: number) => {
    for (let number = 1; number <= count; number++) ends.add(call(`${number}`), 0);
  };
  /** A Redis that holds all but some calls, and knows of no ends. */
  const redis = (...gone: string[]) => {
    return async (script: string, about: readonly (string | number)[]) => {
      if (script === SCRIPTS.endsElsewhere) return [String(about[1])];
      const ids = about.map(String);
      asked.push(ids);
      return ids.filter((id) => gone.includes(id));
    };
  };

  test('are asked for some at a time, and all in their turn', async () => {
    add(250);
    for (let turn = 0; turn < 3; turn++) await ends.look(redis('7', '240'), NONE);
    expect(asked.map((ids) => ids.length)).toEqual([100, 100, 100]);
    expect(new Set(asked.flat()).size).toBe(250);
    expect(told).toEqual(['7', '240']);
    await ends.look(redis('7', '240'), NONE);
    expect(told).toEqual(['7', '240']);
  });

  test('are not asked for while this process replays the call: it will know', async () => {
    add(2);
    await ends.look(redis('1', '2'), new Set(['1']));
    expect([asked, told]).toEqual([[['2']], ['2']]);
  });

  test('are not told where this process has made them while Redis was asked', async () => {
    add(2);
    const look = ends.look(redis('1', '2'), NONE);
    ends.take('1');
    await look;
    expect(told).toEqual(['2']);
  });

  test('are looked for by one look at a time, and not at all where there are none', async () => {
    await ends.look(redis(), NONE);
    add(1);
    await Promise.all([ends.look(redis(), NONE), ends.look(redis(), NONE)]);
    expect(asked).toEqual([['1']]);
  });

  test('are looked for again after one that failed', async () => {
    add(1);
    await expect(ends.look(() => Promise.reject(new Error('away')), NONE)).rejects.toThrow('away');
    await ends.look(redis('1'), NONE);
    expect(told).toEqual(['1']);
  });

  test('are those of the latest 10,000 calls', async () => {
    add(10_010);
    for (let turn = 0; turn < 101; turn++) await ends.look(redis(), NONE);
    expect(new Set(asked.flat()).size).toBe(10_000);
    expect(new Set(asked.flat()).has('10')).toBe(false);
  });

  test('are none where nobody listens', () => {
    const deaf = new AwaitedEnds();
    deaf.add(call('1'), 0);
    expect(deaf.isWaiting).toBe(false);
  });
});
