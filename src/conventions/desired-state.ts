import { type Check, integer, object, oneOf, recordOf, text, timestamp } from './checks.ts';
import { InvalidInputError, type Problem } from './problem.ts';
import { breakerName, type SettingsPatch, settingsPatch } from './settings.ts';
import { ACTION_KINDS, type ActionKind, OVERRIDE_MODES, type OverrideMode } from './words.ts';

export const DESIRED_STATE_SCHEMA = 'switchgear.desired-state/v1';

/** The name of the desired-state document in an OpAMP `AgentConfigMap`. */
export const DESIRED_STATE_FILE = 'desired-state.json';

/** A breaker held in a mode by an operator. The breaker lets go by itself at `expiresAt`. */
export interface Override {
  readonly mode: OverrideMode;
  readonly reason: string;
  readonly actor: string;
  /** RFC 3339. */
  readonly expiresAt: string;
}

/** A trip or reset asked for once. It is level-triggered: a breaker acts when `generation` is above the last it acted on. */
export interface Action {
  readonly kind: ActionKind;
  /** Rises with every action on this breaker, from 1. */
  readonly generation: number;
  readonly reason: string;
  readonly actor: string;
}

/** What the control plane wants one breaker of a service to be, on every instance. */
export interface DesiredBreaker {
  /** The revision of the last change to this entry; what an instance reports as applied or failed. */
  readonly revision: number;
  readonly override?: Override;
  readonly action?: Action;
  /** Settings laid over the breaker's own. Absent: its own settings. */
  readonly config?: SettingsPatch;
}

/** The whole document for one service. Breakers that it does not name are left to themselves. */
export interface DesiredState {
  readonly schema: typeof DESIRED_STATE_SCHEMA;
  /** The highest revision in it; 0 when it is empty. */
  readonly revision: number;
  readonly breakers: Readonly<Record<string, DesiredBreaker>>;
}

export const EMPTY_DESIRED_STATE: DesiredState = { schema: DESIRED_STATE_SCHEMA, revision: 0, breakers: {} };

/** The rule of the reason an operator gives. */
export const reasonText: Check = text(1, 500);
export const actorText: Check = text(1, 200);

const revision = integer(0, Number.MAX_SAFE_INTEGER);
const override = object({
  mode: oneOf(OVERRIDE_MODES),
  reason: reasonText,
  actor: actorText,
  expiresAt: timestamp,
});
const action = object({
  kind: oneOf(ACTION_KINDS),
  generation: integer(1, Number.MAX_SAFE_INTEGER),
  reason: reasonText,
  actor: actorText,
});
const desiredBreaker = object({ revision }, { override, action, config: settingsPatch });
const document = object({
  schema: oneOf([DESIRED_STATE_SCHEMA]),
  revision,
  breakers: recordOf(breakerName, desiredBreaker),
});

/** What is wrong with an override; an empty list where nothing is. */
export function checkOverride(value: unknown, field = ''): Problem[] {
  return override(value, field);
}

/** What is wrong with a document; an empty list where nothing is. */
export function checkDesiredState(value: unknown): Problem[] {
  return document(value, '');
}

/**
 * Reads a desired-state document from JSON text.
 * @throws InvalidInputError naming every field that breaks a rule; nothing of such a document is to be applied.
 */
export function parseDesiredState(json: string): DesiredState {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw new InvalidInputError([{ field: 'body', rule: `must be JSON (${(error as Error).message})`, value: json }]);
  }
  const problems = checkDesiredState(value);
  if (problems.length > 0) throw new InvalidInputError(problems);
  return value as DesiredState;
}
