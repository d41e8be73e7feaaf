import type { Operations } from '../calls/operations.ts';
import type { ValidOptions } from '../options.ts';
import type { IsolatedObserver } from '../telemetry/isolated-observer.ts';
import type { WireReadings } from '../telemetry/observer.ts';
import type { AttachedWire } from './divert.ts';
import type { NeutralWire, WireHost, WireReport } from './wire.ts';
import { WireCounters } from './wire-counters.ts';

/** What the wires need of their breaker. The observer exists only once the breaker does, hence a function. */
export interface BreakerForWires extends Omit<WireHost, 'clock' | 'report' | 'operations'> {
  readonly operations: Operations | undefined;
  readonly observer: () => IsolatedObserver;
}

/** Gives each wire its counters and its host. */
export function attachWires(
  { wires, clock }: ValidOptions,
  { observer, operations, ...services }: BreakerForWires,
): { readonly wires: readonly AttachedWire[]; readonly readings: readonly WireReadings[] } {
  if (operations === undefined) return NONE;
  const attached = wires.map((wire) => ({ wire, counters: new WireCounters() }));
  for (const { wire, counters } of attached) {
    const host: WireHost = { clock, operations, ...services, report: reportFor(wire, counters, observer) };
    wire.attach?.(host);
  }
  return { wires: attached, readings: attached.map(readingsOf) };
}

const NONE = { wires: [], readings: [] } as const;

/** Counts first, tells the observer after. */
function reportFor({ name: wire }: NeutralWire, counters: WireCounters, observer: () => IsolatedObserver): WireReport {
  return {
    received: () => counters.countCall('buffered'),
    restored: (totals) => counters.restore(totals),
    replayed({ waitedMs, durationMs, receipt }) {
      counters.countDrained('replayed');
      counters.recordWait(waitedMs);
      observer().replayed({ wire, outcome: 'replayed', receipt, waitedMs, durationMs, error: undefined });
    },
    retried({ receipt, durationMs, error }) {
      counters.countDrained('retried');
      observer().replayed({ wire, outcome: 'retried', receipt, waitedMs: undefined, durationMs, error });
    },
    dead({ receipt, durationMs, error }) {
      counters.countDrained('dead');
      observer().replayed({ wire, outcome: 'dead', receipt, waitedMs: undefined, durationMs, error });
    },
    dropped(reason, depth) {
      counters.countDropped(reason);
      observer().dropped({ wire, reason, depth });
    },
    drained: (summary) => observer().drained({ wire, ...summary }),
  };
}

function readingsOf({ wire, counters }: AttachedWire): WireReadings {
  return {
    name: wire.name,
    kind: wire.kind,
    calls: (outcome) => counters.calls(outcome),
    drained: (outcome) => counters.drained(outcome),
    dropped: (reason) => counters.dropped(reason),
    waits: () => counters.waits(),
    load: () => wire.load?.(),
  };
}
