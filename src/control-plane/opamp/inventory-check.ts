import {
  BREAKER_STATES,
  type BreakerSettings,
  breakerName,
  type Check,
  DEFAULT_SETTINGS,
  INVENTORY_SCHEMA,
  InvalidInputError,
  type Inventory,
  integer,
  isRecord,
  object,
  oneOf,
  recordOf,
  SETTINGS_CHECKS,
  SETTINGS_LIMITS,
  text,
} from '@switchgear/conventions';
import { all, each, fields, fieldsOf } from './known-fields.ts';

/**
 * Reads an inventory from a file of an agent's effective configuration. The agent's library may be newer or older than
 * this control plane: what is not known here is left out, and a setting that came later is filled in with what a library
 * does that does not have it.
 * @throws InvalidInputError naming every known field that breaks a rule, below `inventory.json`.
 */
export function parseInventory(body: Uint8Array, field: string): Inventory {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch (error) {
    throw new InvalidInputError([
      { field, rule: `must be JSON (${(error as Error).message})`, value: `${body.length} bytes` },
    ]);
  }
  const known = knownInventory(value);
  const problems = inventory(known, field);
  if (problems.length > 0) throw new InvalidInputError(problems.slice(0, MAX_PROBLEMS));
  return known as Inventory;
}

/** Enough to find the mistake; the same one may be in each of a thousand breakers. */
const MAX_PROBLEMS = 20;

/** The settings that came after the first version, as they are where a library does not have them. */
const LATER = {
  trip: {
    consecutive: null,
    slowRatio: null,
    slowMs: null,
    countOverdue: false,
    windowCalls: null,
    debounceMs: null,
  },
  halfOpen: { ramp: [], rampStepMs: DEFAULT_SETTINGS.halfOpen.rampStepMs },
  maxConcurrent: null,
} as const satisfies { readonly [Key in keyof BreakerSettings]?: Partial<BreakerSettings[Key]> | null };

/**
 * What `inventory` checks. The rest is dropped rather than kept: nothing here shows or uses it, and what one agent makes
 * the fleet hold would have no bound but the size of its message.
 */
const knownInventory = fields({
  schema: all,
  breakers: each(
    fields({
      state: all,
      generation: all,
      settings: fields(
        {
          trip: fieldsOf(SETTINGS_LIMITS.trip, LATER.trip),
          cooldownMs: fieldsOf(SETTINGS_LIMITS.cooldownBackoff),
          halfOpen: fieldsOf(SETTINGS_LIMITS.halfOpen, LATER.halfOpen),
          timeoutMs: all,
          maxConcurrent: all,
        },
        { maxConcurrent: LATER.maxConcurrent },
      ),
      neutralWires: each(fields({ name: all, kind: all, capacity: all })),
      applied: fields({ revision: all, status: all, error: all }),
    }),
  ),
});

const counter = integer(0, Number.MAX_SAFE_INTEGER);

/** Settings as a whole: what is optional in a patch must be there. */
const settings: Check = (value, field) => {
  const problems = object(SETTINGS_CHECKS)(value, field);
  if (problems.length > 0) return problems;
  const { trip, cooldownMs, halfOpen } = value as Record<string, unknown>;
  return [
    ...missing(trip, SETTINGS_LIMITS.trip, `${field}.trip`),
    ...missing(cooldownMs, SETTINGS_LIMITS.cooldownBackoff, `${field}.cooldownMs`),
    ...missing(halfOpen, SETTINGS_LIMITS.halfOpen, `${field}.halfOpen`),
  ];
};

function missing(value: unknown, named: object, field: string) {
  if (!isRecord(value)) return [];
  return Object.keys(named)
    .filter((key) => value[key] === undefined)
    .map((key) => ({ field: `${field}.${key}`, rule: 'must be there', value: undefined }));
}

const wire = object({ name: text(1, 120), kind: text(1, 120) }, { capacity: counter });

const wires: Check = (value, field) => {
  if (!Array.isArray(value) || value.length > 100) return [{ field, rule: 'must be a list of at most 100', value }];
  return value.flatMap((item, index) => wire(item, `${field}[${index}]`));
};

const inventory = object({
  schema: oneOf([INVENTORY_SCHEMA]),
  breakers: recordOf(
    breakerName,
    object(
      { state: oneOf(BREAKER_STATES), generation: counter, settings, neutralWires: wires },
      { applied: object({ revision: counter, status: oneOf(['applied', 'failed']) }, { error: text(0, 2_000) }) },
    ),
  ),
});
