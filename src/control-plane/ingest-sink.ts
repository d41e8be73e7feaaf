import { EVENTS } from '@switchgear/conventions';
import type { Fleet } from './fleet/fleet.ts';
import type { EventObservation, Observation, ObservationSink } from './ingest/observation.ts';
import type { Metrics } from './metrics.ts';
import type { FleetMemory } from './store/fleet-memory.ts';
import type { NewEvent, Store, StoredEvent } from './store/store.ts';

export interface ObservationSinkOptions {
  readonly fleet: Pick<Fleet, 'apply'>;
  readonly memory: FleetMemory;
  readonly store: Store;
  readonly metrics: Metrics;
  readonly onStored: (event: StoredEvent) => void;
}

/** Everything goes to the read model; events and new breakers are on disk before the request is acknowledged. */
export function observationSink({ fleet, memory, store, metrics, onStored }: ObservationSinkOptions): ObservationSink {
  return async (observations) => {
    fleet.apply(observations);
    const events = observations.filter(isEvent).map(newEvent);
    try {
      await memory.flush();
      const stored = await store.appendEvents(events);
      metrics.eventsStored.inc(stored.length);
      for (const event of stored) onStored(event);
    } catch (error) {
      metrics.eventsRefused.inc(events.length);
      throw error;
    }
  };
}

function isEvent(observation: Observation): observation is EventObservation {
  return observation.kind === 'event';
}

function newEvent(observation: EventObservation): NewEvent {
  const { name, severity } = EVENTS[observation.event];
  return {
    at: Math.round(observation.at),
    service: observation.agent.service,
    instance: observation.agent.instance,
    breaker: observation.breaker,
    event: name,
    severity,
    attributes: observation.attributes,
    traceId: observation.traceId ?? null,
    spanId: observation.spanId ?? null,
  };
}
