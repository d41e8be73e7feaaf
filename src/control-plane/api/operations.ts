import type { BreakerState, SettingsPatch } from '@switchgear/conventions';
import { DesiredStateConflictError } from '../desired-state/changes.ts';
import type { DesiredStates } from '../desired-state/desired-states.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { BreakerView } from '../fleet/view.ts';
import { HttpProblem } from '../http/problem.ts';
import type { AgentSessions } from '../opamp/agent-sessions.ts';
import type { Store } from '../store/store.ts';
import { auditItemOf, eventItemOf, pageOf, pageQuery } from './items.ts';
import { type Route, route } from './routes.ts';
import * as schemas from './schemas.ts';
import type { StreamHub } from './stream-hub.ts';

export interface OperationsOptions {
  readonly fleet: Pick<Fleet, 'has' | 'breaker' | 'breakers' | 'agents'>;
  readonly desired: DesiredStates;
  readonly store: Store;
  readonly sessions: AgentSessions;
  readonly streams: StreamHub;
}

/** Every operation of the API. */
export function operations({ fleet, desired, store, sessions, streams }: OperationsOptions): readonly Route[] {
  const known = ({ service, breaker }: { service: string; breaker: string }) => {
    if (!fleet.has(service, breaker)) throw unknownBreaker(service, breaker);
  };
  /** A breaker that has been forgotten can still have its override seen and released. */
  const knownOrSteered = (key: { service: string; breaker: string }) => {
    if (!desired.get(key.service, key.breaker)) known(key);
  };
  const act = (kind: 'trip' | 'reset') =>
    route({
      method: 'post',
      path: `/breakers/{service}/{breaker}/${kind}`,
      summary: `Ask every instance of a breaker to ${kind}, once`,
      params: schemas.breakerPath,
      body: schemas.actionBody,
      answer: { status: 202, schema: schemas.actionAnswer },
      problems: [404, 409],
      async handle({ params, body, actor }) {
        known(params);
        refuseWhereIdle(kind, fleet.breaker(params.service, params.breaker));
        const record = await desired.act(params.service, params.breaker, kind, body.reason, actor).catch(conflict);
        const { generation, reason } = record.action!;
        return { revision: record.revision, action: { kind, generation, reason, actor } };
      },
    });

  return [
    route({
      method: 'get',
      path: '/breakers',
      summary: 'List breakers, by service and name',
      query: schemas.breakersQuery,
      answer: { status: 200, schema: schemas.page(schemas.breakerView) },
      handle: async ({ query }) => fleet.breakers(withoutUndefined(query)),
    }),
    route({
      method: 'get',
      path: '/breakers/{service}/{breaker}',
      summary: 'Show one breaker with its instances',
      params: schemas.breakerPath,
      answer: { status: 200, schema: schemas.breakerDetail },
      problems: [404],
      async handle({ params: { service, breaker } }) {
        const detail = fleet.breaker(service, breaker);
        if (!detail) throw unknownBreaker(service, breaker);
        return detail;
      },
    }),
    route({
      method: 'put',
      path: '/breakers/{service}/{breaker}/override',
      summary: 'Hold a breaker in a mode until a time',
      params: schemas.breakerPath,
      body: schemas.overrideBody,
      answer: { status: 200, schema: schemas.overrideAnswer },
      problems: [404],
      async handle({ params, body, actor }) {
        known(params);
        const { revision, override } = await desired.override(params.service, params.breaker, body, actor);
        return { revision, override };
      },
    }),
    route({
      method: 'delete',
      path: '/breakers/{service}/{breaker}/override',
      summary: 'Let go of a breaker',
      params: schemas.breakerPath,
      body: schemas.releaseBody,
      isBodyOptional: true,
      answer: { status: 200, schema: schemas.overrideAnswer },
      problems: [404],
      async handle({ params, body, actor }) {
        knownOrSteered(params);
        const record = await desired.release(params.service, params.breaker, body?.reason ?? null, actor);
        return { revision: record.revision, override: null };
      },
    }),
    act('trip'),
    act('reset'),
    route({
      method: 'get',
      path: '/breakers/{service}/{breaker}/config',
      summary: "Show the settings laid over a breaker's own",
      params: schemas.breakerPath,
      answer: { status: 200, schema: schemas.configAnswer },
      problems: [404],
      async handle({ params }) {
        knownOrSteered(params);
        const record = desired.get(params.service, params.breaker);
        return { revision: record?.revision ?? 0, config: record?.config ?? null };
      },
    }),
    route({
      method: 'put',
      path: '/breakers/{service}/{breaker}/config',
      summary: "Replace the settings laid over a breaker's own; an empty object takes them away",
      params: schemas.breakerPath,
      body: schemas.configBody,
      answer: { status: 200, schema: schemas.configAnswer },
      problems: [404],
      async handle({ params, body, actor }) {
        known(params);
        const reported = fleet.breaker(params.service, params.breaker)?.byInstance ?? [];
        const settings = reported.flatMap((instance) => (instance.settings ? [instance.settings] : []));
        const patch: SettingsPatch = body;
        const record = await desired.configure(params.service, params.breaker, patch, settings, actor);
        return { revision: record.revision, config: record.config };
      },
    }),
    route({
      method: 'get',
      path: '/events',
      summary: 'List events of breakers, newest first',
      query: schemas.eventsQuery,
      answer: { status: 200, schema: schemas.page(schemas.eventItem) },
      async handle({ query: { event, ...query } }) {
        const named = event === undefined ? {} : { events: event.split(',') };
        return pageOf(await store.events({ ...pageQuery(query), ...named }), eventItemOf);
      },
    }),
    route({
      method: 'get',
      path: '/audit',
      summary: 'List what operators did, newest first',
      query: schemas.auditQuery,
      answer: { status: 200, schema: schemas.page(schemas.auditItem) },
      handle: async ({ query }) => pageOf(await store.audit(pageQuery(query)), auditItemOf),
    }),
    route({
      method: 'get',
      path: '/agents',
      summary: 'List the processes with breakers',
      answer: { status: 200, schema: schemas.page(schemas.agentView) },
      async handle() {
        const statuses = new Map(sessions.agents().map(({ agent, config }) => [agentKey(agent), config]));
        const items = fleet
          .agents()
          .map((agent) => ({ ...agent, remoteConfig: statuses.get(agentKey(agent)) ?? null }));
        return { items, nextCursor: null };
      },
    }),
    route({
      method: 'get',
      path: '/stream',
      summary: 'Follow breakers, events and the audit trail live',
      query: schemas.streamQuery,
      answer: 'events',
      problems: [503],
      handle: async ({ query, response }) => streams.connect(response, query.service),
    }),
  ];
}

