import { createHash } from 'node:crypto';
import {
  DESIRED_STATE_SCHEMA,
  type DesiredBreaker,
  type DesiredState,
  EMPTY_DESIRED_STATE,
} from '@switchgear/conventions';
import type { DesiredRecord } from '../store/store.ts';

/**
 * How long an action stays in the delivered document, in milliseconds. An action is meant for the instances that run
 * when it is asked for: one that starts later must not trip for it.
 */
export const ACTION_DELIVERY_MS = 60_000;

/** A document as it is delivered: its text and the SHA-256 of the text. */
export interface EncodedDocument {
  readonly body: Buffer;
  readonly hash: Buffer;
}

/**
 * The desired state of one service at `now`. A breaker whose override was released stays in it with its revision alone,
 * so that its instances report the release as applied.
 */
export function buildDocument(records: Iterable<DesiredRecord>, now: number): DesiredState {
  const breakers: Record<string, DesiredBreaker> = Object.create(null);
  let revision = EMPTY_DESIRED_STATE.revision;
  for (const record of [...records].sort((a, b) => (a.breaker < b.breaker ? -1 : 1))) {
    revision = Math.max(revision, record.revision);
    breakers[record.breaker] = desiredBreaker(record, now);
  }
  return { schema: DESIRED_STATE_SCHEMA, revision, breakers };
}

export function encodeDocument(document: DesiredState): EncodedDocument {
  const body = Buffer.from(JSON.stringify(document));
  return { body, hash: createHash('sha256').update(body).digest() };
}

export function isExpired(override: { readonly expiresAt: string }, now: number): boolean {
  return Date.parse(override.expiresAt) <= now;
}

function desiredBreaker({ revision, override, action, config }: DesiredRecord, now: number): DesiredBreaker {
  return {
    revision,
    ...(override && !isExpired(override, now) && { override }),
    ...(action &&
      now < action.at + ACTION_DELIVERY_MS && {
        action: { kind: action.kind, generation: action.generation, reason: action.reason, actor: action.actor },
      }),
    ...(config && { config }),
  };
}
