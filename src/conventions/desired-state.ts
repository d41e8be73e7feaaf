import { type Check, integer, isRecord, object, oneOf, recordOf, text, timestamp } from './checks.ts';
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
/** The same with settings of whatever kind: a breaker checks them as it takes them up, and holds an override all the same. */
const readableBreaker = object({ revision }, { override, action, config: () => [] });
/** The same without a look at what is wanted of each breaker. */
const frame = object({
  schema: oneOf([DESIRED_STATE_SCHEMA]),
  revision,
  breakers: recordOf(breakerName, () => []),
});

/** What is wrong with an override; an empty list where nothing is. */
export function checkOverride(value: unknown, field = ''): Problem[] {
  return override(value, field);
}

/** What is wrong with a document; an empty list where nothing is. */
export function checkDesiredState(value: unknown): Problem[] {
  return document(value, '');
}

/** What is wanted of a breaker, and cannot be read. */
export interface RefusedBreaker {
  readonly name: string;
  /** 0 where not even that can be read. */
  readonly revision: number;
  /** Names every field that breaks a rule. */
  readonly error: InvalidInputError;
}

/**
 * Reads a desired-state document from JSON text. What is wanted of one breaker and cannot be read keeps nothing from the
 * others, and settings, such as one of a later version, are not checked here: a lockout must arrive.
 * @throws InvalidInputError where it is no such document; nothing of it is to be applied
 */
export function parseDesiredState(json: string): {
  readonly desired: DesiredState;
  readonly refused: readonly RefusedBreaker[];
} {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw new InvalidInputError([{ field: 'body', rule: `must be JSON (${(error as Error).message})`, value: json }]);
  }
  const problems = frame(value, '');
  if (problems.length > 0) throw new InvalidInputError(problems);
  const whole = value as DesiredState;
  const breakers = Object.entries(whole.breakers);
  const refused = breakers.flatMap(([name, wanted]) => refusalOf(name, wanted));
  const readable = breakers.filter(([name]) => !refused.some((breaker) => breaker.name === name));
  return { desired: { ...whole, breakers: Object.fromEntries(readable) }, refused };
}

function refusalOf(name: string, wanted: unknown): RefusedBreaker[] {
  const problems = readableBreaker(wanted, `breakers.${name}`);
  if (problems.length === 0) return [];
  const told = isRecord(wanted) ? wanted.revision : undefined;
  const isReadable = revision(told, '').length === 0;
  return [{ name, revision: isReadable ? (told as number) : 0, error: new InvalidInputError(problems) }];
}
