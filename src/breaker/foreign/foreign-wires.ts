import { WireCounters } from '../neutral/wire-counters.ts';
import type { WireReadings } from '../telemetry/observer.ts';
import type { ForeignWire } from './foreign-breaker.ts';

/** Most wires of one breaker: each has series of its own. */
export const MOST_WIRES = 16;

/** The wires of another library's breaker, which answer at once and hold nothing. */
export class ForeignWires {
  /** Grows with the wires that are told of later. */
  readonly readings: WireReadings[] = [];
  readonly #counters = new Map<string, WireCounters>();

  constructor(wires: readonly ForeignWire[]) {
    for (const wire of wires) if (!this.#counters.has(wire.name)) this.#add(wire);
  }

  /** Counts a call that a wire has answered. Returns false where there are too many wires to add this one. */
  count(name: string): boolean {
    const counters = this.#counters.get(name) ?? this.#add({ name, kind: 'fallback' });
    counters?.countCall('served');
    return counters !== undefined;
  }

  #add({ name, kind }: ForeignWire): WireCounters | undefined {
    if (this.#counters.size >= MOST_WIRES) return undefined;
    const counters = new WireCounters();
    this.#counters.set(name, counters);
    this.readings.push({
      name,
      kind,
      calls: (outcome) => counters.calls(outcome),
      drained: (outcome) => counters.drained(outcome),
      dropped: (reason) => counters.dropped(reason),
      waits: () => counters.waits(),
      load: () => undefined,
    });
    return counters;
  }
}
