import type { LoadCounts } from './load.ts';
import type { BreakerReport } from './messages.ts';
import type { OrderSet } from './order-set.ts';

export interface Summary {
  /** Calls that came to the breakers of all services, replays included. */
  readonly calls: number;
  readonly trips: number;
  readonly resets: number;
  /** Calls that neutral wires took. */
  readonly diverted: number;
  readonly replayed: number;
  /** Accepted orders that were never charged, or calls that wires gave up where those are more. */
  readonly lost: number;
  readonly orders: LoadCounts & { readonly accepted: number; readonly missing: number };
  /** Charges that came again for an order that was charged; the customer paid once. */
  readonly duplicates: number;
  readonly dropped: number;
  readonly dead: number;
  /** Calls that buffers still hold; 0 unless the drain was cut short. */
  readonly held: number;
}

export interface SummaryInput {
  readonly load: LoadCounts;
  readonly accepted: OrderSet;
  /** The ledger of payments. */
  readonly charged: OrderSet;
  readonly duplicates: number;
  readonly breakers: readonly BreakerReport[];
}

/** What came of the run. `lost` holds every order the shop accepted against the ledger of what payments charged. */
export function summarize({ load, accepted, charged, duplicates, breakers }: SummaryInput): Summary {
  const stats = breakers.map((breaker) => breaker.stats);
  const wires = stats.flatMap((each) => each.wires);
  const missing = accepted.missingFrom(charged);
  const dropped = sum(wires, (wire) => wire.dropped);
  const dead = sum(wires, (wire) => wire.dead);
  return {
    calls: sum(stats, (each) => sum(Object.values(each.calls), Number)),
    trips: sum(stats, (each) => transitions(each.transitions, 'open')),
    resets: sum(stats, (each) => transitions(each.transitions, 'closed')),
    diverted: sum(wires, (wire) => wire.served + wire.buffered),
    replayed: sum(wires, (wire) => wire.replayed),
    lost: Math.max(missing, dropped + dead),
    orders: { ...load, accepted: accepted.size, missing },
    duplicates,
    dropped,
    dead,
    held: sum(wires, (wire) => wire.depth),
  };
}

/** Why the run is no success; an empty list where it is one. */
export function complaints(summary: Summary): string[] {
  const found: string[] = [];
  if (summary.orders.missing > 0) found.push(`orders accepted and never charged: ${summary.orders.missing}`);
  if (summary.dropped > 0) found.push(`calls dropped by a neutral wire: ${summary.dropped}`);
  if (summary.dead > 0) found.push(`calls that ended as dead letters: ${summary.dead}`);
  if (summary.orders.sent > 0 && summary.orders.accepted === 0) found.push('the shop accepted no order at all');
  return found;
}

export function summaryLines(summary: Summary, seconds: number): string[] {
  const { orders } = summary;
  const rows: [string, number, string][] = [
    ['calls', summary.calls, 'through the breakers of the three services'],
    ['trips', summary.trips, ''],
    ['resets', summary.resets, ''],
    ['diverted', summary.diverted, 'to neutral wires'],
    ['replayed', summary.replayed, summary.duplicates > 0 ? `${summary.duplicates} charges came twice, paid once` : ''],
    ['lost', summary.lost, `${orders.accepted} orders accepted, ${orders.accepted - orders.missing} of them charged`],
  ];
  const width = Math.max(...rows.map(([, value]) => String(value).length));
  return [
    `Summary of ${seconds.toFixed(0)} s: ${orders.sent} orders, ${orders.charged} charged at once, ` +
      `${orders.receipts} with a receipt, ${orders.refused + orders.unanswered} refused`,
    ...rows.map(([name, value, note]) => `  ${name.padEnd(8)}  ${String(value).padStart(width)}  ${note}`.trimEnd()),
  ];
}

function transitions(list: BreakerReport['stats']['transitions'], state: string): number {
  return sum(list, (transition) => (transition.state === state ? transition.count : 0));
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}
