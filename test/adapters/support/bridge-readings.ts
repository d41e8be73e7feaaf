import type { ReportedBreaker } from '@switchgear/breaker';

/** The outcomes that a bridge has counted, and what its wires served. */
export function counted(bridge: ReportedBreaker): Record<string, number> {
  const { calls, wires } = bridge.stats();
  const all = [...Object.entries(calls), ...wires.map(({ name, served }) => [`wire ${name}`, served] as const)];
  return Object.fromEntries(all.filter(([, count]) => count > 0));
}

/** The states that it has entered, each with the reason and how often. */
export function entered(bridge: ReportedBreaker): string[] {
  return bridge
    .stats()
    .transitions.filter(({ count }) => count > 0)
    .map(({ state, reason, count }) => `${state}: ${reason} ${count}`);
}
