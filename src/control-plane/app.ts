import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import { auditItemOf, eventItemOf, viewOf } from './api/items.ts';
import { openApiDocument } from './api/openapi.ts';
import { operations } from './api/operations.ts';
import { StreamHub } from './api/stream-hub.ts';
import { authenticator } from './auth/authenticate.ts';
import { completeTokens, type MadeToken, tokenVerifier } from './auth/tokens.ts';
import { DesiredStates } from './desired-state/desired-states.ts';
import { Fleet } from './fleet/fleet.ts';
import type { BreakerView } from './fleet/view.ts';
import { httpApp } from './http/http-app.ts';
import { observationSink } from './ingest-sink.ts';
import { createLog } from './log.ts';
import { createMetrics } from './metrics.ts';
import { AgentSessions } from './opamp/agent-sessions.ts';
import { HeldPolls } from './opamp/held-polls.ts';
import { type ControlPlaneOptions, SAFE_TOKEN_LENGTH } from './options.ts';
import { FleetMemory } from './store/fleet-memory.ts';
import { openStore } from './store/open-store.ts';
import { timedStore } from './store/timed-store.ts';
import { startUpkeep } from './upkeep.ts';
import { VERSION } from './version.ts';

export { type ControlPlaneOptions, OptionError, readOptions } from './options.ts';

export interface ControlPlane {
  /**
   * Opens the store, restores what it knows and listens.
   * @throws StoreError where the store cannot be used, ListenError where the address cannot.
   */
  start(): Promise<{ url: string; port: number; madeTokens: readonly MadeToken[] }>;
  /** Stops accepting, ends streams and held polls, finishes what is in flight (at most 10 s) and closes the store. */
  stop(): Promise<void>;
}

/** The address cannot be listened on; the message says what to do. */
export class ListenError extends Error {
  readonly code = 'CANNOT_LISTEN';

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ListenError';
  }
}

/** How long a stop waits for requests in flight, in milliseconds. */
const STOP_WITHIN_MS = 10_000;

/** Wires one control plane together. It does nothing until it is started, and starts once. */
export function createControlPlane(options: ControlPlaneOptions): ControlPlane {
  let stopRunning: (() => Promise<void>) | undefined;
  let stopped: Promise<void> | undefined;
  return {
    async start() {
      const running = await run(options, options.log ?? createLog(options.logLevel));
      stopRunning = running.stop;
      return { url: running.url, port: running.port, madeTokens: running.madeTokens };
    },
    async stop() {
      stopped ??= stopRunning?.();
      await stopped;
    },
  };
}

