import { ATTR, BREAKER_STATES, type BreakerState, DEFAULT_SETTINGS, type Inventory } from '@switchgear/conventions';
import { Fleet, type FleetOptions } from '../../../src/control-plane/fleet/fleet.ts';
import type {
  AgentIdentity,
  EventObservation,
  MetricObservation,
} from '../../../src/control-plane/ingest/observation.ts';

export const START = Date.parse('2026-01-31T12:00:00Z');

/** A fleet on a clock that a test moves. */
export function fleetAt(options: Omit<FleetOptions, 'now'> = {}) {
  const clock = { now: START };
  const fleet = new Fleet({ ...options, now: () => clock.now });
  const changes: string[] = [];
  fleet.onChange((service, breaker) => changes.push(`${service}/${breaker}`));
  return { fleet, clock, changes };
}

export function agent(instance: string, service = 'shop'): AgentIdentity {
  return { service, instance, version: '1.0.0', environment: 'test' };
}

export function metric(
  of: AgentIdentity,
  breaker: string,
  key: MetricObservation['metric'],
  attributes: Record<string, string>,
  value: number,
  at: number,
): MetricObservation {
  return { kind: 'metric', agent: of, breaker, metric: key, attributes, value, at };
}

/** One point per state, as the SDK exports `breaker.status`. */
export function status(of: AgentIdentity, breaker: string, state: BreakerState, at: number): MetricObservation[] {
  return statusCounts(of, breaker, { [state]: 1 }, at);
}

/** The same of a group of keyed breakers: how many are in each state. */
export function statusCounts(
  of: AgentIdentity,
  breaker: string,
  counts: Partial<Record<BreakerState, number>>,
  at: number,
): MetricObservation[] {
  return BREAKER_STATES.map((state) => metric(of, breaker, 'status', { [ATTR.state]: state }, counts[state] ?? 0, at));
}

export function event(
  of: AgentIdentity,
  breaker: string,
  key: EventObservation['event'],
  at: number,
  attributes: EventObservation['attributes'] = {},
): EventObservation {
  return { kind: 'event', agent: of, breaker, event: key, attributes, at };
}

export function inventory(breakers: Record<string, Partial<Inventory['breakers'][string]>>): Inventory {
  return {
    schema: 'switchgear.inventory/v1',
    breakers: Object.fromEntries(
      Object.entries(breakers).map(([name, breaker]) => [
        name,
        { state: 'closed', generation: 1, settings: DEFAULT_SETTINGS, neutralWires: [], ...breaker },
      ]),
    ),
  };
}
