import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type Breaker,
  type BufferWire,
  bufferWire,
  createBreaker,
  memorySpool,
  type Spool,
} from '../../../src/breaker/index.ts';
import { ManualClock } from '../../../src/breaker/testing.ts';

/** A spool as two replicas of a service have it: one store, and each of them opens it. */
function sharedStore(): () => Spool {
  const store = memorySpool();
  let opening: ReturnType<Spool['open']> | undefined;
  return () =>
    new Proxy(store, {
      get(target, property) {
        if (property === 'isShared' || property === 'isDurable') return true;
        if (property === 'close') return async () => undefined;
        if (property === 'open') {
          return (owner: Parameters<Spool['open']>[0]) => {
            opening ??= target.open(owner);
            return opening;
          };
        }
        const value = Reflect.get(target, property, target) as unknown;
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
}

describe('a spool of two replicas', () => {
  let clock: ManualClock;
  let ran: string[];
  let breakers: Breaker<readonly [BufferWire]>[];
  let replicas: ((order: number) => Promise<unknown>)[];

  beforeEach(() => {
    clock = new ManualClock();
    ran = [];
    const spool = sharedStore();
    breakers = ['first', 'second'].map((name) =>
      createBreaker(`shared-spool-${name}`, {
        clock,
        telemetry: 'off',
        cooldownMs: 86_400_000,
        neutralWires: [bufferWire({ spool: spool(), drainPerSecond: 1_000 })],
      }),
    );
    replicas = breakers.map((breaker, index) =>
      breaker.protect(async (order: number) => ran.push(`${index} ${order}`), { name: 'charge' }),
    );
  });

  afterEach(async () => {
    await Promise.all(breakers.map((breaker) => breaker.close()));
  });

  test('is drained by the one whose breaker is closed, though the other one filled it', async () => {
    await clock.advance(1);
    breakers[0]!.trip();
    await replicas[0]!(1);
    await replicas[0]!(2);
    await clock.advance(3_000);
    expect(ran).toEqual(['1 1', '1 2']);
    expect(breakers[1]!.neutralWires[0].load().depth).toBe(0);
  });

  test('has a wire whose name says so, unless it is given another', () => {
    expect(breakers[0]!.neutralWires[0].name).toBe('shared-buffer');
    expect(bufferWire().name).toBe('buffer');
    expect(bufferWire({ name: 'outbox', spool: sharedStore()() }).name).toBe('outbox');
  });

  test('counts in each what it did itself, so that the sums are those of both together', async () => {
    await clock.advance(1);
    breakers[0]!.trip();
    for (let order = 0; order < 5; order++) await replicas[0]!(order);
    await clock.advance(3_000);
    const wires = breakers.map((breaker) => breaker.stats().wires[0]!);
    expect(wires.map(({ buffered }) => buffered)).toEqual([5, 0]);
    expect(wires.map(({ replayed }) => replayed)).toEqual([0, 5]);
  });
});