async function run(options: ControlPlaneOptions, log: Logger) {
  const now = options.now ?? Date.now;
  const metrics = createMetrics();
  const store = timedStore(openStore(options.store, now), (operation, seconds) =>
    metrics.storeWrites.observe({ operation }, seconds),
  );
  let isStopping = false;
  try {
    const fleet = new Fleet({ now, staleAfterMs: options.staleAfterMs, goneAfterMs: options.goneAfterMs });
    const memory = new FleetMemory(store);
    const streams = new StreamHub({
      snapshot: (service) => allBreakers(fleet, service),
      view(service, breaker) {
        const detail = fleet.breaker(service, breaker);
        return detail && viewOf(detail);
      },
    });
    let revision = 0;
    const desired = new DesiredStates({
      store,
      now,
      onChange(record, entry) {
        revision = Math.max(revision, record.revision);
        metrics.changes.inc({ action: entry.action });
        fleet.setDesired(record.service, record.breaker, { revision: record.revision, override: record.override });
        streams.audit(auditItemOf(entry));
        log.info(
          {
            action: entry.action,
            service: record.service,
            breaker: record.breaker,
            actor: entry.actor,
            revision: record.revision,
          },
          'desired state changed',
        );
      },
    });
    const polls = new HeldPolls();
    desired.onDocumentChange((service) => polls.wake(service));
    const sessions = new AgentSessions({
      register: fleet,
      desiredFor: (service) => desired.encodedFor(service),
      now,
      onFailed(agent, error) {
        metrics.configFailures.inc();
        log.warn(
          { service: agent.service, instance: agent.instance, error },
          'an agent could not apply its desired state',
        );
      },
    });

    fleet.restore(await store.knownBreakers());
    for (const record of await desired.load()) {
      revision = Math.max(revision, record.revision);
      fleet.setDesired(record.service, record.breaker, { revision: record.revision, override: record.override });
    }
    fleet.onFirstSeen((agent, breaker, at) => {
      memory.firstSeen(agent, breaker, at);
      const record = desired.get(agent.service, breaker);
      if (record) fleet.setDesired(agent.service, breaker, { revision: record.revision, override: record.override });
    });
    fleet.onGone((agent, breaker, goneSince) => memory.gone(agent, breaker, goneSince));
    fleet.onChange((service, breaker) => streams.breakerChanged(service, breaker));
    metrics.watch({
      fleet,
      opampConnected: () => sessions.size,
      opampHeld: () => polls.size,
      streamClients: () => streams.size,
      streamDropped: () => streams.dropped,
      revision: () => revision,
    });

    const { tokens, made } = completeTokens(options.tokens, options.store.dataFolder);
    for (const [role, token] of Object.entries(tokens)) {
      if (token.length < SAFE_TOKEN_LENGTH)
        log.warn({ role }, `the ${role} token is shorter than ${SAFE_TOKEN_LENGTH} characters`);
    }
    const routes = operations({ fleet, desired, store, sessions, streams });
    const server = createServer(
      httpApp({
        routes,
        openApi: openApiDocument(routes, VERSION),
        gate: authenticator({
          roleOf: tokenVerifier(tokens),
          onRefused: (status) => metrics.authRefused.inc({ status: String(status) }),
        }),
        metrics,
        opamp: {
          sessions,
          polls,
          persist: () => memory.flush(),
          // An agent that waits says nothing meanwhile, and must not turn stale for it.
          maxWaitSeconds: Math.min(55, Math.max(1, Math.floor(options.staleAfterMs / 2_000))),
        },
        sink: observationSink({
          fleet,
          memory,
          store,
          metrics,
          onStored: (event) => streams.event(eventItemOf(event)),
        }),
        async ready() {
          if (isStopping) throw new Error('stopping');
          await store.ping();
        },
        log,
      }),
    );
    // A client that keeps its connection would otherwise go on asking over it while the rest is being stopped.
    server.prependListener('request', (_request, response) => {
      if (isStopping) response.setHeader('Connection', 'close');
    });
    const port = await listen(server, options);
    const upkeep = startUpkeep({ fleet, desired, store, memory, sessions, metrics, options, now, log });
    return {
      port,
      url: `http://${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}`,
      madeTokens: made,
      async stop() {
        isStopping = true;
        const closed = close(server);
        streams.stop();
        polls.stop();
        await closed;
        await upkeep.stop();
        await store.close();
      },
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

function allBreakers(fleet: Fleet, service: string | undefined): readonly BreakerView[] {
  const items: BreakerView[] = [];
  let cursor: string | null = null;
  do {
    const next = fleet.breakers({
      limit: 1_000,
      ...(service !== undefined && { service }),
      ...(cursor !== null && { cursor }),
    });
    items.push(...next.items);
    cursor = next.nextCursor;
  } while (cursor !== null);
  return items;
}

async function listen(server: Server, { host, port }: ControlPlaneOptions): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(new ListenError(explain(error, host, port), { cause: error })),
    );
    server.listen(port, host, resolve);
  });
  return (server.address() as AddressInfo).port;
}

function explain(error: NodeJS.ErrnoException, host: string, port: number): string {
  const remedy = 'set SWITCHGEAR_PORT to another port, or to 0 for a free one';
  if (error.code === 'EADDRINUSE') return `port ${port} on ${host} is taken: stop what listens there, or ${remedy}`;
  if (error.code === 'EACCES') return `port ${port} on ${host} needs more rights: ${remedy}`;
  return `cannot listen on ${host} port ${port} (${error.message}): set SWITCHGEAR_HOST to an address of this machine`;
}

async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const deadline = setTimeout(() => server.closeAllConnections(), STOP_WITHIN_MS);
  // A connection that was busy when the close began turns idle later; only a sweep notices.
  const idle = setInterval(() => server.closeIdleConnections(), 50);
  await closed;
  clearTimeout(deadline);
  clearInterval(idle);
}
