import { AsyncLocalStorage } from 'node:async_hooks';
import { beforeEach, describe, expect, test } from 'vitest';
import { Deadline, type DeadlineQueue, deadlineQueue } from '../../../src/breaker/calls/deadline-queue.ts';
import { ManualClock } from '../../../src/breaker/testing.ts';

const DELAY_MS = 100;

let clock: ManualClock;
let queue: DeadlineQueue;
let fallen: string[];
beforeEach(() => {
  clock = new ManualClock();
  queue = deadlineQueue(clock, DELAY_MS);
  fallen = [];
});

/** Says its name and the time when it falls due, and does what else it is told to. */
class Named extends Deadline {
  readonly name: string;
  readonly #then: () => void;

  constructor(name: string, then: () => void = () => {}) {
    super(clock.monotonicMs());
    this.name = name;
    this.#then = then;
  }

  override fallDue(): void {
    fallen.push(`${this.name} at ${clock.monotonicMs()}`);
    this.#then();
  }
}

describe('deadlines', () => {
  test('fall due each at its time, in the order they were added', async () => {
    for (const name of ['a', 'b', 'c']) {
      queue.add(new Named(name));
      await clock.advance(30);
    }
    await clock.advance(1_000);
    expect(fallen).toEqual(['a at 100', 'b at 130', 'c at 160']);
  });

  test('of the same time fall due together, in the order they were added', async () => {
    for (const name of ['a', 'b', 'c']) queue.add(new Named(name));
    await clock.advance(99);
    expect(fallen).toEqual([]);
    await clock.advance(1);
    expect(fallen).toEqual(['a at 100', 'b at 100', 'c at 100']);
    await clock.advance(1_000);
    expect(fallen).toHaveLength(3);
  });

  test.each([
    ['first', [0]],
    ['middle', [1]],
    ['last', [2]],
    ['first two', [0, 1]],
    ['last two', [2, 1]],
    ['first and last', [0, 2]],
    ['all but none', []],
    ['all, from the first', [0, 1, 2]],
    ['all, from the last', [2, 1, 0]],
    ['all, from the middle', [1, 0, 2]],
  ])('taken off, the %s, do not fall due, and the others do', async (_, taken) => {
    const all = ['a', 'b', 'c'].map((name) => new Named(name));
    for (const each of all) queue.add(each);
    for (const index of taken) queue.remove(all[index]!);
    const after = new Named('after');
    queue.add(after);
    await clock.advance(1_000);
    const left = all.filter((_each, index) => !(taken as number[]).includes(index)).map(({ name }) => name);
    expect(fallen).toEqual([...left, 'after'].map((name) => `${name} at 100`));
  });

  test('taken off twice, or off another queue, change nothing', async () => {
    const [one, two, three] = [new Named('one'), new Named('two'), new Named('three')];
    for (const each of [one, two, three]) queue.add(each);
    deadlineQueue(clock, 50).remove(two);
    queue.remove(one);
    queue.remove(one);
    await clock.advance(1_000);
    expect(fallen).toEqual(['two at 100', 'three at 100']);
    queue.remove(two);
    queue.add(new Named('four'));
    await clock.advance(1_000);
    expect(fallen.at(-1)).toBe('four at 1100');
  });

  test('know the queue they are on', async () => {
    const deadline = new Named('a');
    expect(deadline.queue).toBeUndefined();
    queue.add(deadline);
    expect(deadline.queue).toBe(queue);
    queue.remove(deadline);
    expect(deadline.queue).toBeUndefined();
    const due = new Named('b', () => fallen.push(String(due.queue)));
    queue.add(due);
    await clock.advance(DELAY_MS);
    expect(fallen).toEqual(['b at 100', 'undefined']);
  });
});

