import {
  type ActionKind,
  applySettings,
  type BreakerSettings,
  checkSettingsPatch,
  checkSettingsRules,
  DEFAULT_SETTINGS,
  InvalidInputError,
  OVERRIDE_MODES,
  type Override,
  type OverrideMode,
  object,
  oneOf,
  reasonText,
  type SettingsPatch,
  timestamp,
} from '@switchgear/conventions';
import type { DecideChange, DesiredChange, DesiredRecord } from '../store/store.ts';
import { isExpired } from './document.ts';

/** The longest an override may be asked for, in milliseconds: 30 days. */
export const MAX_OVERRIDE_MS = 30 * 86_400_000;

export interface OverrideRequest {
  readonly mode: OverrideMode;
  readonly reason: string;
  /** RFC 3339, in the future, at most 30 days ahead. */
  readonly expiresAt: string;
}

/** Thrown where a change contradicts what is desired now. */
export class DesiredStateConflictError extends Error {
  readonly code = 'DESIRED_STATE_CONFLICT';

  constructor(message: string) {
    super(message);
    this.name = 'DesiredStateConflictError';
  }
}

/**
 * Holds the breaker in a mode. An action still on its way is dropped: the override stands above it.
 * @throws InvalidInputError naming the field.
 */
export function overrideChange(request: OverrideRequest, actor: string, now: number): DecideChange {
  refuse(checkOverride(request, ''));
  const expiresAt = Date.parse(request.expiresAt);
  if (expiresAt <= now) refuse([{ field: 'expiresAt', rule: 'must be in the future', value: request.expiresAt }]);
  if (expiresAt > now + MAX_OVERRIDE_MS) {
    refuse([{ field: 'expiresAt', rule: 'must be at most 30 days ahead', value: request.expiresAt }]);
  }
  const override: Override = {
    mode: request.mode,
    reason: request.reason,
    actor,
    expiresAt: new Date(expiresAt).toISOString(),
  };
  return (current) => ({
    next: { ...partsOf(current), override, action: null },
    audit: entry('override', actor, request.reason, now, current?.override, override),
  });
}

/** Lets go of an override; where none is held, the request is still audited and gets a revision. */
export function releaseChange(reason: string | null, actor: string, now: number): DecideChange {
  if (reason !== null) refuse(reasonText(reason, 'reason'));
  return (current) => ({
    next: { ...partsOf(current), override: null },
    audit: entry('release', actor, reason, now, current?.override, null),
  });
}

/** Takes an override away that has run out, in the name of the system. */
export function expiryChange(now: number): DecideChange {
  return (current) => {
    if (!current?.override || !isExpired(current.override, now)) throw new DesiredStateConflictError('not expired');
    const reason = `the override ran out at ${current.override.expiresAt}`;
    return {
      next: { ...partsOf(current), override: null },
      audit: entry('expire', 'system', reason, now, current.override, null),
    };
  };
}

/**
 * Asks for a trip or a reset.
 * @throws DesiredStateConflictError while an override is held: a breaker that is held would not act.
 */
export function actionChange(kind: ActionKind, reason: string, actor: string, now: number): DecideChange {
  refuse(reasonText(reason, 'reason'));
  return (current) => {
    const held = current?.override;
    if (held && !isExpired(held, now)) {
      throw new DesiredStateConflictError(
        `The override ${held.mode} of ${held.actor} ("${held.reason}") holds this breaker until ${held.expiresAt}: release it first.`,
      );
    }
    const generation = (current?.generation ?? 0) + 1;
    const action = { kind, generation, reason, actor, at: now };
    return {
      next: { ...partsOf(current), override: null, action, generation },
      audit: entry(kind, actor, reason, now, null, { kind, generation }),
    };
  };
}

/**
 * Replaces the settings laid over the breaker's own; an empty patch takes them away.
 * @param reported the settings in effect on each instance that reported some.
 * @throws InvalidInputError naming the field.
 */
export function configChange(
  patch: SettingsPatch,
  reported: readonly BreakerSettings[],
  actor: string,
  now: number,
): DecideChange {
  refuse(checkSettingsPatch(patch));
  // A cooldown is replaced whole, so it is wrong whatever a breaker has; the other rules depend on what each one has.
  refuse(checkSettingsRules(applySettings(DEFAULT_SETTINGS, { cooldownMs: patch.cooldownMs })));
  for (const settings of reported) refuse(checkSettingsRules(applySettings(settings, patch)));
  const config = Object.keys(patch).length > 0 ? patch : null;
  return (current) => ({
    next: { ...partsOf(current), config },
    audit: entry('config', actor, null, now, current?.config, config),
  });
}

const checkOverride = object({ mode: oneOf(OVERRIDE_MODES), reason: reasonText, expiresAt: timestamp });

function partsOf(current: DesiredRecord | null): DesiredChange['next'] {
  return {
    override: current?.override ?? null,
    action: current?.action ?? null,
    generation: current?.generation ?? 0,
    config: current?.config ?? null,
  };
}

function entry(
  action: DesiredChange['audit']['action'],
  actor: string,
  reason: string | null,
  at: number,
  before: unknown,
  after: unknown,
): DesiredChange['audit'] {
  return { action, actor, reason, at, before: before ?? null, after: after ?? null };
}

function refuse(problems: readonly { field: string; rule: string; value: unknown }[]): void {
  if (problems.length > 0) throw new InvalidInputError(problems);
}
