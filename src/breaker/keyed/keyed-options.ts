import {
  applySettings,
  breakerName,
  type Check,
  checkSettingsRules,
  DEFAULT_SETTINGS,
  InvalidInputError,
  integer,
  object,
} from '@switchgear/conventions';
import { type Clock, systemClock } from '../clock.ts';
import type { NeutralWire } from '../neutral/wire.ts';
import { type BreakerOptions, OPTION_CHECKS, type ValidDefinition } from '../options.ts';
import { isNameTaken } from '../registry.ts';
import type { CallSpans } from '../telemetry/observer.ts';

/** The options of each breaker of the group, and those of the group. */
export interface KeyedBreakersOptions<Wires extends readonly NeutralWire[] = readonly NeutralWire[]>
  extends Omit<BreakerOptions<Wires>, 'neutralWires'> {
  /** Makes the wires of a key's breaker: a wire belongs to one breaker. All keys together have at most 16 names of wires. */
  readonly neutralWires?: (key: string) => Wires;
  /** Most breakers at a time, 1 to 100,000; default 1,000. One more evicts another. */
  readonly maxBreakers?: number;
  /** Milliseconds after which a breaker is evicted that nobody asked for, 1 to 86,400,000 (a day); default 600,000. */
  readonly idleMs?: number;
  /**
   * Whether each breaker is one like any other, named `name/key`: with series, an inventory entry and steering of its own.
   * Default false: one set of series for all, and no telemetry has a key.
   */
  readonly seriesPerKey?: boolean;
}

export interface ValidKeyedOptions<Wires extends readonly NeutralWire[]> extends ValidDefinition {
  readonly clock: Clock;
  readonly callSpans: CallSpans;
  readonly telemetry: NonNullable<BreakerOptions['telemetry']>;
  readonly wiresOf: ((key: string) => Wires) | undefined;
  readonly maxBreakers: number;
  readonly idleMs: number;
  readonly seriesPerKey: boolean;
  /** What is handed on to each breaker. */
  readonly each: BreakerOptions<Wires>;
}

const DAY_MS = 86_400_000;

const wiresByKey: Check = (value, field) =>
  typeof value === 'function'
    ? []
    : [{ field, rule: 'must be a function that makes the wires of a key: a wire belongs to one breaker', value }];
const boolean: Check = (value, field) =>
  typeof value === 'boolean' ? [] : [{ field, rule: 'must be true or false', value }];

const shape = object(
  {},
  {
    ...OPTION_CHECKS,
    neutralWires: wiresByKey,
    maxBreakers: integer(1, 100_000),
    idleMs: integer(1, DAY_MS),
    seriesPerKey: boolean,
  },
);

/** @throws InvalidInputError naming each option that breaks its rule */
export function validateKeyedOptions<Wires extends readonly NeutralWire[]>(
  name: string,
  options: KeyedBreakersOptions<Wires>,
): ValidKeyedOptions<Wires> {
  if (typeof options !== 'object' || options === null) {
    throw new InvalidInputError([{ field: 'options', rule: 'must be an object', value: options }]);
  }
  const problems = [...breakerName(name, 'name'), ...shape(options, '')];
  if (isNameTaken(name)) {
    const rule = 'must be unique in the process; a breaker or a group of that name exists (close() it first)';
    problems.push({ field: 'name', rule, value: name });
  }
  if (problems.length > 0) throw new InvalidInputError(problems);
  const {
    neutralWires: wiresOf,
    maxBreakers = 1_000,
    idleMs = 600_000,
    seriesPerKey = false,
    telemetry = 'otel',
    ...each
  } = options;
  const settings = applySettings(DEFAULT_SETTINGS, options);
  const rules = checkSettingsRules(settings);
  if (rules.length > 0) throw new InvalidInputError(rules);
  const { mode = 'auto', clock = systemClock, callSpans = 'failures' } = each;
  return { settings, mode, clock, callSpans, telemetry, wiresOf, maxBreakers, idleMs, seriesPerKey, each };
}