function conflict(error: unknown): never {
  throw error instanceof DesiredStateConflictError ? new HttpProblem(409, error.message) : error;
}

/** A trip or reset that no live instance would act on is not accepted: whoever asked would take it for done. */
function refuseWhereIdle(kind: 'trip' | 'reset', breaker: BreakerView | undefined): void {
  if (!breaker || breaker.override) return;
  const { shadow, disabled } = breaker.states;
  if (shadow + disabled === 0 || shadow + disabled < breaker.instances.live) return;
  const mode = shadow === 0 ? 'disabled' : disabled === 0 ? 'in shadow' : 'in shadow or disabled';
  const way = kind === 'trip' ? ' Hold it in forced_open to stop its calls.' : '';
  throw new HttpProblem(409, `Every live instance of this breaker is ${mode}: a ${kind} would change nothing.${way}`);
}

function agentKey({ service, instance }: { readonly service: string; readonly instance: string }): string {
  return `${service}\n${instance}`;
}

function unknownBreaker(service: string, breaker: string): HttpProblem {
  return new HttpProblem(404, `There is no breaker ${JSON.stringify(breaker)} in service ${JSON.stringify(service)}.`);
}

type BreakersQuery = { service?: string; state?: BreakerState; q?: string; cursor?: string; limit?: number };

function withoutUndefined(query: { [Key in keyof BreakersQuery]?: BreakersQuery[Key] | undefined }): BreakersQuery {
  return Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined)) as BreakersQuery;
}