describe('the timer', () => {
  test('is one for all of them', async () => {
    for (let each = 0; each < 1_000; each++) queue.add(new Named(String(each)));
    expect(clock.pendingTimers).toBe(1);
    await clock.advance(DELAY_MS);
    expect(fallen).toHaveLength(1_000);
    expect(clock.pendingTimers).toBe(0);
  });

  test('is left to run out when nothing waits any more, and finds nothing', async () => {
    const deadline = new Named('a');
    queue.add(deadline);
    queue.remove(deadline);
    expect(clock.pendingTimers).toBe(1);
    await clock.advance(DELAY_MS);
    expect(fallen).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
  });

  test('left over by those before, it serves the next ones', async () => {
    const first = new Named('first');
    queue.add(first);
    queue.remove(first);
    await clock.advance(60);
    queue.add(new Named('second'));
    expect(clock.pendingTimers).toBe(1);
    await clock.advance(40);
    expect(fallen).toEqual([]);
    expect(clock.pendingTimers).toBe(1);
    await clock.advance(59);
    expect(fallen).toEqual([]);
    await clock.advance(1);
    expect(fallen).toEqual(['second at 160']);
    expect(clock.pendingTimers).toBe(0);
  });

  test('of a busy queue is one at a time, however long it goes on', async () => {
    for (let call = 0; call < 200; call++) {
      const deadline = new Named(String(call));
      queue.add(deadline);
      await clock.advance(7);
      if (call % 5 > 0) queue.remove(deadline);
      expect(clock.pendingTimers).toBeLessThanOrEqual(1);
    }
    await clock.advance(1_000);
    expect(fallen).toEqual(Array.from({ length: 40 }, (_, each) => `${each * 5} at ${each * 35 + DELAY_MS}`));
    expect(clock.pendingTimers).toBe(0);
  });

  test('is armed outside the context of the call that armed it', async () => {
    const context = new AsyncLocalStorage<string>();
    let seen: string | undefined = 'nothing';
    context.run('a request', () =>
      queue.add(
        new Named('a', () => {
          seen = context.getStore();
        }),
      ),
    );
    await clock.advance(DELAY_MS);
    expect(fallen).toEqual(['a at 100']);
    expect(seen).toBeUndefined();
  });

  test('armed again for those left, it is outside that context too', async () => {
    const context = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const see = () => seen.push(context.getStore());
    await context.run('a request', async () => {
      queue.add(new Named('a', see));
      await clock.advance(50);
      queue.add(new Named('b', see));
    });
    await clock.advance(1_000);
    expect(seen).toEqual([undefined, undefined]);
  });
});

describe('what falls due may', () => {
  test('take others off that are due at the same time', async () => {
    const others = ['b', 'c'].map((name) => new Named(name));
    queue.add(new Named('a', () => queue.remove(others[0]!)));
    for (const other of others) queue.add(other);
    await clock.advance(1_000);
    expect(fallen).toEqual(['a at 100', 'c at 100']);
  });

  test('take off all that are left', async () => {
    const others = ['b', 'c'].map((name) => new Named(name));
    const takeOff = () => {
      for (const other of others) queue.remove(other);
    };
    queue.add(new Named('a', takeOff));
    for (const other of others) queue.add(other);
    await clock.advance(1_000);
    expect(fallen).toEqual(['a at 100']);
    expect(clock.pendingTimers).toBe(0);
  });

  test('add others, which fall due at their own time by one timer', async () => {
    const again = (name: string, left: number): Named =>
      new Named(name, () => {
        if (left > 0) queue.add(again(`${name}'`, left - 1));
        expect(clock.pendingTimers).toBeLessThanOrEqual(1);
      });
    queue.add(again('a', 2));
    queue.add(again('b', 0));
    await clock.advance(1_000);
    expect(fallen).toEqual(['a at 100', 'b at 100', "a' at 200", "a'' at 300"]);
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('the queue of a clock and a delay', () => {
  test('is always the same, and another for another clock or delay', () => {
    expect(deadlineQueue(clock, DELAY_MS)).toBe(queue);
    expect(deadlineQueue(clock, DELAY_MS + 1)).not.toBe(queue);
    expect(deadlineQueue(new ManualClock(), DELAY_MS)).not.toBe(queue);
  });

  test('beyond 256 delays works as well, but is not kept', async () => {
    for (let delayMs = 1_000; delayMs < 1_300; delayMs++) {
      deadlineQueue(clock, delayMs).add(new Named(String(delayMs)));
    }
    expect(deadlineQueue(clock, 1_000)).toBe(deadlineQueue(clock, 1_000));
    expect(deadlineQueue(clock, 1_299)).not.toBe(deadlineQueue(clock, 1_299));
    await clock.advance(2_000);
    expect(fallen).toHaveLength(300);
    expect(fallen.at(-1)).toBe('1299 at 1299');
  });
});
