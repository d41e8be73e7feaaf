import {
  BREAKER_STATES,
  breakerName,
  type Check,
  INVENTORY_SCHEMA,
  InvalidInputError,
  type Inventory,
  integer,
  object,
  oneOf,
  recordOf,
  SETTINGS_CHECKS,
  text,
} from '@switchgear/conventions';

/**
 * Reads an inventory from a file of an agent's effective configuration.
 * @throws InvalidInputError naming every field that breaks a rule, below `inventory.json`.
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
  const problems = inventory(value, field);
  if (problems.length > 0) throw new InvalidInputError(problems.slice(0, MAX_PROBLEMS));
  return value as Inventory;
}

/** Enough to find the mistake; the same one may be in each of a thousand breakers. */
const MAX_PROBLEMS = 20;

const counter = integer(0, Number.MAX_SAFE_INTEGER);

/** Settings as a whole: what is optional in a patch must be there. */
const settings: Check = (value, field) => {
  const problems = object(SETTINGS_CHECKS)(value, field);
  if (problems.length > 0) return problems;
  const { trip, halfOpen } = value as Record<'trip' | 'halfOpen', Record<string, unknown>>;
  return [
    ...missing(trip, ['failureRatio', 'minimumCalls', 'failures', 'windowMs'], `${field}.trip`),
    ...missing(halfOpen, ['probes', 'probeTimeoutMs'], `${field}.halfOpen`),
  ];
};

function missing(value: Record<string, unknown>, keys: readonly string[], field: string) {
  return keys
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
