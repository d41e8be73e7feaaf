import {
  ACTION_KINDS,
  BREAKER_STATES,
  CALL_OUTCOMES,
  checkSettingsPatch,
  OVERRIDE_MODES,
} from '@switchgear/conventions';
import { z } from 'zod';
import { AUDIT_ACTIONS } from '../store/store.ts';
import { settings, settingsPatchShape } from './settings-schema.ts';

/** The shapes of the API: requests are checked against them, and `openapi.json` is made from them. */
const name = z.string().min(1).max(512);
const reason = z.string().min(1).max(500).describe('Why; it is kept in the audit trail.');
const instant = z.iso.datetime({ offset: true });
const count = z.int().min(0);
const calls = z.record(z.enum(CALL_OUTCOMES), z.number());
const perState = z.record(z.enum(BREAKER_STATES), count);
const perLiveness = z.record(z.enum(['live', 'stale', 'gone']), count);
const cursor = z.string().max(2_000).describe('`nextCursor` of the page before.');
const limit = z
  .string()
  .regex(/^([1-9]\d{0,2}|1000)$/, 'must be an integer from 1 to 1000')
  .transform(Number)
  .describe('Items on a page, 1 to 1000; default 100.');

export const breakerPath = z.strictObject({ service: name, breaker: name });

export const overrideBody = z.strictObject({
  mode: z.enum(OVERRIDE_MODES),
  reason,
  expiresAt: instant.describe('When the breaker lets go by itself: in the future, at most 30 days ahead.'),
});
export const releaseBody = z.strictObject({ reason: reason.optional() });
export const actionBody = z.strictObject({ reason });

/** A patch that the conventions have checked: the API and a breaker refuse the same, in the same words. */
export const configBody = z.preprocess((value, context) => {
  for (const problem of checkSettingsPatch(value)) {
    const path = problem.field === '' ? [] : problem.field.split('.');
    context.addIssue({ code: 'custom', path, message: problem.rule, input: problem.value, params: { problem } });
  }
  return value;
}, settingsPatchShape);

export const breakersQuery = z.strictObject({
  service: name.optional(),
  state: z.enum(BREAKER_STATES).optional(),
  q: z.string().max(200).describe('Part of the name of a service or a breaker.').optional(),
  cursor: cursor.optional(),
  limit: limit.optional(),
});
export const auditQuery = z.strictObject({
  service: name.optional(),
  breaker: name.optional(),
  cursor: cursor.optional(),
  limit: limit.optional(),
});
export const eventsQuery = auditQuery.extend({
  event: z
    .string()
    .min(1)
    .max(1_000)
    .describe('The name of an event, such as `breaker.trip`, or several with commas.')
    .optional(),
});
export const streamQuery = z.strictObject({ service: name.optional() });

const override = z.object({ mode: z.enum(OVERRIDE_MODES), reason: z.string(), actor: z.string(), expiresAt: instant });
const action = z.object({ kind: z.enum(ACTION_KINDS), generation: count, reason: z.string(), actor: z.string() });
const wire = z.object({
  name: z.string(),
  served: count,
  buffered: count,
  failed: count,
  depth: count,
  capacity: count,
  oldestAgeSeconds: z.number(),
  replayed: count,
  dead: count,
  dropped: count,
});
export const breakerView = z.object({
  service: z.string(),
  breaker: z.string(),
  state: z.enum(BREAKER_STATES).nullable().describe('The state of live instances that most needs eyes.'),
  states: perState.describe('Live instances per state.'),
  instances: perLiveness,
  calls,
  wires: z.array(wire),
  override: override.nullable(),
  delivery: z.object({ revision: count, applied: count, failed: count, pending: count }),
  lastSeenAt: instant,
});
export const breakerDetail = breakerView.extend({
  byInstance: z.array(
    z.object({
      instance: z.string(),
      version: z.string().nullable(),
      environment: z.string().nullable(),
      liveness: z.enum(['live', 'stale', 'gone']),
      lastSeenAt: instant,
      state: z.enum(BREAKER_STATES).nullable(),
      stateSince: instant.nullable(),
      failureRatio: z.number().nullable(),
      calls,
      wires: z.array(wire),
      applied: z
        .object({ revision: count, status: z.enum(['applied', 'failed']), error: z.string().optional() })
        .nullable(),
      settings: settings.nullable(),
    }),
  ),
});
export const agentView = z.object({
  service: z.string(),
  instance: z.string(),
  version: z.string().nullable(),
  environment: z.string().nullable(),
  liveness: z.enum(['live', 'stale', 'gone']),
  lastSeenAt: instant,
  breakers: count,
  connected: z.boolean().describe('Whether it takes desired state over OpAMP.'),
  remoteConfig: z
    .object({ status: z.enum(['unset', 'applied', 'applying', 'failed']), error: z.string().nullable() })
    .nullable()
    .describe('What became of the last desired-state document on this agent.'),
});
export const eventItem = z.object({
  id: count,
  at: instant,
  service: z.string(),
  instance: z.string(),
  breaker: z.string(),
  event: z.string(),
  severity: z.enum(['DEBUG', 'INFO', 'WARN', 'ERROR']),
  attributes: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  traceId: z.string().nullable(),
  spanId: z.string().nullable(),
});
export const auditItem = z.object({
  id: count,
  at: instant,
  actor: z.string(),
  action: z.enum(AUDIT_ACTIONS),
  service: z.string(),
  breaker: z.string(),
  reason: z.string().nullable(),
  revision: count,
  before: z.unknown(),
  after: z.unknown(),
});

export const overrideAnswer = z.object({ revision: count, override: override.nullable() });
export const actionAnswer = z.object({ revision: count, action });
export const configAnswer = z.object({ revision: count, config: settingsPatchShape.nullable() });
export const problemDocument = z.object({
  type: z.literal('about:blank'),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  errors: z.array(z.object({ field: z.string(), detail: z.string() })).optional(),
});

export function page<T extends z.ZodType>(item: T) {
  return z.object({ items: z.array(item), nextCursor: z.string().nullable() });
}

export type EventItem = z.infer<typeof eventItem>;
export type AuditItem = z.infer<typeof auditItem>;
