import type { RequestHandler } from 'express';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Fleet } from './fleet/fleet.ts';

/** What is read at each scrape. */
export interface MetricSources {
  readonly fleet: Pick<Fleet, 'stats'>;
  readonly opampConnected: () => number;
  readonly opampHeld: () => number;
  readonly streamClients: () => number;
  readonly streamDropped: () => number;
  readonly revision: () => number;
}

export type Metrics = ReturnType<typeof createMetrics>;

/** The control plane's own metrics, in a registry of their own. */
export function createMetrics() {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
    new Counter({ name: `switchgear_${name}`, help, labelNames: [...labelNames], registers });
  const histogram = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
    new Histogram({ name: `switchgear_${name}`, help, labelNames: [...labelNames], registers, buckets: SECONDS });

  const ingestRequests = counter('ingest_requests_total', 'OTLP requests.', ['signal', 'result']);
  const ingestPoints = counter('ingest_points_total', 'Data points and log records of breakers.', ['signal', 'result']);
  for (const signal of ['metrics', 'logs', 'traces']) {
    for (const result of ['accepted', 'refused']) {
      ingestRequests.inc({ signal, result }, 0);
      ingestPoints.inc({ signal, result }, 0);
    }
  }
  return {
    registry,
    ingestRequests,
    ingestPoints,
    eventsStored: counter('events_stored_total', 'Events of breakers written to the store.', []),
    eventsPruned: counter('events_pruned_total', 'Events removed by the retention.', []),
    eventsRefused: counter('events_refused_total', 'Events refused because the store could not take them.', []),
    authRefused: counter('auth_refused_total', 'Requests refused for their token, by status.', ['status']),
    configFailures: counter('opamp_config_failures_total', 'Reports that a desired state could not be applied.', []),
    changes: counter('desired_state_changes_total', 'Changes of desired state, by action.', ['action']),
    storeWrites: histogram('store_write_duration_seconds', 'How long writes to the store took.', ['operation']),
    requests: histogram('http_request_duration_seconds', 'How long requests took, without streams and held polls.', [
      'method',
      'route',
      'status',
    ]),
    watch: (sources: MetricSources) => watch(sources, registry),
  };
}

/** Times requests by the route that answered them; the path itself would be without bound. */
export function timeRequests({ requests }: Metrics): RequestHandler {
  return (request, response, next) => {
    const stop = requests.startTimer();
    response.on('finish', () => {
      const { route: matched } = request as { route?: { path?: unknown } };
      const path = matched?.path;
      const isHeld = response.hasHeader('Preference-Applied') || response.get('Content-Type')?.startsWith('text/event');
      if (isHeld) return;
      const route = typeof path === 'string' ? `${request.baseUrl}${path}` : 'none';
      stop({
        method: KNOWN_METHODS.has(request.method) ? request.method : 'other',
        route,
        status: response.statusCode,
      });
    });
    next();
  };
}

const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];
const KNOWN_METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']);

function watch(sources: MetricSources, registry: Registry): void {
  const registers = [registry];
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name: `switchgear_${name}`,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  const gaugeBy = (name: string, help: string, label: string, read: () => Readonly<Record<string, number>>) =>
    new Gauge({
      name: `switchgear_${name}`,
      help,
      registers,
      labelNames: [label],
      collect() {
        for (const [value, count] of Object.entries(read())) this.set({ [label]: value }, count);
      },
    });
  const fleet = oncePerTurn(() => sources.fleet.stats());
  gauge('services', 'Services with breakers.', () => fleet().services);
  gaugeBy('breakers', 'Live breaker instances by state.', 'state', () => fleet().states);
  gaugeBy('breaker_instances', 'Breaker instances by liveness.', 'liveness', () => fleet().instances);
  gauge('opamp_connected', 'Agents in touch over OpAMP.', sources.opampConnected);
  gauge('opamp_held', 'OpAMP polls that wait for a change.', sources.opampHeld);
  gauge('stream_clients', 'Clients that listen to the stream.', sources.streamClients);
  gauge('desired_state_revision', 'The revision of the last change of desired state.', sources.revision);
  const total = (name: string, help: string, read: () => number) =>
    new Counter({
      name: `switchgear_${name}`,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  total('stream_dropped_total', 'Stream clients disconnected because they did not keep up.', sources.streamDropped);
  total('fleet_refused_total', 'Observations refused because the fleet is full.', () => fleet().refused);
}

/** A registry collects all of its metrics within one turn of the event loop; the fleet is counted once for them. */
function oncePerTurn<Value>(read: () => Value): () => Value {
  let known: { readonly value: Value } | undefined;
  return () => {
    if (!known) {
      known = { value: read() };
      setImmediate(() => {
        known = undefined;
      });
    }
    return known.value;
  };
}
