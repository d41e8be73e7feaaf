import type { BreakerStats, WireStats } from '@switchgear/breaker';
import { CALL_OUTCOMES } from '@switchgear/conventions';
import { describe, expect, test } from 'vitest';
import type { BreakerReport } from '../../src/demo/messages.ts';
import { OrderSet } from '../../src/demo/order-set.ts';
import { complaints, summarize, summaryLines } from '../../src/demo/summary.ts';

const LOAD = { sent: 10, charged: 6, receipts: 3, refused: 1, unanswered: 0, notSent: 0, inFlight: 0 };

describe('the summary', () => {
  test('adds up what the breakers of all services did', () => {
    const summary = summarize({
      load: LOAD,
      accepted: orders(9),
      charged: orders(9),
      duplicates: 2,
      breakers: [
        breaker(
          { success: 5, failure: 2, diverted: 3 },
          { wires: [wire({ buffered: 4, replayed: 4 })], trips: 2, resets: 1 },
        ),
        breaker({ success: 7, rejected: 1 }, { wires: [wire({ served: 5 })], trips: 1, resets: 1 }),
      ],
    });
    expect(summary).toMatchObject({ calls: 18, trips: 3, resets: 2, diverted: 9, replayed: 4, lost: 0, duplicates: 2 });
    expect(complaints(summary)).toEqual([]);
  });

  test('an accepted order that was never charged is lost', () => {
    const summary = summarize({ load: LOAD, accepted: orders(9), charged: orders(7), duplicates: 0, breakers: [] });
    expect(summary.lost).toBe(2);
    expect(complaints(summary)).toEqual(['orders accepted and never charged: 2']);
    expect(summaryLines(summary, 60).join('\n')).toMatch(/lost\s+2\s+9 orders accepted, 7 of them charged/);
  });

  test('calls that a wire gave up are lost, even where the ledger has their orders', () => {
    const breakers = [breaker({}, { wires: [wire({ dropped: 2, dead: 1 })] })];
    const summary = summarize({ load: LOAD, accepted: orders(9), charged: orders(9), duplicates: 0, breakers });
    expect(summary.lost).toBe(3);
    expect(complaints(summary)).toEqual(['calls dropped by a neutral wire: 2', 'calls that ended as dead letters: 1']);
  });

  test('charges of refused orders make up for nothing', () => {
    const charged = new OrderSet();
    for (const order of [100, 101]) charged.add(order);
    const summary = summarize({ load: LOAD, accepted: orders(2), charged, duplicates: 0, breakers: [] });
    expect(summary.lost).toBe(2);
  });

  test('a run without an accepted order is no success', () => {
    const none = new OrderSet();
    const summary = summarize({ load: LOAD, accepted: none, charged: none, duplicates: 0, breakers: [] });
    expect(complaints(summary)).toEqual(['the shop accepted no order at all']);
  });
});

function orders(count: number): OrderSet {
  const set = new OrderSet();
  for (let order = 0; order < count; order++) set.add(order);
  return set;
}

function breaker(
  counts: Partial<BreakerStats['calls']>,
  { wires = [], trips = 0, resets = 0 }: { wires?: WireStats[]; trips?: number; resets?: number },
): BreakerReport {
  const none = Object.fromEntries(CALL_OUTCOMES.map((outcome) => [outcome, 0])) as BreakerStats['calls'];
  return {
    breaker: 'any',
    state: 'closed',
    stats: {
      calls: { ...none, ...counts },
      wires,
      transitions: [
        { state: 'open', reason: 'threshold', count: trips },
        { state: 'half_open', reason: 'cooldown', count: trips },
        { state: 'closed', reason: 'probes_passed', count: resets },
      ],
    },
  };
}

function wire(counts: Partial<WireStats>): WireStats {
  const none = { served: 0, buffered: 0, failed: 0, replayed: 0, retried: 0, dead: 0, dropped: 0, depth: 0 };
  return { name: 'wire', kind: 'buffer', ...none, ...counts };
}
